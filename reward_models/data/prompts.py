"""Prompts that a row does not hold by themselves: in front of both answers of a pair, or with the reference in them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from reward_models.data.cells import clean_messages, text_of_prompt, text_of_response
from verifiers.io.values import BadRow
from verifiers.types import Json, Text

REFERENCE = "\n\nReference answer: "
"""What stands between a prompt and its reference."""
_TURNS = ("\n\nAssistant:", "<|assistant|>\n", "<|im_start|>assistant\n")
"""Where an answer begins in conversations that are written as text (Anthropic's hh, chat templates)."""


def with_reference(prompt: Text, reference: Json) -> Text:
    """Return the prompt with its reference behind it; in a chat, behind its last message.

    The teacher `reward_model` does the same to a sample, so that a model sees what it was trained on.
    """
    tail = REFERENCE + (reference if isinstance(reference, str) else str(reference))
    if isinstance(prompt, str):
        return prompt + tail
    *before, last = prompt
    content = last.get("content")
    return [*before, {**last, "content": f"{content if isinstance(content, str) else ''}{tail}"}]


def implicit_prompt(prompt: Text, chosen: Any, rejected: Any) -> tuple[Text, Text, Text]:
    """Return prompt, chosen and rejected, where the prompt may be in front of both answers (TRL's implicit prompt).

    Args:
        prompt: The row's own; empty = it has none.
        chosen: Text or chat messages, as `rejected`.
        rejected: See there.

    Raises:
        BadRow: If they are no answers, or differ nowhere.
    """
    if isinstance(chosen, list) and isinstance(rejected, list) and chosen and rejected:
        return _of_chats(prompt, clean_messages(chosen), clean_messages(rejected))
    if not prompt and isinstance(chosen, str) and isinstance(rejected, str):
        return _of_texts(text_of_response(chosen), text_of_response(rejected))
    return prompt, text_of_response(chosen), text_of_response(rejected)


def _of_chats(prompt: Text, chosen: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> tuple[Text, Text, Text]:
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False)))
    while shared and chosen[shared - 1]["role"] == "assistant":  # the last words may be the answers' common beginning
        shared -= 1
    if shared in (len(chosen), len(rejected)):
        raise BadRow("chosen and rejected are the same, or one of them is no answer")
    answers = text_of_response(chosen[shared:]), text_of_response(rejected[shared:])
    if not shared:
        return (prompt, *answers)
    front = text_of_prompt(chosen[:shared])
    # Data sets that hold the prompt twice (UltraFeedback) repeat it as text; one that is no repetition comes first.
    repeated = isinstance(prompt, str) and any(_says(message, prompt) for message in chosen[:shared])
    return (front if not prompt or repeated or prompt == front else _joined(prompt, front), *answers)


def _says(message: Mapping[str, Any], prompt: str) -> bool:
    return str(message["content"]).strip() == prompt.strip()


def _joined(prompt: Text, front: Text) -> Text:
    before = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    return [*before, *(each for each in front if not isinstance(each, str))]


def _of_texts(chosen: Text, rejected: Text) -> tuple[Text, Text, Text]:
    """Cut where TRL does, at the first difference; but where the texts are conversations, at the last common turn."""
    one, two = str(chosen), str(rejected)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
    if shared == len(one) == len(two):
        raise BadRow("chosen and rejected are the same")
    turn = max(one.rfind(mark, 0, shared) + len(mark) if mark in one[:shared] else 0 for mark in _TURNS)
    if turn:
        return one[:turn].rstrip(" "), one[turn:].lstrip(" "), two[turn:].lstrip(" ")
    shared -= shared > 0 and one[shared - 1] == " "
    return one[:shared], one[shared:], two[shared:]
