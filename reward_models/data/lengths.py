"""How long texts are."""

from __future__ import annotations

from verifiers.types import Text


def chars_of(text: Text) -> int:
    """Return the characters of a text, or of a chat's messages, white space at the ends not counted."""
    if isinstance(text, str):
        return len(text.strip())
    return sum(len(content.strip()) for message in text if isinstance(content := message.get("content"), str))
