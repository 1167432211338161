"""A base's tokenizer, with a padding token that stock classes cannot mistake for a text's end."""

from __future__ import annotations

from typing import Any

from transformers import AutoTokenizer

from verifiers.errors import InputError

PADS = ("<|finetune_right_pad_id|>", "<pad>", "[PAD]", "<|endoftext|>", "<|reserved_special_token_0|>", "<unused0>")
"""Tokens that vocabularies hold for it, or for nothing: tried in this order where a tokenizer names no padding."""
COUNTED_FROM_PAD = frozenset(
    {"camembert", "data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "markuplm", "mpnet", "xmod"}
)
"""Kin of RoBERTa, by model type: their positions begin at pad_token_id + 1."""
MAX_TOKENS = 4096
"""Longest text by default; `max_tokens` overrides, up to what the model's positions allow."""


def load_tokenizer(path: str, trust_remote_code: bool = False) -> Any:
    """Load a tokenizer and see to its padding.

    Raises:
        InputError: If there is none, or it needs the checkpoint's own code and that is not allowed.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise InputError(f"no tokenizer can be loaded from {path!r}: {error}") from error
    choose_pad(tokenizer)
    return tokenizer


def choose_pad(tokenizer: Any) -> None:
    """Give a tokenizer a padding token other than eos, without a new row in the embeddings.

    Stock decoders take the last token that is not the padding token for the text's end. Our own pooling does not,
    but TRL, vLLM and others run the stock class: with pad == eos they would read another token than we do (trl#2758).
    """
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id != tokenizer.eos_token_id:
        return
    vocabulary = tokenizer.get_vocab()
    ends = {tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.sep_token_id, tokenizer.cls_token_id}
    found = [token for token in (*PADS, tokenizer.unk_token) if vocabulary.get(token, -1) not in ends | {-1}]
    if not found:  # GPT-2 and its like: any token will do that no text ends with, since every text ends with eos.
        ordered = sorted(vocabulary, key=vocabulary.__getitem__, reverse=True)
        found = [token for token in ordered if vocabulary[token] not in ends]
    tokenizer.pad_token = found[0]


def longest(tokenizer: Any, config: Any, asked: int | None) -> int:
    """Return how many tokens a text may have.

    Args:
        tokenizer: May name the limit.
        config: May name the number of positions.
        asked: By the user; `None` = `MAX_TOKENS`, or less where the model has less.
    """
    text_config = config.get_text_config()
    limits = [asked or MAX_TOKENS, tokenizer.model_max_length]
    positions = getattr(text_config, "max_position_embeddings", None)
    if positions:
        counted_from_pad = "roberta" in text_config.model_type or text_config.model_type in COUNTED_FROM_PAD
        limits.append(positions - (text_config.pad_token_id + 1 if counted_from_pad else 0))
    return int(min(limits))
