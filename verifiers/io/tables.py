"""Readers of formats that are not JSON lines: JSON arrays, csv, parquet, arrow folders and data sets of the hub.

Each row is handed on as one line of JSON, so that everything behind the readers knows one format only.
Text in csv cells stays text; in tables, dates become ISO text, bytes base64, NaN null.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from verifiers.errors import InputError, UsageError, require
from verifiers.io.batch import (
    BATCH_ROWS,
    HEAD_BYTES,
    Batch,
    ByteStream,
    CutOff,
    cut_blocks,
    overlong_reason,
    read_lines,
)
from verifiers.io.json_text import SAVE_AS_UTF8, decode_half_pairs

MAX_JSON_BYTES = 512 * 1024 * 1024
"""A `.json` file is read whole, so it must not be larger; JSON lines may be."""
TABLE_ROWS = 256
"""Rows of a parquet or arrow file that are held at once."""
HUB_ADVICE = (
    "Write hf:org/name, hf:org/name/config or hf:org/name/config:split, and check the network (HF_ENDPOINT names a "
    "mirror, HF_TOKEN opens private data, HF_HUB_OFFLINE=1 uses what was downloaded before); or give downloaded files."
)
ROW_LISTS = ("samples", "rows", "data", "results")
"""Where a single JSON object keeps its rows (inspect's logs: `samples`)."""

_encoder = msgspec.json.Encoder(enc_hook=str)


def read_json(stream: ByteStream, source: str, max_line_bytes: int) -> Iterator[Batch]:
    """Read a JSON file: an array of objects, an object that holds one (see `ROW_LISTS`), or JSON lines.

    A row's number is its position in the array.

    Raises:
        InputError: If it is too large, or neither of these.
    """
    text = _read_whole(stream, source).removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        return
    rows = _array_rows(text)
    if rows is None:
        yield from read_lines(_Whole(text), source, max_line_bytes)
        return
    batch = Batch(source)
    for number, row in enumerate(rows, 1):
        line = bytes(row)
        if len(line) > max_line_bytes:
            batch.add(number, line[:HEAD_BYTES], f"the row is longer than {max_line_bytes} bytes")
        else:
            batch.add(number, msgspec.json.format(line, indent=-1) if b"\n" in line else line)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = Batch(source)
    if len(batch):
        yield batch


class _Whole:
    """Bytes in memory as a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _size: int, /) -> bytes:
        data, self._data = self._data, b""
        return data


def _read_whole(stream: ByteStream, source: str) -> bytes:
    blocks: list[bytes] = []
    size = 0
    while True:
        try:
            block = stream.read(1 << 20)
        except CutOff as error:
            raise InputError(f"{source}: {error}") from error
        if not block:
            return b"".join(blocks)
        blocks.append(block)
        size += len(block)
        if size > MAX_JSON_BYTES:
            raise InputError(
                f"{source}: a .json file is read whole and may have {MAX_JSON_BYTES} bytes at most. "
                "Convert it to JSON lines (.jsonl), which may have any size: `jq -c '.[]' file.json > file.jsonl`."
            )


def _array_rows(text: bytes) -> list[msgspec.Raw] | None:
    """Return the rows' raw texts, or `None` if the text is not one JSON value that holds rows."""
    try:
        if text.startswith(b"["):
            return msgspec.json.decode(text, type=list[msgspec.Raw])
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _rows_with_half_pairs(text)
    for name in ROW_LISTS:
        if bytes(fields.get(name, b"")).lstrip().startswith(b"[{"):
            return msgspec.json.decode(fields[name], type=list[msgspec.Raw])
    return [msgspec.Raw(text)]


def _rows_with_half_pairs(text: bytes) -> list[msgspec.Raw] | None:
    """Return the rows of JSON with lone surrogates, written anew; `None` = that is not what is wrong with it."""
    value = decode_half_pairs(text)
    if isinstance(value, dict):
        value = next((value[name] for name in ROW_LISTS if isinstance(value.get(name), list)), [value])
    return [msgspec.Raw(json.dumps(row).encode()) for row in value] if isinstance(value, list) else None


def read_csv(stream: ByteStream, source: str, max_line_bytes: int, delimiter: str = ",") -> Iterator[Batch]:
    """Read csv with a header line; a row's number is that of the line on which it ends.

    Raises:
        InputError: If the header names a column twice.
    """
    csv.field_size_limit(max_line_bytes)
    lines = _CsvLines(stream, source, max_line_bytes)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    batch = Batch(source)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            batch.add(lines.number, _shown(lines.last), f"broken csv: {error}")
            continue
        for number, why in lines.take_bad():
            batch.add(number, b"", why)
        if cells is None:
            break
        if header is None:
            header = _checked_header(cells, source)
        elif cells:
            _add_cells(batch, lines.number, header, cells)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = Batch(source)
    if len(batch):
        yield batch


def _checked_header(cells: list[str], source: str) -> list[str]:
    twice = sorted({name for name in cells if cells.count(name) > 1})
    if twice:
        raise InputError(f"{source}:1: the csv header names columns twice: {', '.join(twice)}")
    return cells


class _CsvLines:
    """The lines for `csv.reader`: keeps the place, and what could not be handed on."""

    def __init__(self, stream: ByteStream, source: str, max_line_bytes: int) -> None:
        self.number = 0
        self.last = ""
        self._bad: list[tuple[int, str]] = []
        self._max = max_line_bytes
        self._lines = self._read(stream, source)

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def take_bad(self) -> list[tuple[int, str]]:
        """Return (line number, why) of lines that could not be handed on since the last call."""
        bad, self._bad = self._bad, []
        return bad

    def _read(self, stream: ByteStream, source: str) -> Iterator[str]:
        try:
            for lines in cut_blocks(stream, source, self._max):
                for line, overlong in lines:
                    self.number += 1
                    if overlong:
                        self._bad.append((self.number, overlong_reason(self._max)))
                    self.last = "" if overlong else line.decode("utf-8", "surrogateescape")
                    yield self.last + "\n"
        except CutOff as error:
            self._bad.append((self.number + 1, str(error)))


def _shown(text: str) -> bytes:
    """Return the beginning of a text that may not be UTF-8."""
    return text[:HEAD_BYTES].encode("utf-8", "replace")


def _add_cells(batch: Batch, number: int, header: list[str], cells: list[str]) -> None:
    if len(cells) != len(header):
        batch.add(number, _shown(",".join(cells)), f"the row has {len(cells)} cells, the header {len(header)}")
        return
    try:
        batch.add(number, _encoder.encode(dict(zip(header, cells, strict=True))))
    except UnicodeEncodeError:
        batch.add(number, _shown(",".join(cells)), f"the row is not UTF-8; {SAVE_AS_UTF8}")


def rows_to_batches(rows: Iterable[Mapping[str, Any]], source: str, first: int = 1) -> Iterator[Batch]:
    """Encode rows of Python values; a row's number is its position from `first`."""
    batch = Batch(source)
    for number, row in enumerate(rows, first):
        try:
            batch.add(number, _encoder.encode(row))
        except (TypeError, ValueError) as error:
            batch.add(number, _shown(repr(row)), f"the row cannot be JSON: {error}")
        if len(batch) >= TABLE_ROWS:
            yield batch
            batch = Batch(source)
    if len(batch):
        yield batch


def read_parquet(path: Path, source: str) -> Iterator[Batch]:
    """Read a parquet file a few hundred rows at a time.

    Raises:
        InputError: If it is not a parquet file.
        MissingExtra: If pyarrow is absent.
    """
    parquet: Any = require("pyarrow.parquet", "parquet", "Reading parquet")

    def tables() -> Iterator[Any]:
        with parquet.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=TABLE_ROWS)

    yield from _read_tables(tables, source)


def read_arrow(path: Path, source: str) -> Iterator[Batch]:
    """Read an arrow stream or file, as in the folders of `datasets.save_to_disk`.

    Raises:
        InputError: If it is neither.
        MissingExtra: If pyarrow is absent.
    """
    arrow: Any = require("pyarrow", "parquet", "Reading arrow files")

    def tables() -> Iterator[Any]:
        with arrow.memory_map(str(path)) as mapped:
            is_file = mapped.read(6) == b"ARROW1"
            mapped.seek(0)
            if is_file:
                reader = arrow.ipc.open_file(mapped)
                found = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                found = iter(arrow.ipc.open_stream(mapped))
            for table in found:
                yield from (table.slice(start, TABLE_ROWS) for start in range(0, table.num_rows, TABLE_ROWS))

    yield from _read_tables(tables, source)


def _read_tables(tables: Callable[[], Iterator[Any]], source: str) -> Iterator[Batch]:
    """Encode record batches; damage in the middle of the file is a bad row, so that other shards go on."""
    number = 1
    try:
        for table in tables():
            yield from rows_to_batches(table.to_pylist(), source, number)
            number += table.num_rows
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        if number == 1:
            raise InputError(f"{source}: cannot be read as a table ({error})") from error
        batch = Batch(source)
        batch.add(number, b"", f"the file is damaged here ({error}); rows after it are missing")
        yield batch


def read_hub(name: str) -> Iterator[Batch]:
    """Stream a data set of the hub: `org/name`, with `/config` and `:split` behind it where there are several.

    Raises:
        InputError: If it cannot be loaded.
        UsageError: If it has several splits and none is named.
        MissingExtra: If the package datasets is absent.
    """
    path, _, split = name.partition(":")
    if not path:
        raise UsageError(f"hf:{name} names no data set. {HUB_ADVICE}")
    datasets: Any = require("datasets", "hf", f"Reading hf:{name}")
    try:
        loaded = datasets.load_dataset(*_id_and_config(path), streaming=True)
    except Exception as error:  # the libraries beneath raise errors of many families
        raise InputError(f"hf:{name}: cannot be loaded ({error}). {HUB_ADVICE}") from error
    splits = list(loaded)
    chosen = split or (splits[0] if len(splits) == 1 else "")
    if chosen not in loaded:
        given = f"there is no split {split!r}" if split else "a split must be named"
        raise UsageError(f"hf:{name}: {given}. Splits: {', '.join(splits)}. Write hf:{path}:{splits[0]}.")
    source = f"hf:{path}:{chosen}"
    yield from rows_to_batches(_arriving(loaded[chosen], source), source)


def _id_and_config(path: str) -> tuple[str, ...]:
    """Split `org/name/config`; a folder of this machine stays whole."""
    owner, _, rest = path.partition("/")
    name, _, config = rest.partition("/")
    return (f"{owner}/{name}", config) if config and not Path(path).exists() else (path,)


def _arriving(rows: Iterable[Mapping[str, Any]], source: str) -> Iterator[Mapping[str, Any]]:
    """Pass rows on; what breaks the stream (the network, a damaged file) is the input's fault."""
    iterator = iter(rows)
    number = 0
    while True:
        try:
            row = next(iterator, None)
        except Exception as error:  # the libraries beneath raise errors of many families
            kind = type(error).__name__
            raise InputError(
                f"{source}: row {number + 1} did not arrive ({kind}: {error}). The rows before it are written; go on "
                "with --resume."
            ) from error
        if row is None:
            return
        number += 1
        yield row
