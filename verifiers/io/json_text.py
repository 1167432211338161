"""JSON to rows and back: strict where a mistake could hide, forgiving where models leave broken text.

A model that is cut off inside an emoji leaves half of a surrogate pair, which JSON can write as an escape and UTF-8
cannot hold. Such text is read, judged, and kept byte for byte in the output's rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from verifiers.io.values import Row

SAVE_AS_UTF8 = "save the file as UTF-8 (in Excel: CSV UTF-8), or convert it, e.g. `iconv -f GB18030 -t UTF-8`"
_MAX_DEPTH = 50
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that is half of a surrogate pair, with or without its other half."""

_decode_row = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder(enc_hook=str).encode
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Unreadable(ValueError):
    """A line that is not a JSON object; its text says why."""


def decode_row(line: bytes) -> Row:
    """Decode a line.

    Raises:
        Unreadable: If it is not one JSON object of reasonable depth, in UTF-8.
    """
    try:
        return _decode_row(line)
    except _UNREADABLE as error:
        row = decode_half_pairs(line)
        if not isinstance(row, dict):
            raise Unreadable(_why_unreadable(line, error)) from error
        return row


def decode_clean_row(line: bytes) -> Row:
    """Decode a line for a format that is strictly UTF-8: lone surrogates are replaced.

    Raises:
        Unreadable: As of `decode_row`.
    """
    row = decode_row(line)
    return dict(_cleaned(row, 0)) if _HALF_PAIR.search(line) else row


def decode_half_pairs(text: bytes) -> Any:
    """Decode JSON that holds halves of surrogate pairs; `None` = it does not, or that is not all that is wrong."""
    if not _HALF_PAIR.search(text):
        return None
    try:
        return json.loads(text.decode(), parse_constant=_refuse)
    except _UNREADABLE:
        return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _why_unreadable(line: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, msgspec.ValidationError) and "Expected `object`" in str(error):
        return f"the line is not a JSON object ({error})"
    if isinstance(error, UnicodeDecodeError):
        return f"the line is not UTF-8 ({error}); {SAVE_AS_UTF8}"
    for name in (b"NaN", b"Infinity"):
        if name in line:
            return f"the line is not JSON ({error}); {name.decode()} is not JSON, write null"
    return f"the line is not JSON ({error})"


def encode_json(value: object) -> bytes:
    """Encode to JSON; what JSON or UTF-8 cannot hold (lone surrogates, a teacher's odd details) is replaced."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, ValueError, RecursionError):
        return _encode(_cleaned(value, 0))


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if depth > _MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {_cleaned(str(name), depth + 1): _cleaned(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item, depth + 1) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _cleaned(getattr(value, name), depth + 1) for name in value.__dataclass_fields__}
    return value
