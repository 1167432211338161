r"""Text that is safe and tidy on a terminal.

Model text is hostile: an escape sequence in a completion could retitle the window, hide lines or paste into the
shell, and a right-to-left override could make a wrong answer read right. Everything that came from a file is passed
through `escape` (one line) or `escape_lines` (newlines and tabs kept) before it is printed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

ELLIPSIS = "…"

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1 controls: the start of every terminal escape sequence
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks and overrides
    "\u200b\u2028\u2029\u2060\ufeff"  # invisible spaces and line separators
    "\ud800-\udfff]"  # lone surrogates, which cannot be encoded
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def escape(text: str) -> str:
    """Return the text in one line, every control, override and lone surrogate shown as an escape."""
    return _UNSAFE.sub(_visible, text)


def escape_lines(text: str) -> str:
    """Like `escape`, with line feeds and tabs left as they are."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in "\n\t" else _visible(match), text)


def json_safe(text: str) -> str:
    """Return JSON text that means the same, with every character that `escape` shows written as a JSON escape."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in "\n\t" else f"\\u{ord(match[0]):04x}", text)


def width(text: str) -> int:
    """Return how many terminal cells the text takes: 2 for East Asian wide characters, 0 for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, cells: int) -> str:
    """Escape the text and cut it to `cells` terminal cells, an ellipsis marking the cut.

    The work is bounded by `cells`, not by the length of the text.
    """
    shown = escape(text[: cells + 1])
    if len(text) <= cells and width(shown) <= cells:
        return shown
    kept, used = [], 0
    for character in shown:
        used += _cells(character)
        if used > cells - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def pad(text: str, cells: int, right: bool = False) -> str:
    """Fill the text with spaces to `cells` terminal cells, aligned left or right."""
    spaces = " " * max(0, cells - width(text))
    return spaces + text if right else text + spaces


def wrap(text: str, cells: int) -> list[str]:
    """Break text without control characters into lines of at most `cells` cells, at spaces where there are any."""
    lines, line, used = [], "", 0
    for word in _words(text, cells):
        wide = width(word)
        if used + wide > cells and line:
            lines.append(line.rstrip(" "))
            line, used = "", 0
            word = word.lstrip(" ")
            wide = width(word)
        line += word
        used += wide
    return [*lines, line.rstrip(" ")] if line or not lines else lines


def _words(text: str, cells: int) -> Iterator[str]:
    """Yield pieces that join to the text, each a space and what follows it, none wider than `cells`."""
    piece, used = "", 0
    for character in text:
        wide = _cells(character)
        if piece and (character == " " or wide > 1 or used + wide > cells):
            yield piece
            piece, used = "", 0
        piece += character
        used += wide
    if piece:
        yield piece
