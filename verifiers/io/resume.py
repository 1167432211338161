"""Going on with an output file after a kill.

Beside the output lies a small file that says of which run it is. The output itself says how far the run came: its
whole rows. Whatever follows the last whole row (or the last full member of a packed file) is cut off and done again.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from verifiers.errors import InputError, UsageError, require
from verifiers.io.json_text import Unreadable, decode_row
from verifiers.io.sinks import MEMBER_BYTES, RESUMABLE, ending
from verifiers.stamps import changed
from verifiers.types import Json

SIDECAR = ".verify-run.json"
READS = "reads"
"""The fact of what the teacher read besides its options: its stamp's lines. Older outputs do not tell it."""
_READ_BYTES = 256 * 1024


def sidecar_of(output: str) -> Path:
    """Return where the facts of an output's run are kept."""
    return Path(output + SIDECAR)


def write_sidecar(output: str, facts: Mapping[str, Json]) -> None:
    """Write the facts of a run, all or nothing.

    Raises:
        InputError: If it cannot be written.
    """
    path = sidecar_of(output)
    temp = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temp.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")
        temp.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error


def read_sidecar(output: str) -> dict[str, Any] | None:
    """Return the facts of an output's run; `None` = there are none.

    Raises:
        InputError: If they cannot be read.
    """
    path = sidecar_of(output)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def prepare(output: str, facts: Mapping[str, Json], *, resume: bool, overwrite: bool) -> None:
    """Check that the run may write to this output, and clear it if it is to be overwritten.

    Raises:
        UsageError: If the output exists and neither flag is given, or it is of another run, or cannot be resumed.
        InputError: If its sidecar cannot be read.
    """
    path = Path(output)
    end = ending(output)
    if not path.parent.is_dir():
        raise InputError(f"{output}: there is no folder {path.parent}. Make it, or name another output.")
    if resume and end not in RESUMABLE:
        raise UsageError(f"{output}: --resume works for {', '.join(RESUMABLE)}, not for {end}.")
    if path.exists() and path.stat().st_size and resume:
        _check_same_run(output, facts)
    elif path.exists() and not (resume or overwrite) and path.stat().st_size:
        raise UsageError(f"{output} exists. Go on with --resume, replace it with --overwrite, or name another file.")
    elif path.exists() and end in RESUMABLE:
        _empty(path)
    write_sidecar(output, facts)


def _empty(path: Path) -> None:
    """Cut a file to nothing; it may be a link, whose target is meant."""
    try:
        with path.open("wb"):
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error


def _check_same_run(output: str, facts: Mapping[str, Json]) -> None:
    old = read_sidecar(output)
    if old is None:
        raise UsageError(
            f"{output} cannot be resumed: {sidecar_of(output)} is missing, so nobody knows of which run it is. "
            "Use --overwrite."
        )
    new = msgspec.json.decode(msgspec.json.encode(facts), type=dict[str, Any])
    what = differences({**old, "finished": None, READS: None}, {**new, "finished": None, READS: None})
    if what:
        raise UsageError(f"{output} is of another run: {what}. Use the same settings, or --overwrite.")
    check_reads(output, sidecar_of(output), old, new[READS])


def check_reads(output: str, noted: Path, old: Mapping[str, Any], reads: Sequence[str]) -> None:
    """Refuse to mix the verdicts of, say, a model and of the one that was trained anew in its folder.

    Args:
        output: Of the earlier run.
        noted: The file that holds its facts.
        old: Its facts; where they do not tell what its teacher read, nothing is compared.
        reads: What the teacher reads now: its stamp's lines.

    Raises:
        UsageError: If that has changed.
    """
    what = changed(old[READS], reads) if old.get(READS) is not None else []
    if what:
        raise UsageError(
            f"{output} is of another run: {', '.join(what)} has changed since, and verdicts of both states would be "
            f"mixed. Score all anew (--overwrite, or another output), or put back what was there. If it is the same, "
            f"only copied anew, delete {READS!r} from {noted}."
        )


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> str:
    """Say which settings differ between two runs, within options and the like one by one; empty = none."""
    found: list[str] = []
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            found.append(differences(before, after, f"{prefix}{name}."))
        else:
            found.append(f"{prefix}{name} was {before!r} and is {after!r}")
    return "; ".join(found)


def recover(output: str, on_row: Callable[[bytes], None]) -> int:
    """Cut an output back to its whole rows.

    Args:
        output: The file; it may be missing.
        on_row: Called with every row that stays.

    Returns:
        How many rows stay.

    Raises:
        InputError: If the file cannot be read or cut.
    """
    path = Path(output)
    if not path.exists():
        return 0
    kind = Path(ending(output)).suffix
    rows = 0
    good = 0
    try:
        with path.open("r+b") as file:
            pieces = _lines(file) if kind not in (".gz", ".zst") else _members(file, kind)
            for end, lines in pieces:
                if not all(map(_is_row, lines)):
                    break  # only a power cut leaves such rows; they are done again
                for line in lines:
                    on_row(line)
                rows += len(lines)
                good = end
            file.truncate(good)
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(f"{output}: cannot be resumed ({error.strerror or error})") from error
    return rows


def _is_row(line: bytes) -> bool:
    try:
        decode_row(line)
    except Unreadable:
        return False
    return True


def _lines(file: BinaryIO) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the position behind each whole line, and the line."""
    position = 0
    for line in file:
        position += len(line)
        if not line.endswith(b"\n"):
            return
        yield position, [line[:-1]]


def _members(file: BinaryIO, kind: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the position behind each full member of a packed file, and its lines.

    A member that is not full was the last one of a run that ended or was interrupted; it is done again, so that the
    file is cut in the same places as one written in one go.
    """
    new, errors = _unpackers(kind)
    unpacker = new()
    position = 0
    unpacked: list[bytes] = []
    packed = b""
    while True:
        packed = packed or file.read(_READ_BYTES)
        if not packed:
            return
        try:
            unpacked.append(unpacker.decompress(packed))
        except errors:
            return
        position += len(packed)
        packed = b""
        if unpacker.eof:
            packed = unpacker.unused_data
            position -= len(packed)
            text = b"".join(unpacked)
            if len(text) < MEMBER_BYTES:
                return
            yield position, text.split(b"\n")[:-1]
            unpacker, unpacked = new(), []


def _unpackers(kind: str) -> tuple[Callable[[], Any], type[Exception]]:
    if kind == ".gz":
        return lambda: zlib.decompressobj(31), zlib.error
    zstandard: Any = require("zstandard", "zst", "Resuming .zst files")
    return zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError
