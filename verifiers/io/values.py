"""The shapes in which rows hold completions and prompts, brought to text or chat messages.

Known shapes: text, a number, a message, a list of messages (`role` / `content`, or ShareGPT's `from` / `value`),
OpenAI's and inspect's `choices`, vLLM's `outputs`, lm-eval's `resps`, and a list of any of these: a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from verifiers.types import Text

Row: TypeAlias = dict[str, Any]
"""A decoded row: JSON values by column."""

_SHAREGPT_ROLES = {"human": "user", "gpt": "assistant", "bard": "assistant", "chatgpt": "assistant"}
_TEXT_KEYS = ("text", "content", "completion", "output_text", "generated_text", "value")
_WRAPPERS = ("message", "choices", "outputs", "output")


class BadRow(ValueError):
    """A row that is not a sample; its text says why."""


def completions_of(value: object) -> tuple[list[Text | None], bool]:
    """Return the completions that a value holds, and whether it is a list of them (a group).

    A completion that is null among others stays `None`: it alone is not a sample.

    Raises:
        BadRow: If there is none.
    """
    if isinstance(value, str):
        return [value], False
    if not isinstance(value, list):
        return [_one(value)], False
    if not value:
        raise BadRow("the list of completions is empty")
    if all(_is_message(item) for item in value):
        return [messages_of(value)], False
    if len(value) == 1 and isinstance(value[0], Mapping) and not value[0].keys().isdisjoint(_WRAPPERS):
        return [_one(value[0])], False
    if all(item is None for item in value):
        raise BadRow(f"all {len(value)} completions are null")
    return [None if item is None else _one(item) for item in value], True


def _one(value: object) -> Text:
    """Return the single completion in a value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        raise BadRow(f"the completion is {'null' if value is None else value}, not text or chat messages")
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return _from_object(value)
    if isinstance(value, list) and value:
        if all(_is_message(item) for item in value):
            return messages_of(value)
        if len(value) == 1:
            return _one(value[0])
    raise BadRow(f"a completion is text or a list of chat messages, not {_shape(value)}")


def _from_object(value: Mapping[str, Any]) -> Text:
    if _is_message(value):
        return messages_of([value])
    for key in _WRAPPERS:
        if value.get(key):
            return _one(value[key])
    for key in _TEXT_KEYS:
        if isinstance(value.get(key), str):
            return str(value[key])
    raise BadRow(f"an object without text: its keys are {', '.join(value) or 'none'}")


def _is_message(item: object) -> bool:
    return isinstance(item, Mapping) and (
        ("role" in item and "content" in item) or ("from" in item and "value" in item)
    )


def messages_of(items: list[Any]) -> list[dict[str, Any]]:
    """Return chat messages with `role` and `content`, whatever the row calls them."""
    return [item if "role" in item else {"role": _role(item["from"]), "content": item["value"]} for item in items]


def _role(name: object) -> object:
    """Return the role that ShareGPT calls so; what is no text stays as it is, and is no key either."""
    return _SHAREGPT_ROLES.get(name, name) if isinstance(name, str) else name


def split_chat(value: object) -> tuple[Text, Text]:
    """Split a conversation into prompt and completion: the completion is what follows the last user message.

    Raises:
        BadRow: If it is no conversation, or nothing follows.
    """
    if not isinstance(value, list) or not value or not all(_is_message(item) for item in value):
        raise BadRow(f"the conversation is not a list of chat messages but {_shape(value)}")
    messages = messages_of(value)
    turn = next((i for i in range(len(messages), 0, -1) if messages[i - 1]["role"] not in ("assistant", "tool")), 0)
    if not any(message["role"] == "assistant" for message in messages[turn:]):
        raise BadRow("the conversation ends without an answer of the assistant")
    return messages[:turn], messages[turn:]


def prompt_of(value: object) -> Text:
    """Return a prompt as text or messages; an answer at the end of a conversation is left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(_is_message(item) for item in value):
        messages = messages_of(value)
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        return messages
    return "" if value is None else str(value)


def _shape(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)} x {_shape(value[0])}" if value else "an empty list"
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "an object")
