"""The first rows of a file and those where columns begin, and what their cells can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reward_models.data.cells import is_given, number_of, rating_of, texts_of_responses
from reward_models.data.names import ALIASES
from verifiers.io.columns import CHATS, getter
from verifiers.io.values import BadRow, Row, split_chat


class Look:
    """The first rows of a file, those behind them where columns begin, and what the user said of it."""

    def __init__(self, rows: Sequence[Row], chosen: Mapping[str, str], late: Sequence[Row] = ()) -> None:
        self.rows, self.chosen, self.late = rows, chosen, late
        self.seen = tuple(dict.fromkeys(name for row in rows for name in row))
        self.taken = set(chosen.values()) - set(CHATS)
        self.unsure: frozenset[str] = frozenset()
        """Columns that are no rating and no thumb unless the user says so."""

    def find(self, name: str, fits: Callable[[Any], bool], sparse: bool = False) -> str | None:
        """Return the column of a field: the user's, else the first alias that fits in at least half of the rows.

        Args:
            name: Of the field.
            fits: Whether a cell can be the field's.
            sparse: The field may be absent: half of the rows that have the column are enough, and it may begin late.
        """
        if name in self.chosen:
            return self.chosen[name]
        barred = self.taken | self.unsure if name in ("rating", "thumb") else self.taken
        free = [alias for alias in ALIASES[name] if alias not in barred]
        if sparse:
            held = [alias for alias in free if self.fits_where_given(alias, fits, self.rows)]
            late = [alias for alias in free if self.begins_late(alias, fits)] if not held else []
            return next(iter([*held, *late]), None)
        return next((alias for alias in free if 2 * self.fitting(alias, fits) >= len(self.rows)), None)

    def fitting(self, column: str, fits: Callable[[Any], bool]) -> int:
        """Return in how many of the first rows a column fits."""
        get = getter(column)
        return sum(1 for row in self.rows if (value := get(row)) is not None and fits(value))

    def fits_where_given(self, column: str, fits: Callable[[Any], bool], rows: Sequence[Row]) -> bool:
        """Whether rows have a column, and it fits in at least half of those that have it."""
        get = getter(column)
        cells = [value for row in rows if is_given(value := get(row))]
        return bool(cells) and 2 * sum(map(fits, cells)) >= len(cells)

    def begins_late(self, column: str, fits: Callable[[Any], bool]) -> bool:
        """Whether a column that fits is in none of the first rows, but behind them."""
        get = getter(column)
        return not any(is_given(get(row)) for row in self.rows) and self.fits_where_given(column, fits, self.late)

    def pair(self, names: Sequence[tuple[str, str]], sparse: bool = False) -> tuple[str, str] | None:
        """Return the first pair of columns that the file has; a sparse one may begin late."""
        seen = {*self.seen, *(name for row in self.late for name in row)} if sparse else set(self.seen)
        return next((pair for pair in names if pair[0] in seen and pair[1] in seen), None)


def is_answer(value: object) -> bool:
    """Whether a cell can hold one answer."""
    return isinstance(value, str | list | Mapping)


def is_answers(value: object) -> bool:
    """Whether a cell can hold one answer, a list of them, or a conversation with one."""
    readable = is_read(value, texts_of_responses) or is_read(value, split_chat)
    return readable and not isinstance(value, bool | int | float)


def is_read(value: object, read: Callable[[Any], Any]) -> bool:
    """Whether a function takes a cell."""
    try:
        read(value)
    except BadRow:
        return False
    return True


def is_number(value: object) -> bool:
    """Whether a cell is nothing but a number."""
    return is_read(value, number_of)


def is_mark(value: object) -> bool:
    """Whether a cell is one rating."""
    return is_read(value, rating_of)


def is_rating(value: object) -> bool:
    """Whether a cell holds one rating, one for each answer, or one for each aspect."""
    if isinstance(value, Mapping):
        return is_mark(value) or (bool(value) and any(map(is_rating, value.values())))
    if isinstance(value, list):
        return bool(value) and any(map(is_rating, value)) and not all(isinstance(each, bool) for each in value)
    return is_mark(value)
