"""From what the user names (files, folders, `-`, `hf:...`) to batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from verifiers.errors import InputError, UsageError
from verifiers.io.batch import MAX_LINE_BYTES, Batch, read_lines
from verifiers.io.streams import open_file, stdin_stream, unpacked
from verifiers.io.tables import read_arrow, read_csv, read_hub, read_json, read_parquet

STDIN = "-"
HUB = "hf:"
_PACKED = (".gz", ".zst", ".zstd")
_TEXT = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
_TABLE = (".parquet", ".arrow")
FORMATS = (*_TEXT, *_TABLE)
"""Known ends of file names; the first five also with `.gz` or `.zst` behind them."""

_DATASET_LISTS = ("state.json", "dataset_dict.json")
_DATASET_INFO = (*_DATASET_LISTS, "dataset_info.json")


@dataclass(frozen=True, slots=True)
class Shard:
    """One file, standard input, or a data set of the hub.

    Attributes:
        name: How it is named in places, messages and the run's sidecar.
        path: `None` for standard input and the hub.
    """

    name: str
    path: Path | None = None


def is_same_file(one: str | Path, other: str | Path) -> bool:
    """Tell whether two names mean one file, which need not exist yet."""
    first, second = Path(one), Path(other)
    try:
        return first.resolve() == second.resolve() or first.samefile(second)
    except OSError:  # one of them does not exist
        return False


def find_shards(sources: Sequence[str]) -> list[Shard]:
    """Return the files that the sources stand for, in order; a folder stands for its files by name.

    Raises:
        InputError: If one does not exist, or a folder holds nothing that can be read.
        UsageError: If none is given, or a folder holds several splits.
    """
    if not sources:
        raise UsageError(f"No input. Give files, folders, {STDIN} for standard input, or {HUB}org/name[:split].")
    shards: list[Shard] = []
    for source in sources:
        if source == STDIN or source.startswith(HUB):
            shards.append(Shard(source))
        else:
            shards += _find_files(Path(source))
    return shards


def _find_files(path: Path) -> list[Shard]:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.{_hub_hint(path)}")
    if not path.is_dir():
        return [_shard(path)]
    if (path / "dataset_dict.json").is_file():
        return _find_files(_only_split(path))
    files = _arrow_files(path) or [entry for entry in sorted(path.iterdir()) if _is_shard(entry)]
    if not files:
        raise InputError(f"{path}: the folder holds no file that ends in {', '.join(FORMATS)} (also with .gz, .zst).")
    return [_shard(file) for file in files]


def folder_that_reads(sources: Sequence[str], file: Path) -> str:
    """Return the folder among the sources of which the file, once it is there, would be read; empty = none."""
    for source in sources:
        folder = Path(source)
        if source == STDIN or source.startswith(HUB) or not folder.is_dir() or not file.parent.is_dir():
            continue
        listed = any((folder / name).is_file() for name in _DATASET_LISTS)  # then only the files that it lists are read
        if not listed and _format(file.name) in FORMATS and file.parent.samefile(folder):
            return source
    return ""


def _shard(path: Path) -> Shard:
    """Name a file by its path, bytes that are not UTF-8 (names in GBK, old zip files) as escapes."""
    return Shard(str(path).encode("utf-8", "backslashreplace").decode(), path)


def _hub_hint(path: Path) -> str:
    """Say how a data set of the hub is written, where the path looks like the id of one."""
    looks_like_id = not path.is_absolute() and len(path.parts) <= 2 and not _format(path.name)
    return f" For a data set of the hub write {HUB}{path}." if looks_like_id else ""


def _only_split(folder: Path) -> Path:
    splits = sorted(entry for entry in folder.iterdir() if (entry / "state.json").is_file())
    if len(splits) == 1:
        return splits[0]
    names = ", ".join(map(str, splits)) or "none"
    raise UsageError(f"{folder}: a data set with several splits. Name one of: {names}")


def _arrow_files(folder: Path) -> list[Path]:
    """Return the arrow files of a folder of `datasets.save_to_disk`, in the data set's order."""
    state = folder / "state.json"
    if not state.is_file():
        return []
    try:
        listed = msgspec.json.decode(state.read_bytes(), type=dict[str, object]).get("_data_files")
    except (OSError, ValueError) as error:
        raise InputError(f"{state}: cannot be read ({error})") from error
    names = [entry.get("filename") for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return [folder / Path(str(name)).name for name in names]


def _is_shard(path: Path) -> bool:
    if path.name.startswith(".") or path.name in _DATASET_INFO or path.name.endswith(".verify-run.json"):
        return False
    return path.is_file() and _format(path.name) in FORMATS


def _format(name: str) -> str:
    name = name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def read_shard(
    shard: Shard, max_line_bytes: int = MAX_LINE_BYTES, on_open: Callable[[BinaryIO], None] | None = None
) -> Iterator[Batch]:
    """Read one shard. A file with an unknown name is read as JSON lines.

    Args:
        shard: What to read.
        max_line_bytes: A longer line becomes a bad row.
        on_open: Called with the open file, whose position tells how far it has been read; not for tables.

    Raises:
        InputError: If it cannot be opened or is not what its name says.
        MissingExtra: If its format needs a package that is absent.
    """
    if shard.path is None:
        if shard.name == STDIN:
            yield from read_lines(stdin_stream(), "stdin", max_line_bytes)
        else:
            yield from read_hub(shard.name.removeprefix(HUB))
        return
    kind = _format(shard.path.name)
    if kind in _TABLE:
        yield from read_parquet(shard.path, shard.name) if kind == ".parquet" else read_arrow(shard.path, shard.name)
        return
    with open_file(shard.path) as file:
        if on_open:
            on_open(file)
        stream = unpacked(file, shard.name)
        if kind == ".json":
            yield from read_json(stream, shard.name, max_line_bytes)
        elif kind in (".csv", ".tsv"):
            yield from read_csv(stream, shard.name, max_line_bytes, "\t" if kind == ".tsv" else ",")
        else:
            yield from read_lines(stream, shard.name, max_line_bytes)
