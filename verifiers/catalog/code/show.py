"""Show what programs wrote or returned: cut, and without characters that could disturb a terminal or a log."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from verifiers.catalog.code.values import Items, Opaque, Pairs

SHOWN_CHARS = 200
"""Longest piece of an output or value in a verdict."""
_READ_BYTES = 16_384
_TRACEBACK = b"Traceback (most recent call last)"
_MESSAGE = re.compile(rb"(?:error(?:\[\w{1,12}\]| TS\d{1,6})?:|Error:|Exception\b|\bpanic(?:ked\b|:))")
"""Of gcc, javac, rustc, tsc; of programs in Java, JavaScript, Go, Rust."""
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    deque: ("deque([", "])"),
}


def show_text(text: str | bytes, limit: int = SHOWN_CHARS) -> str:
    """Return text cut to a limit, with every character escaped that is not plainly visible."""
    more = len(text) > limit
    cut = text[:limit]
    if isinstance(cut, bytes):
        cut = cut.decode("utf-8", "backslashreplace")
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return plain + (f"... ({len(text):,} in all)" if more else "")


def last_line(text: bytes, limit: int = SHOWN_CHARS) -> str:
    """Return the last line that is not blank, as tracebacks have their message there."""
    lines = text[-8 * limit :].strip().rsplit(b"\n", 1)
    return show_text(lines[-1].strip(), limit)


def telling_line(text: bytes, limit: int = SHOWN_CHARS) -> str:
    """Return the line that says what went wrong: the first that is an error's message, or else the last.

    Compilers and most languages write more below it; Python's tracebacks end with it.
    """
    lines = [] if _TRACEBACK in text else text[:_READ_BYTES].split(b"\n")
    message = next((line for line in lines if _MESSAGE.search(line)), None)
    return last_line(text, limit) if message is None else show_text(message.strip(), limit)


def show_value(value: Any, limit: int = SHOWN_CHARS) -> str:
    """Return a decoded value, or one of ours, as Python would write it, cut to a limit."""
    pieces: list[str] = []
    room = _write(value, pieces, limit)
    return show_text("".join(pieces), limit) + ("..." if room < 0 else "")


def _write(value: Any, pieces: list[str], room: int) -> int:
    """Append a value's text; return the room that is left, below 0 where something was left out."""
    if room < 0:
        return room
    if isinstance(value, Pairs | dict):
        pairs = value.pairs if isinstance(value, Pairs) else list(value.items())
        return _write_pairs(pairs, pieces, room)
    kind = value.kind if isinstance(value, Items) else type(value)
    items = value.items if isinstance(value, Items) else value
    if kind not in _BRACKETS or (not items and kind in (set, frozenset)):
        text = _scalar(value) if kind not in (set, frozenset) else f"{kind.__name__}()"
        pieces.append(text)
        return room - len(text)
    opening, closing = _BRACKETS[kind]
    pieces.append(opening)
    for number, item in enumerate(items):
        pieces.append(", " if number else "")
        room = _write(item, pieces, room - 2)
        if room < 0:
            return room
    pieces.append("," + closing if kind is tuple and len(items) == 1 else closing)
    return room


def _write_pairs(pairs: list[tuple[Any, Any]], pieces: list[str], room: int) -> int:
    pieces.append("{")
    for number, (key, value) in enumerate(pairs):
        pieces.append(", " if number else "")
        room = _write(key, pieces, room - 4)
        pieces.append(": ")
        room = _write(value, pieces, room)
        if room < 0:
            return room
    pieces.append("}")
    return room


def _scalar(value: Any) -> str:
    if type(value) is int and value.bit_length() > 1000:
        return f"an integer of {value.bit_length():,} bits"
    if isinstance(value, str | bytes | bytearray):
        return repr(value[: SHOWN_CHARS + 1])
    if isinstance(value, Opaque):
        return f"<{value.type_name}>"
    try:
        return repr(value)[: 2 * SHOWN_CHARS]
    except ValueError:  # whole numbers in it (of a fraction, a range) that are too long to be written
        return f"<{type(value).__name__} of very long numbers>"
