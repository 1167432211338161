"""How servers of reward models are spoken to: vLLM, SGLang, Text Embeddings Inference, OpenRLHF's serve_rm.

Each takes a batch in one request and gives one list of outputs for each answer. Where a server can, it is told to
leave its activation out: a sigmoid flattens what GRPO must tell apart. Sources: vLLM `ClassifyRequest`
(`use_activation`), SGLang `/classify` (`EmbeddingReqInput`), TEI `router/src/http/types.rs` (`PredictRequest`),
OpenRLHF `cli/serve_rm.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.types import Json


@dataclass(frozen=True, slots=True)
class Written:
    """One answer, as servers read it.

    Attributes:
        ids: What the model reads; empty = no tokenizer at hand, only text.
        text: All of it as text, with the special tokens at its ends.
        bare: The text without those that the server's tokenizer adds by itself.
        prompt: The prompt alone, which some servers want beside it.
        truncated: Whether the prompt or the response was cut.
        response_truncated: Whether the response was.
    """

    ids: tuple[int, ...]
    text: str
    bare: str
    prompt: str
    truncated: bool = False
    response_truncated: bool = False


Write = Callable[[Sequence[Written], str], Json]
Read = Callable[[Any], list[list[float]]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask a server.

    Attributes:
        write: Makes the request's body of a batch and the model's name on the server.
        needs_ids: Whether it works only with a tokenizer at hand.
        told: What is sent, for messages.
    """

    write: Write
    told: str
    needs_ids: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """A kind of server.

    Attributes:
        path: Where it takes batches.
        ways: How it may be asked, the surest first; the parity probe finds the one that gives the card's scores.
        read: Takes the outputs of each answer out of the reply.
        advice: What to do if the server applies an activation.
    """

    path: str
    ways: tuple[Way, ...]
    read: Read
    advice: str


def _vllm_ids(batch: Sequence[Written], model: str) -> Json:
    return {"model": model, "input": [list(each.ids) for each in batch], "use_activation": False}


def _vllm_text(batch: Sequence[Written], model: str) -> Json:
    texts = [each.text for each in batch]
    return {"model": model, "input": texts, "use_activation": False, "add_special_tokens": False}


def _vllm_read(reply: Any) -> list[list[float]]:
    rows = sorted(reply["data"], key=lambda row: row["index"])
    indices = [row["index"] for row in rows]
    if indices != list(range(len(rows))):
        raise ValueError(f"its indices are not 0 to {len(rows) - 1}, each once: {str(indices)[:80]}")
    return [row["probs"] for row in rows]


def _sglang_read(reply: Any) -> list[list[float]]:
    rows = [reply] if isinstance(reply, Mapping) else reply
    return [row["embedding"] for row in rows]


def _tei_read(reply: Any) -> list[list[float]]:
    return [[label["score"] for label in row] for row in reply]


def _openrlhf(key: Callable[[Written], str]) -> Write:
    def write(batch: Sequence[Written], model: str) -> Json:
        queries, prompts = [key(each) for each in batch], [each.prompt for each in batch]
        return {"query": queries, "prompts": prompts, "labels": [""] * len(batch)}

    return write


def _openrlhf_read(reply: Any) -> list[list[float]]:
    return [row if isinstance(row, list) else [row] for row in reply["rewards"]]


def _tei(key: Callable[[Written], str]) -> Write:
    return lambda batch, model: {"inputs": [[key(each)] for each in batch], "raw_scores": True, "truncate": False}


def _bare(each: Written) -> str:
    return each.bare


def _full(each: Written) -> str:
    return each.text


DIALECTS: Mapping[str, Dialect] = {
    "vllm": Dialect(
        "/classify",
        (Way(_vllm_ids, "token ids", needs_ids=True), Way(_vllm_text, "text")),
        _vllm_read,
        """use_activation is sent, which an older vLLM does not know: start it with --pooler-config """
        """'{"use_activation": false}' (older still: --override-pooler-config '{"softmax": false}')""",
    ),
    "sglang": Dialect(
        "/classify",
        (
            Way(lambda batch, model: {"input_ids": [list(each.ids) for each in batch]}, "token ids", needs_ids=True),
            Way(lambda batch, model: {"text": [each.bare for each in batch]}, "text"),
        ),
        _sglang_read,
        "start the server with --is-embedding, and without an activation of its own",
    ),
    "tei": Dialect(
        "/predict",
        (Way(_tei(_bare), "text, the server adds marks"), Way(_tei(_full), "text with marks")),
        _tei_read,
        "raw_scores is sent; use a version of the server that knows it",
    ),
    "openrlhf": Dialect(
        "/get_reward",
        (Way(_openrlhf(_full), "text with marks"), Way(_openrlhf(_bare), "text, the server adds marks")),
        _openrlhf_read,
        "start serve_rm without --normalize_reward, and let the server apply no sigmoid",
    ),
}


def _number(value: Any) -> float:
    if type(value) not in (int, float):  # float() would take true and "3", too
        raise TypeError(f"{str(value)[:80]!r} is no number")
    return float(value)


def read_outputs(dialect: Dialect, reply: Any, count: int) -> list[tuple[float, ...]]:
    """Take the outputs out of a server's reply.

    Raises:
        ValueError: If it holds something else than `count` lists of finite numbers; the text says what.
    """
    try:
        rows = [tuple(map(_number, row)) for row in dialect.read(reply)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"the reply has no scores where they belong ({type(error).__name__}: {error})") from error
    if len(rows) != count:
        raise ValueError(f"the reply has {len(rows)} scores for {count} answers")
    if not all(row and all(map(math.isfinite, row)) for row in rows):
        raise ValueError("the reply holds scores that are no finite numbers")
    return rows
