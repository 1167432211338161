"""A reward model behind an address, as a teacher: vLLM, SGLang, Text Embeddings Inference, OpenRLHF-style servers.

Accepts any prompt and completion, as `reward_model` does. With `model`, the checkpoint's folder, answers are written
with its own tokenizer and template (servers that take token ids get those), and its card's texts are sent first: a
server that scores them differently (a sigmoid, another template, a second BOS, another model) is refused. Only the
folder's small files are read. Without `model` the server gets prompt and completion one behind the other, unchecked.

Answers of one length go in one request, several requests at a time; each batch is asked again, with growing pauses,
until its deadline. What has no answer by then is not judged, and never 0.

Known limits: Text Embeddings Inference and OpenRLHF's server take text, not tokens, so that a prompt that was cut in
the middle may be read a little differently there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from reward_models.serving.batcher import Batcher
from reward_models.serving.engine import Ask
from reward_models.serving.facts import facts_of
from reward_models.serving.parity import TOLERANCE
from reward_models.serving.reads import model_stamp
from reward_models.serving.scale import Scale, Scores
from reward_models.serving.server import Parity, ServerEngine, ServerSettings, meet
from reward_models.serving.teacher import check_folder
from reward_models.serving.verdicts import Facts, How, Member, gather
from reward_models.serving.watch import ScoreWatch
from reward_models.serving.writing import PlainWriter
from verifiers.connections import Connections
from verifiers.errors import OptionError, require
from verifiers.teacher import BaseTeacher, Case, Teacher, teacher
from verifiers.types import Sample, Verdict

NAME = "remote_rm"
TOKEN_VARIABLE = "RM_TOKEN"
"""Holds the server's token, where neither the address nor the option does."""


@dataclass(frozen=True)
class Options:
    """Options of the remote reward model.

    Attributes:
        url: http://host:port, with a path where a proxy needs one.
        server: vllm, sglang, tei, openrlhf; auto = find out.
        model: Folder of the checkpoint that the server serves; empty = unknown, nothing can be compared.
        name: The model's name on the server; empty = the first that it lists.
        scores: raw, centred or calibrated; see `reward_model`. All but raw need model.
        batch: Most answers of one request.
        parallel: Requests at the same time.
        timeout_s: Wall-clock seconds of one batch, all retries included.
        parity: on = refuse a server that scores the card's texts differently; off = ask no such thing.
        tolerance: Largest difference allowed, in standard deviations of the model's scores.
        token: Sent as a bearer token; empty = of the address, or of the variable RM_TOKEN.
        max_length: Longest text in tokens; 0 = the model's own.
        watch: Hold the scores against the card's calibration set; see `reward_model`.
    """

    url: str = ""
    server: Literal["auto", "vllm", "sglang", "tei", "openrlhf"] = "auto"
    model: str = ""
    name: str = ""
    scores: Scores = "raw"
    batch: int = 32
    parallel: int = 8
    timeout_s: float = 120.0
    parity: Literal["on", "off"] = "on"
    tolerance: float = TOLERANCE
    token: str = ""
    max_length: int = 0
    watch: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: If there is no address, or a number is out of its range.
        """
        if not self.url:
            raise ValueError("say where the server is: --set url=http://host:port")
        if not (1 <= self.batch <= 4096 and 1 <= self.parallel <= 256 and self.timeout_s > 0 and self.tolerance > 0):
            raise ValueError("allowed: batch 1 to 4096, parallel 1 to 256, timeout_s and tolerance above 0")
        if self.scores != "raw" and not self.model:
            raise ValueError(f"scores={self.scores} needs the model's card: --set model=FOLDER")


class RemoteRewardModel(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 900.0
    reads: ClassVar[tuple[str, ...]] = ("completion", "prompt")

    def __init__(self, options: Options) -> None:
        """Prepare to ask; the server is met when the first sample comes.

        Raises:
            OptionError: If the address is none, or the folder holds no model.
        """
        if options.model:
            check_folder(options.model)
        self.options = options
        self._connections = Connections(options.url, options.token or os.environ.get(TOKEN_VARIABLE))
        self._facts = Facts(Scale())
        batcher = Batcher(self._meet)
        self._members = [Member(options.name or NAME, batcher.submit, lambda: self._facts)]

    def _meet(self) -> ServerEngine:
        options = self.options
        settings = ServerSettings(
            options.server, options.name, options.batch, options.parallel, options.timeout_s, options.tolerance
        )
        if not options.model:
            return meet(self._connections, settings, PlainWriter(), has_ids=False, parity=None)
        for module in ("torch", "transformers"):
            require(module, "rm", f"The teacher {NAME} with a model's folder")
        from reward_models.models.card import read_card
        from reward_models.serving.writing import writer_of

        card = read_card(Path(options.model))
        facts = facts_of(card, options.model, options.scores, options.watch)
        # Servers run the stock checkpoint, whose one output is the aspects' weighted sum already.
        self._facts = replace(facts, scale=replace(facts.scale, aspects={}))
        if options.parity == "on" and not (card and card.parity):
            raise OptionError(
                f"{options.model} has no card with parity texts, so that the server cannot be checked; set parity=off"
            )
        parity = None
        if card is not None and options.parity == "on":
            asks = tuple(Ask(text.prompt, text.response) for text in card.parity)
            parity = Parity(asks, tuple(text.score for text in card.parity), self._facts.scale)
        writer = writer_of(options.model, card, options.max_length)
        return meet(self._connections, settings, writer, has_ids=True, parity=parity)

    def submit(self, sample: Sample) -> Future[Verdict]:
        """Begin to score a sample."""
        return gather(Ask(sample.prompt, sample.completion), self._members, How(self.options.scores))

    def repeated(self, sample: Sample) -> None:
        """Count an answer that was given a score of before."""
        if self.watch is not None:
            self.watch.again(sample.prompt, sample.completion)

    def judge(self, sample: Sample) -> Verdict:
        """Score one sample, and wait for it."""
        return self.score([sample])[0]

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Score samples together."""
        return [future.result() for future in [self.submit(sample) for sample in samples]]

    @property
    def watch(self) -> ScoreWatch | None:
        """What holds the scores against the calibration set; `None` = the server was not met yet, or no card."""
        return self._facts.watch

    def figures(self) -> dict[str, float]:
        """Return how the latest scores lie beside the calibration set; see `ScoreWatch`."""
        return self.watch.figures() if self.watch is not None else {}

    def stamp(self) -> str:
        """Return a line for the folder's card, tokenizer and template; what the server holds is for `parity`."""
        return model_stamp(self.options.model, with_weights=False) if self.options.model else ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the options; the copy meets the server anew."""
        return _rebuilt, (self.options,)


def _rebuilt(options: Options) -> Teacher:
    return remote_rm.build(options)


remote_rm = teacher(version="1", options=Options, name=NAME)(RemoteRewardModel)
CASES: list[Case] = []  # there is no server to try them on
