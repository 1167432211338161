"""Every format in, JSON lines out: places, damage, bounds."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.errors import InputError, UsageError
from verifiers.io.batch import Batch, read_lines
from verifiers.io.sources import Shard, find_shards, read_shard

ROWS = [{"prompt": f"p{i}", "completion": f"räum 数 {i}\n", "n": i} for i in range(7)]


class Chunked:
    """A stream that gives a few bytes at a time, like a pipe."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file, self._size = io.BytesIO(data), size

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._size))


def lines_of(batches: list[Batch]) -> list[tuple[int, bytes, str]]:
    return [(b.numbers[i], b.lines[i], b.bad.get(i, "")) for b in batches for i in range(len(b))]


def read_path(path: Path, **options: int) -> list[tuple[int, bytes, str]]:
    return lines_of([batch for shard in find_shards([str(path)]) for batch in read_shard(shard, **options)])


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for _, line, bad in read_path(path) if not bad]


def jsonl(rows: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write_zst(path: Path, rows: list[dict[str, object]]) -> None:
    zstandard = pytest.importorskip("zstandard", reason="needs the extra 'zst'")
    data = jsonl(rows)
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    path.write_bytes(pack(data[:100]) + pack(data[100:]))


def write_parquet(path: Path, rows: list[dict[str, object]]) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=3)


def write_arrow(path: Path, rows: list[dict[str, object]]) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    table = pyarrow.Table.from_pylist(rows)
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


WRITERS = {
    "rows.jsonl": lambda path, rows: path.write_bytes(jsonl(rows)),
    "rows.ndjson": lambda path, rows: path.write_bytes(jsonl(rows).rstrip()),
    "rows.json": lambda path, rows: path.write_text(json.dumps(rows, indent=2)),
    "rows.jsonl.gz": lambda path, rows: path.write_bytes(
        gzip.compress(jsonl(rows)[:90]) + gzip.compress(jsonl(rows)[90:])
    ),
    "rows.json.gz": lambda path, rows: path.write_bytes(gzip.compress(json.dumps(rows).encode())),
    "rows.jsonl.zst": write_zst,
    "rows.parquet": write_parquet,
    "rows.arrow": write_arrow,
}


@pytest.mark.parametrize("name", WRITERS)
def test_read_of_each_format_gives_the_rows_and_their_numbers(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, ROWS)
    found = read_path(path)
    assert [json.loads(line) for _, line, _ in found] == ROWS
    assert [number for number, _, _ in found] == list(range(1, 8))


@pytest.mark.parametrize(("name", "delimiter"), [("rows.csv", ","), ("rows.tsv", "\t")])
def test_csv_with_line_ends_in_cells_keeps_them(tmp_path: Path, name: str, delimiter: str) -> None:
    cells = ['  two\n\n lines, "quoted"\t\r\nx ', "", "数"]
    with (tmp_path / name).open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["completion", "n"])
        writer.writerows([[cell, i] for i, cell in enumerate(cells)])
    assert rows_of(tmp_path / name) == [{"completion": cell, "n": str(i)} for i, cell in enumerate(cells)]


def test_csv_with_damaged_rows_gives_bad_rows_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'completion,n\na,1\nb\n\xff,2\n"x"y,3\nlong' + b"g" * 200 + b',4\nc,5\n"open,6\n')
    found = read_path(path, max_line_bytes=100)
    assert [json.loads(line)["n"] for _, line, bad in found if not bad] == ["1", "5"]
    reasons = {number: bad for number, _, bad in found if bad}
    assert "1 cells, the header 2" in reasons[3]
    assert "not UTF-8" in reasons[4]
    assert "broken csv" in reasons[5]
    assert "longer than 100 bytes" in reasons[6]
    assert len(reasons) == 5


def test_csv_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,a\n1,2\n")
    with pytest.raises(InputError, match="twice: a"):
        read_path(tmp_path / "rows.csv")


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b" ")), max_size=8),
    end=st.sampled_from([b"\n", b"\r\n"]),
    size=st.integers(1, 20),
    last=st.booleans(),
)
def test_lines_in_any_pieces_are_those_of_split(lines: list[bytes], end: bytes, size: int, last: bool) -> None:
    data = end.join(lines) + (end if last else b"")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data.startswith(b"\xef\xbb\xbf"):
        return
    expected = [(i, line.strip()) for i, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    assert [found[:2] for found in lines_of(list(read_lines(Chunked(data, size), "x")))] == expected


@given(length=st.integers(0, 40), size=st.integers(1, 50))
def test_lines_past_the_cap_are_marked_and_the_next_one_is_whole(length: int, size: int) -> None:
    data = b"x" * length + b"\nnext\n"
    found = lines_of(list(read_lines(Chunked(data, size), "x", max_line_bytes=20)))
    assert found[-1] == (2, b"next", "")
    assert [bool(bad) for _, _, bad in found[:-1]] == ([length > 20] if length else [])


def test_text_with_bom_and_blank_lines_keeps_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\r\n\r\n   \n{"a":2}')
    assert read_path(path) == [(1, b'{"a":1}', ""), (4, b'{"a":2}', "")]


def test_utf16_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes('{"a":1}\n'.encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16"):
        read_path(tmp_path / "rows.jsonl")


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.zst"])
def test_packed_file_cut_off_gives_its_rows_and_a_bad_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [{"n": i, "noise": os.urandom(40).hex()} for i in range(3000)]
    WRITERS[name](path, rows)
    path.write_bytes(path.read_bytes()[:-5000])
    found = read_path(path)
    good = [json.loads(line) for _, line, bad in found if not bad and line.endswith(b"}")]
    assert good == rows[: len(good)]
    assert len(good) > 1000
    assert "cut off" in found[-1][2]


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.zst"])
def test_packed_file_damaged_in_the_middle_gives_a_bad_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, [{"n": i, "noise": os.urandom(40).hex()} for i in range(3000)])
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\xff" * 400
    path.write_bytes(data)
    assert any(bad for _, _, bad in read_path(path))


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.zst", "rows.parquet", "rows.arrow"])
def test_file_that_is_not_what_its_name_says_is_an_input_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'{"a": 1}\n')
    if not name.endswith(".gz"):
        pytest.importorskip("zstandard" if name.endswith("zst") else "pyarrow", reason="needs an extra")
    with pytest.raises(InputError, match=name):
        read_path(tmp_path / name)


@pytest.mark.parametrize("name", ["UP.JSONL.GZ", "Up.Jsonl.Gz"])
def test_packed_file_with_a_name_in_capitals_is_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(jsonl([{"n": 1}])))
    assert rows_of(tmp_path / name) == [{"n": 1}]
    assert find_shards([str(tmp_path)]) == find_shards([str(tmp_path / name)])


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_stdin_is_unpacked_by_its_first_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: str) -> None:
    path = tmp_path / f"rows.{packed}"
    if packed == "gz":
        path.write_bytes(gzip.compress(jsonl([{"n": 1}, {"n": 2}])))
    else:
        write_zst(path, [{"n": 1}, {"n": 2}])
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        rows = [json.loads(line) for _, line, _ in lines_of(list(read_shard(Shard("-"))))]
    assert rows == [{"n": 1}, {"n": 2}]


def test_gz_bomb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with (tmp_path / "bomb.jsonl.gz").open("wb") as file:
        for _ in range(256):
            file.write(packer.compress(b"x" * (1 << 20)))
        file.write(packer.compress(b'\n{"a":1}\n') + packer.flush())
    import resource

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read_path(tmp_path / "bomb.jsonl.gz")
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert [(number, bool(bad)) for number, _, bad in found] == [(1, True), (2, False)]
    assert grown_kb < 80 * 1024


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"samples": [{"a": 1}, {"a": 2}]}', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("[]", []),
        ("", []),
    ],
    ids=["inspect", "one object", "lines", "empty array", "empty file"],
)
def test_json_file_of_other_shapes_is_read(tmp_path: Path, text: str, rows: list[object]) -> None:
    (tmp_path / "rows.json").write_text(text)
    assert rows_of(tmp_path / "rows.json") == rows


def test_folder_is_its_shards_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b'{"n":2}\n')
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"n":1}\n'))
    (tmp_path / "c.csv").write_text("n\n3\n")
    (tmp_path / "README.md").write_text("not a shard")
    (tmp_path / ".hidden.jsonl").write_text("{}")
    assert [row["n"] for row in rows_of(tmp_path)] == [1, 2, "3"]


def save_to_disk(folder: Path, rows: list[dict[str, object]]) -> None:
    """Write what `datasets.save_to_disk` writes."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05}-of-00002.arrow" for i in range(2)]
    for i, name in enumerate(names):
        write_arrow(folder / name, rows[i::2])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")


def test_dataset_folder_is_read_in_its_own_order(tmp_path: Path) -> None:
    save_to_disk(tmp_path / "set", ROWS)
    assert rows_of(tmp_path / "set") == ROWS[::2] + ROWS[1::2]


def test_dataset_folder_with_several_splits_asks_for_one(tmp_path: Path) -> None:
    for split in ("test", "train"):
        save_to_disk(tmp_path / "set" / split, ROWS)
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(UsageError, match="train"):
        find_shards([str(tmp_path / "set")])
    assert rows_of(tmp_path / "set" / "test") == ROWS[::2] + ROWS[1::2]


@pytest.mark.parametrize("source", ["missing.jsonl", "empty"])
def test_source_that_cannot_be_read_is_an_input_error(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=source):
        find_shards([str(tmp_path / source)])


def test_hub_id_without_datasets_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    (shard,) = find_shards(["hf:org/name:test"])
    with pytest.raises(ImportError, match=r"grpo-teachers\[hf\]"):
        list(read_shard(shard))


class Hub:
    """What of the package datasets is used."""

    asked: ClassVar[list[tuple[str, ...]]] = []

    @classmethod
    def load_dataset(cls, *name: str, streaming: bool) -> dict[str, Iterable[dict[str, object]]]:
        cls.asked.append(name)
        if name[0] == "org/away":
            raise ConnectionError("no route")
        assert streaming
        return {"train": ROWS, "test": ROWS[:2], "cut": cls.cut()}

    @staticmethod
    def cut() -> Iterator[dict[str, object]]:
        yield ROWS[0]
        raise TimeoutError("the server fell silent")


def read_hub(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[int, bytes, str]]:
    monkeypatch.setitem(sys.modules, "datasets", Hub)  # type: ignore[arg-type]
    (shard,) = find_shards([name])
    return lines_of(list(read_shard(shard)))


@pytest.mark.parametrize(
    ("name", "asked"),
    [("hf:org/name:test", ("org/name",)), ("hf:org/name/main:test", ("org/name", "main"))],
    ids=["split", "config"],
)
def test_hub_id_streams_the_named_split(monkeypatch: pytest.MonkeyPatch, name: str, asked: tuple[str, ...]) -> None:
    assert len(read_hub(monkeypatch, name)) == 2
    assert Hub.asked[-1] == asked


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("hf:org/name", UsageError, "Splits: train, test"),
        ("hf:org/away", InputError, "no route.*org/name/config:split.*HF_ENDPOINT"),
        ("hf:", UsageError, "names no data set"),
        ("hf:org/name:cut", InputError, "row 2 did not arrive .TimeoutError: the server fell silent.*--resume"),
    ],
)
def test_hub_id_when_it_cannot_be_read_then_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_hub(monkeypatch, name)


def test_json_array_when_text_has_half_a_surrogate_pair_then_rows_come(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'[{"completion": "\\ud83d"},\n {"completion": "b"}]')
    assert [line for _, line, _ in read_path(tmp_path / "x.json")] == [
        b'{"completion": "\\ud83d"}',
        b'{"completion": "b"}',
    ]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_in_any_format_give_rows_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("x.jsonl", "x.json", "x.csv", "x.jsonl.gz"):
        (folder / name).write_bytes(data)
        try:
            found = read_path(folder / name)
        except InputError:
            continue
        assert all(b"\n" not in line for _, line, bad in found if not bad)
