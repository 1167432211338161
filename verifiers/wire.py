"""Samples and verdicts as bytes, for worker processes and as keys of equal work.

The format is msgpack. What msgpack cannot hold and JSON can (integers past 64 bits, lone surrogates, which models do
emit) travels as JSON; the first byte tells the two apart. Nothing here is ever pickled or evaluated.

Values that are not JSON are converted first, so that a teacher sees the same in the caller's process and in a worker:
arrays and tensors by `.tolist()`, other scalars by `.item()`, dates by `.isoformat()`, sets and tuples to lists,
`Decimal` and `UUID` to text, dataclasses to objects. Anything else is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from verifiers.types import Json, Part, Sample, Status, Verdict

MAX_SAMPLE_BYTES = 64 * 2**20
"""A sample whose fields take more is not sent to a worker."""
MAX_VERDICT_BYTES = 16 * 2**20
"""A verdict that takes more is refused, on both sides."""

_MSGPACK, _JSON = b"m", b"j"
_UNFIT = (OverflowError, UnicodeEncodeError)
_encoder = msgspec.msgpack.Encoder(order="sorted")


class WireError(ValueError):
    """A value cannot travel: what it is and where the limit lies."""


def plain(value: object) -> Json:
    """Return a value as JSON would hold it (see the module's docstring for what is converted).

    Raises:
        WireError: If it holds something that cannot be converted, or is nested too deeply.
    """
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_convert)  # type: ignore[no-any-return]
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error


def _convert(value: object) -> object:
    for method in ("tolist", "item", "isoformat"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"a value of type {type(value).__module__}.{type(value).__qualname__} cannot be converted")


def pack(value: Json) -> bytes:
    """Encode JSON data, keys sorted: equal data gives equal bytes.

    Raises:
        WireError: If it is not JSON data or nested too deeply.
    """
    try:
        return _MSGPACK + _encoder.encode(value)
    except _UNFIT:
        pass
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    try:
        return _JSON + json.dumps(value, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error


def unpack(data: bytes, limit_bytes: int) -> Any:
    """Decode what `pack` made.

    Raises:
        WireError: If it is longer than the limit or broken.
    """
    if len(data) > limit_bytes:
        raise WireError(f"{len(data):,} bytes, and {limit_bytes:,} are allowed")
    try:
        if data[:1] == _JSON:
            return json.loads(data[1:])
        return msgspec.msgpack.decode(memoryview(data)[1:])
    except (ValueError, RecursionError) as error:
        raise WireError(f"broken data: {error}") from error


def pack_sample(sample: Sample, fields: Iterable[str]) -> bytes:
    """Encode the named fields of a sample.

    Raises:
        WireError: If a field is not JSON data, or the whole is longer than `MAX_SAMPLE_BYTES`.
    """
    data = pack({name: getattr(sample, name) for name in fields})
    if len(data) > MAX_SAMPLE_BYTES:
        raise WireError(f"the sample takes {len(data):,} bytes, and {MAX_SAMPLE_BYTES:,} are allowed")
    return data


def unpack_sample(data: bytes) -> Sample:
    """Decode what `pack_sample` made; fields that it left out have their defaults.

    Raises:
        WireError: If the data are broken.
    """
    return Sample(**{"completion": "", **unpack(data, MAX_SAMPLE_BYTES)})


def pack_verdict(verdict: Verdict) -> bytes:
    """Encode a verdict.

    Raises:
        WireError: If its details are not JSON, or it is longer than `MAX_VERDICT_BYTES`.
    """
    parts = [[part.name, part.reward, part.reason, part.weight, plain(part.details)] for part in verdict.parts]
    data = pack([verdict.reward, verdict.status.value, verdict.reason, verdict.answer, parts, verdict.elapsed_s])
    if len(data) > MAX_VERDICT_BYTES:
        raise WireError(f"the verdict takes {len(data):,} bytes, and {MAX_VERDICT_BYTES:,} are allowed")
    return data


def unpack_verdict(data: bytes) -> Verdict:
    """Decode what `pack_verdict` made.

    Raises:
        WireError: If the data are broken or are no verdict.
    """
    raw = unpack(data, MAX_VERDICT_BYTES)
    try:
        reward, status, reason, answer, parts, elapsed_s = raw
        return Verdict(reward, Status(status), reason, answer, tuple(Part(*part) for part in parts), elapsed_s)
    except (TypeError, ValueError) as error:
        raise WireError(f"not a verdict: {error}") from error
