"""Compare the results of queries: values by meaning, rows as a bag, a set or in order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from verifiers.types import Json

Compare = Literal["auto", "bag", "set", "order"]
Row = tuple[Any, ...]

SHOWN = 3
"""Most rows that a reason quotes."""
SHOWN_CHARS = 120


def canonical(rows: Iterable[Sequence[Any]], digits: int) -> list[Row]:
    """Return rows whose equal values are equal: 2 and 2.0, floats to so many significant digits; text stays text."""
    return [tuple(_value(cell, digits) for cell in row) for row in rows]


def _value(cell: Any, digits: int) -> Any:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, float):
        rounded = float(f"{cell:.{digits}g}") if math.isfinite(cell) else cell
        return int(rounded) if rounded.is_integer() else rounded
    return cell


def rows_of(value: Json) -> list[Row] | None:
    """Return expected rows: a list of lists, of objects (their values in order) or, for one column, of scalars."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    rows: list[Row] = []
    for row in value:
        if isinstance(row, Mapping):
            rows.append(tuple(row.values()))
        elif isinstance(row, Sequence) and not isinstance(row, str):
            rows.append(tuple(row))
        else:
            rows.append((row,))
    scalars = all(cell is None or isinstance(cell, (str, int, float)) for row in rows for cell in row)
    return rows if scalars else None


def difference(given: Sequence[Row], wanted: Sequence[Row], compare: Compare) -> str:
    """Return how two canonical results differ; empty = they do not."""
    if given and wanted and len(given[0]) != len(wanted[0]):
        return f"{len(given[0])} columns instead of {len(wanted[0])}"
    if compare == "set":
        given, wanted = list(dict.fromkeys(given)), list(dict.fromkeys(wanted))
    missing, extra = Counter(wanted) - Counter(given), Counter(given) - Counter(wanted)
    if not missing and not extra:
        same = compare != "order" or list(given) == list(wanted)
        return "" if same else "the rows are right, their order is not"
    told = [f"{what} {_shown(rows)}" for what, rows in (("lacks", missing), ("has", extra)) if rows]
    return f"{len(given)} rows, {len(wanted)} wanted; " + ", ".join(told)


def _shown(rows: Counter[Row]) -> str:
    text = ", ".join(str(row)[:SHOWN_CHARS] for row in list(rows)[:SHOWN])
    return text + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")
