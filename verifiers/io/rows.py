"""From one line of input to one line of output.

The input's text is kept byte for byte: the verdict's fields are spliced in before the closing brace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from verifiers.errors import UsageError
from verifiers.io.batch import Batch
from verifiers.io.columns import CHATS, PREFIX, Columns, find_columns, getter
from verifiers.io.json_text import Unreadable, decode_row, encode_json
from verifiers.io.values import BadRow, Row, completions_of, prompt_of, split_chat
from verifiers.types import Sample, Status, Text, Verdict

RAW = "raw"
"""The column that keeps the beginning of a line that is no JSON object."""
RAW_CHARS = 2000
MAX_KNOWN = 2048
"""Verdicts remembered to count equal samples."""
MAX_FAULT_CHARS = 300
MAX_GROUP = 4096
"""Most completions in one row."""
_STRIP_TRIES = 64

_NO_GROUP = 0


class Judge(Protocol):
    """The part of the scoring engine that works at once, in this process."""

    @property
    def reads(self) -> Sequence[str]:
        """The fields of a sample that the teacher reads."""

    def quick(self, sample: Sample) -> Verdict | None:
        """Return the verdict, or `None` if a worker must judge."""


class RowResult(msgspec.Struct, array_like=True):
    """An output line, and what the summary needs of it.

    Attributes:
        line: The output row without a line end.
        rewards, statuses, elapsed_s: One entry for every sample of the row.
        group: A hash that names the prompt; 0 = unknown, a group of its own.
        duplicates: How many of the samples shared the verdict of an equal one before them.
        fault: Status and reason of the first sample that could not be judged; empty = all were judged.
    """

    line: bytes
    rewards: list[float | None]
    statuses: list[str]
    elapsed_s: list[float]
    group: int = _NO_GROUP
    duplicates: int = 0
    fault: tuple[str, ...] = ()


@dataclass(slots=True)
class OpenRow:
    """A row that has been read but not judged.

    Attributes:
        line: Its text.
        row: Its columns.
        samples: One, or those of its list.
        is_group: They are a list in the row.
        group: The hash that names their prompt.
        place: `file:line`, where one of them is no sample and the reason must say where.
    """

    line: bytes
    row: Row
    samples: list[Sample]
    is_group: bool
    group: int
    place: str = ""


class RowScorer:
    """Scores lines in this process as far as that is bounded.

    Args:
        judge: The scoring engine.
        columns: Where the file keeps what.
        with_elapsed: Write `elapsed_s`: CPU seconds in steps of 0.01; work done at once, in bounds, counts as 0.0, so
            that the same input gives the same bytes.
    """

    def __init__(self, judge: Judge, columns: Columns, with_elapsed: bool = True) -> None:
        self._quick = judge.quick
        self._columns = columns
        self._names = columns.written if with_elapsed else columns.written[:-1]
        self._fixed_names = frozenset(self._names)
        self._reader = SampleReader(columns, "meta" in judge.reads)
        self._known: dict[int, Verdict] = {}

    def score(self, batch: Batch) -> list[RowResult | None]:
        """Score rows; `None` = the row holds a sample that a worker must judge."""
        one, bad = self._score_one, batch.bad
        if bad:
            return [
                self.bad(batch, i, bad[i]) if i in bad else one(batch, i, line) for i, line in enumerate(batch.lines)
            ]
        return [one(batch, i, line) for i, line in enumerate(batch.lines)]

    def _score_one(self, batch: Batch, index: int, line: bytes) -> RowResult | None:
        opened = self.open(batch, index)
        if isinstance(opened, RowResult):
            return opened
        verdicts = [self._quick(sample) for sample in opened.samples]
        judged = [verdict for verdict in verdicts if verdict is not None]
        return self.close(opened, judged, at_once=True) if len(judged) == len(verdicts) else None

    def open(self, batch: Batch, index: int) -> OpenRow | RowResult:
        """Read a row's samples; a row that is not a sample gives its result at once."""
        if index in batch.bad:
            return self.bad(batch, index, batch.bad[index])
        line = batch.lines[index]
        try:
            row = decode_row(line)
        except Unreadable as error:
            return self.bad(batch, index, str(error))
        if self._columns.rescored:
            line = without_fields(line, row, self._columns.written)
            row = {name: value for name, value in row.items() if name not in self._columns.written}
        try:
            samples, is_group, group = self._reader.read(row)
        except BadRow as error:
            return self._bad_object(line, row, f"{batch.place(index)}: {error}")
        place = batch.place(index) if is_group and any(sample.completion is None for sample in samples) else ""
        return OpenRow(line, row, samples, is_group, group, place)

    def close(self, opened: OpenRow, verdicts: Sequence[Verdict], at_once: bool) -> RowResult:
        """Write the verdicts behind the row's own columns."""
        rewards = [verdict.reward for verdict in verdicts]
        statuses = [verdict.status.value for verdict in verdicts]
        elapsed_s = [verdict.elapsed_s for verdict in verdicts]
        shown_s = [0.0] * len(verdicts) if at_once else [round(seconds, 2) for seconds in elapsed_s]
        values: tuple[Any, ...]
        if opened.is_group:
            reasons, answers = [_placed(v, opened.place) for v in verdicts], [v.answer for v in verdicts]
            values = (rewards, statuses, reasons, answers, [v.parts for v in verdicts], shown_s)
        else:
            verdict = verdicts[0]
            values = (rewards[0], statuses[0], verdict.reason, verdict.answer, verdict.parts, shown_s[0])
        line = self.splice(opened.line, opened.row, values)
        fault = _fault(verdicts) if None in rewards else ()
        return RowResult(line, rewards, statuses, elapsed_s, opened.group, self._count_known(verdicts), fault)

    def _count_known(self, verdicts: Sequence[Verdict]) -> int:
        """Count verdicts that have been written before: the engine hands the same object on for equal samples."""
        known = self._known
        if len(known) > MAX_KNOWN:
            known.clear()
        count = 0
        for verdict in verdicts:
            if id(verdict) in known:
                count += 1
            else:
                known[id(verdict)] = verdict  # held, so that no other object gets its id
        return count

    def splice(self, line: bytes, row: Row, values: Sequence[Any]) -> bytes:
        """Return a row's line with the values of `OUT_FIELDS` behind its own columns."""
        names: Sequence[str] = self._names
        if not self._fixed_names.isdisjoint(row):
            names = [PREFIX + name if name in row else name for name in names]
        fields = encode_json(dict(zip(names, values, strict=False)))
        return b"%b,%b" % (line[:-1], fields[1:]) if row else fields

    def bad(self, batch: Batch, index: int, reason: str) -> RowResult:
        """Return the result of a row that cannot be read at all."""
        text = batch.lines[index].decode("utf-8", "replace")[:RAW_CHARS]
        row = {RAW: text}
        return self._bad_object(encode_json(row), row, f"{batch.place(index)}: {reason}")

    def _bad_object(self, line: bytes, row: Row, reason: str) -> RowResult:
        status = Status.BAD_ROW.value
        values = (None, status, reason, None, (), 0.0)
        fault = (status, _brief(reason))
        return RowResult(self.splice(line, row, values), [None], [status], [0.0], fault=fault)


def _fault(verdicts: Sequence[Verdict]) -> tuple[str, str]:
    first = next(verdict for verdict in verdicts if verdict.reward is None)
    return first.status.value, _brief(first.reason)


def _brief(reason: str) -> str:
    """Cut a reason for the summary; results travel between processes, where halves of surrogate pairs cannot."""
    return reason[:MAX_FAULT_CHARS].encode("utf-8", "replace").decode()


def _placed(verdict: Verdict, place: str) -> str:
    return f"{place}: {verdict.reason}" if place and verdict.status is Status.BAD_ROW else verdict.reason


class SampleReader:
    """Makes samples out of decoded rows.

    Args:
        columns: Where the rows keep what.
        with_meta: Give samples the row's other columns as `meta`.
    """

    def __init__(self, columns: Columns, with_meta: bool = True) -> None:
        self._with_meta = with_meta
        self._completion = getter(columns.completion)
        self._completion_name = columns.completion
        self._is_chat = columns.completion in CHATS
        self._prompt = getter(columns.prompt) if columns.prompt else None
        self._reference = getter(columns.reference) if columns.reference else None
        self._group = getter(columns.group) if columns.group else None
        named = (columns.completion, columns.prompt, columns.reference, columns.group)
        self._used = frozenset(part for name in named if name for part in (name, name.partition(".")[0]))
        self._last: tuple[object, int] = (None, _NO_GROUP)

    def read(self, row: Row) -> tuple[list[Sample], bool, int]:
        """Return a row's samples, whether they are a list in the row, and the hash of their group.

        Raises:
            BadRow: If the row holds no completion.
        """
        value = self._completion(row)
        if value is None:
            state = "null" if self._completion_name in row else "missing"
            raise BadRow(f"the completion (column {self._completion_name!r}) is {state}")
        prompt: Text = prompt_of(self._prompt(row)) if self._prompt else ""
        completions: list[Text | None] = [value]
        is_group = False
        if self._is_chat:
            prompt, completions[0] = split_chat(value)
        elif type(value) is not str:
            completions, is_group = completions_of(value)
        if len(completions) > MAX_GROUP:
            raise BadRow(f"the row has {len(completions)} completions, and {MAX_GROUP} are allowed")
        reference = self._reference(row) if self._reference else None
        name = self._group(row) if self._group else None
        if not isinstance(name, str | int):
            name = None
        group = self._hash(prompt if name is None else ("group", name))
        label = name if name is not None else (group or None)
        used = self._used
        meta = {column: cell for column, cell in row.items() if column not in used} if self._with_meta else {}
        # The engine's verdict on a completion that is None (null in a group) is `bad_row`.
        samples = [Sample(text, prompt, reference, meta, label) for text in completions]  # type: ignore[arg-type]
        return samples, is_group, group

    def _hash(self, value: object) -> int:
        if not value:
            return _NO_GROUP
        last, key = self._last  # at once: threads that settle slow rows read with the same object
        if value == last:
            return key
        data = value.encode("utf-8", "surrogatepass") if type(value) is str else encode_json(value)
        key = int.from_bytes(blake2b(data, digest_size=7).digest(), "big") or 1
        self._last = (value, key)
        return key


def without_fields(line: bytes, row: Row, names: Sequence[str]) -> bytes:
    """Return a JSON object's text without some of its fields.

    Where they are the last ones, as we write them, the rest is kept byte for byte; else the values are.
    """
    mark = b',"%b":' % names[0].encode()
    kept = {name: value for name, value in row.items() if name not in names}
    if len(kept) == len(row):
        return line
    start = 0
    for _ in range(_STRIP_TRIES):
        start = line.find(mark, start + 1)
        if start < 0:
            break
        cut = line[:start] + b"}"
        try:
            if decode_row(cut) == kept:
                return cut
        except Unreadable:
            continue
    try:
        raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError):  # halves of surrogate pairs
        return json.dumps(kept).encode()
    pairs = ((encode_json(name), bytes(value)) for name, value in raw.items() if name in kept)
    return b"{%b}" % b",".join(b"%b:%b" % pair for pair in pairs)


def sample_from_mapping(row: Mapping[str, Any], mapping: Mapping[str, str] | None = None) -> Sample:
    """Make a sample of a mapping such as a data set's row, its columns found by name.

    Args:
        row: E.g. `{"response": ..., "ground_truth": ...}`.
        mapping: Columns by name, as `{"response": "completion"}`.

    Raises:
        UsageError: If it holds no completion, or several.
    """
    plain = dict(row)
    try:
        samples, is_group, _ = _reader_for(plain, mapping).read(plain)
    except BadRow as error:
        raise UsageError(f"not a sample: {error}") from error
    if is_group:
        raise UsageError(f"the row holds {len(samples)} completions; give one a row, or use score_groups.")
    return samples[0]


def _reader_for(row: Row, mapping: Mapping[str, str] | None) -> SampleReader:
    return SampleReader(find_columns([row], mapping))
