"""A trainer's batch, lists of equal length by column, brought to samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any

from verifiers.errors import UsageError
from verifiers.io.columns import Columns, find_columns, getter
from verifiers.types import Json, Sample, Text
from verifiers.wire import WireError, pack, plain

MAX_ROWS_LOOKED_AT = 16
"""First rows of a batch by which its columns are found."""
_OWN = ("completion", "prompt")
_SETTERS = [vars(Sample)[field.name].__set__ for field in fields(Sample)]


class BatchReader:
    """Makes samples out of a trainer's lists. Columns are found in the first batch that has such columns.

    Args:
        reference: The column of the reference; `None` = found by its usual names.
        columns: The user's choice of other columns, as `{"question_id": "group"}`.
        with_meta: Whether the teacher looks at the other columns.
    """

    def __init__(self, reference: str | None, columns: Mapping[str, str], *, with_meta: bool) -> None:
        self._mapping = dict(columns) if reference is None else {**columns, reference: "reference"}
        self.with_meta = with_meta
        self._found: dict[tuple[str, ...], Columns] = {}

    def read(self, prompts: Sequence[Text], completions: Sequence[Text], columns: Mapping[str, Any]) -> list[Sample]:
        """Return one sample a completion.

        Raises:
            UsageError: If lists differ in length, or a named column is not there.
        """
        count = len(completions)
        if not count:
            return []
        lists = {name: values for name, values in columns.items() if is_list(values) and name not in _OWN}
        for name, values in (("prompts", prompts), *lists.items()):
            if len(values) != count:
                raise UsageError(f"{name} has {len(values)} entries for {count} completions; give one for each")
        found = self._columns(prompts, completions, lists)
        references = _cells(found.reference, lists, count)
        groups = _cells(found.group, lists, count)
        metas = self._metas(lists, count) if self.with_meta else repeat({})
        return _samples(count, completions, prompts, references, metas, groups)

    def _columns(
        self, prompts: Sequence[Text], completions: Sequence[Text], lists: Mapping[str, Sequence[Any]]
    ) -> Columns:
        key = tuple(lists)
        found = self._found.get(key)
        if found is not None:
            return found
        rows = [
            {**{name: values[i] for name, values in lists.items()}, "prompt": prompts[i], "completion": "text"}
            for i in range(min(len(completions), MAX_ROWS_LOOKED_AT))
        ]
        # The trainer has said which these are.
        found = find_columns(rows, {"completion": "completion", "prompt": "prompt", **self._mapping})
        if found.reference is not None:  # else the rows of another batch may show it
            self._found[key] = found
        return found

    def _metas(self, lists: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Json]]:
        """Return each row's columns, but for those that hold pictures and the like."""
        kept = {name: values for name, values in lists.items() if _is_data(values)}
        return [{name: values[i] for name, values in kept.items()} for i in range(count)]


def _samples(count: int, *columns: Iterable[Any]) -> list[Sample]:
    """Make samples of their fields' columns, each of at least `count` entries.

    Field by field: one by one, the constructor of a frozen class takes more than twice as long.
    """
    samples = list(map(object.__new__, repeat(Sample, count)))
    for set_field, values in zip(_SETTERS, columns, strict=True):
        deque(map(set_field, samples, values), maxlen=0)
    return samples


def is_list(value: object) -> bool:
    """Whether it holds one entry for each row: a list, tuple or array, but no text and no mapping."""
    return isinstance(value, (list, tuple)) or (
        not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__len__") and hasattr(value, "__getitem__")
    )


def _cells(name: str | None, lists: Mapping[str, Sequence[Any]], count: int) -> Any:
    """Return the column's cells, of a dotted path too; nothing = `None` for each."""
    if name is None:
        return repeat(None)
    if name in lists:
        return lists[name]
    get, (top, *_) = getter(name), name.split(".")
    return [get({top: lists[top][i]}) for i in range(count)]


def _is_data(values: Sequence[Any]) -> bool:
    sample = next((value for value in values if value is not None), None)
    try:
        pack(plain(sample))
    except WireError:
        return False
    return True
