"""What a completion is, in text that a trainer has decoded with special tokens, or together with its prompt."""

from __future__ import annotations

ENDINGS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
    "<|end▁of▁sentence|>",
    "<pad>",
    "<|pad|>",
    "<|finetune_right_pad_id|>",
    "[EOS]",
    "[PAD]",
    "[gMASK]",
)
"""Special tokens that end a turn or fill it up, of the usual model families."""
TAIL_CHARS = 64
"""So much of a prompt's end finds it where a trainer has cut off its beginning."""


def without_endings(text: str) -> str:
    """Return text without the special tokens at its end, and the white space between them."""
    end = len(text)  # padding can be as long as the context: nothing is copied on the way
    while True:
        at = end
        while at and text[at - 1].isspace():
            at -= 1
        ending = next((each for each in ENDINGS if text.endswith(each, 0, at)), None)
        if ending is None:
            return text[:end]
        end = at - len(ending)


def completion_of(query: str, prompt: str) -> str | None:
    """Return what follows the prompt in a query that holds both; `None` = the prompt cannot be found in it.

    A tokenizer's round trip may change white space, put a token in front, or cut off the prompt's beginning.
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    at = query.find(prompt)
    if at >= 0:
        return query[at + len(prompt) :]
    after = _after_spaced(query, prompt)
    if after is not None:
        return query[after:]
    tail = prompt[-TAIL_CHARS:]
    at = query.find(tail)
    return query[at + len(tail) :] if at >= 0 else None


def _after_spaced(query: str, prompt: str) -> int | None:
    """Return where the prompt ends if the query starts with it but for white space; `None` = it does not."""
    at = 0
    for char in prompt:
        if char.isspace():
            continue
        while at < len(query) and query[at].isspace():
            at += 1
        if at == len(query) or query[at] != char:
            return None
        at += 1
    return at
