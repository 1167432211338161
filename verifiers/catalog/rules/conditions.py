"""What depends on the row: `when` conditions on meta, weights over training steps, values taken from the row."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from verifiers.catalog.rules.marks import Node, from_data
from verifiers.catalog.rules.reading import Reader, convert
from verifiers.types import Json, Sample, text_of

MAX_WEIGHT = 1e6
OPERATORS = ("min", "max", "in", "not", "exists")

_FROM_ROW = re.compile(r"\$(?:reference|prompt|meta)(?:\.[\w-]+)*")


class Absent(LookupError):
    """The row lacks what the rules take from it; the text says what."""


@dataclass(frozen=True)
class Condition:
    """One condition on one key of meta.

    Attributes:
        key: Dotted path in meta.
        any_of: The value must be one of these, unless empty.
        none_of: The value must be none of these.
        min, max: Bounds on a number.
        exists: Whether the key must be there; `None` = no matter.
    """

    key: str
    any_of: tuple[Json, ...] = ()
    none_of: tuple[Json, ...] = ()
    min: float | None = None
    max: float | None = None
    exists: bool | None = None

    def holds(self, meta: Mapping[str, Json]) -> bool:
        """Whether a row's meta meets it."""
        try:
            value = look_up(meta, self.key)
        except Absent:
            return self.exists is False or (
                self.exists is None and not self.any_of and self._open and bool(self.none_of)
            )
        if self.exists is False or (self.any_of and not _among(value, self.any_of)) or _among(value, self.none_of):
            return False
        if self._open:
            return True
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    @property
    def _open(self) -> bool:
        return self.min is None and self.max is None

    def __str__(self) -> str:
        said = [f"in {list(self.any_of)}"] if self.any_of else []
        said += [f"not in {list(self.none_of)}"] if self.none_of else []
        said += [f">= {self.min:g}"] if self.min is not None else []
        said += [f"<= {self.max:g}"] if self.max is not None else []
        said += [] if self.exists is None else ["exists" if self.exists else "is absent"]
        return f"meta.{self.key} {' and '.join(said)}"


def _among(value: Json, allowed: Sequence[Json]) -> bool:
    # YAML's 3 and a row's "3" mean the same; True is not 1.
    return any(
        (value == each and isinstance(value, bool) == isinstance(each, bool)) or str(value) == str(each)
        for each in allowed
    )


def look_up(data: Json, path: str) -> Json:
    """Return what a dotted path leads to.

    Raises:
        Absent: If it leads nowhere.
    """
    if isinstance(data, Mapping) and path in data:
        return data[path]
    for name in path.split("."):
        if isinstance(data, Mapping) and name in data:
            data = data[name]
        elif isinstance(data, Sequence) and not isinstance(data, str) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        else:
            raise Absent(f"{path!r} is not in the row")
    return data


def read_when(reader: Reader, node: Node) -> tuple[Condition, ...]:
    """Read `when: {key: value | [values] | {min, max, in, not, exists}}`."""
    if not isinstance(node.value, dict) or not node.value:
        reader.add(node.problem(f"when is a mapping from keys of meta to what they must be, not {node.what}"))
        return ()
    return tuple(found for key, each in node.value.items() if (found := _condition(reader, key, each)) is not None)


def _condition(reader: Reader, key: str, node: Node) -> Condition | None:
    if not isinstance(node.value, dict):
        values = _values(node)
        if not values:
            reader.add(node.problem("an empty list holds for no row; name the values"))
        return Condition(key, any_of=values)
    reader.known_keys(node, OPERATORS, "a condition")
    if not node.value:
        reader.add(node.problem(f"a condition needs one of {', '.join(OPERATORS)}"))
    given = node.value
    low, high = (reader.value(given[end], float) if end in given else None for end in ("min", "max"))
    if low is not None and high is not None and low > high:
        reader.add(node.problem(f"min {low:g} is above max {high:g}: no row meets that"))
    exists = reader.value(given["exists"], bool) if "exists" in given else None
    any_of, none_of = (_values(given[name]) if name in given else () for name in ("in", "not"))
    return Condition(key, any_of, none_of, low, high, exists)


def _values(node: Node) -> tuple[Json, ...]:
    return tuple(each.data() for each in node.value) if isinstance(node.value, list) else (node.data(),)


@dataclass(frozen=True)
class Weight:
    """A rule's weight: one number, or points (step, weight) joined by straight lines.

    Attributes:
        points: Sorted by step; before the first and after the last the weight stays.
    """

    points: tuple[tuple[float, float], ...] = ((0.0, 1.0),)

    @cached_property
    def fixed(self) -> bool:
        """Whether the step does not matter."""
        return len({weight for _, weight in self.points}) == 1

    def at(self, step: float) -> float:
        """Return the weight at a training step."""
        steps = [each for each, _ in self.points]
        right = bisect_right(steps, step)
        if right == 0 or right == len(steps):
            return self.points[min(right, len(steps) - 1)][1]
        (s0, w0), (s1, w1) = self.points[right - 1], self.points[right]
        return w0 + (w1 - w0) * (step - s0) / (s1 - s0)


def read_weight(reader: Reader, node: Node) -> Weight:
    """Read `weight: 2` or `weight: {0: 1, 500: 0.2}`."""
    pairs = list(node.value.items()) if isinstance(node.value, dict) else [("0", node)]
    points: dict[float, float] = {}
    for key, each in pairs:
        weight = reader.value(each, float)
        if weight is not None and not 0 <= weight <= MAX_WEIGHT:
            reader.add(each.problem(f"a weight is from 0 to {MAX_WEIGHT:g}, not {weight:g}"))
        elif not key.isdigit() or len(key) > 12:
            reader.add(node.key_problem(key, f"a step is a whole number from 0, not {key!r}"))
        elif weight is not None:
            points[float(key)] = weight
    if not pairs:
        reader.add(node.problem("a weight schedule needs steps, e.g. {0: 1, 500: 0.2}"))
    return Weight(tuple(sorted(points.items()))) if points else Weight()


def takes_from_row(node: Node) -> bool:
    """Whether any value below is `$reference`, `$prompt` or `$meta.key`."""
    return any(isinstance(each.value, str) and _FROM_ROW.fullmatch(each.value) for each in node.walk())


def is_from_row(node: Node) -> bool:
    """Whether this very value is taken from the row."""
    return isinstance(node.value, str) and _FROM_ROW.fullmatch(node.value) is not None


def filled(node: Node, sample: Sample) -> Node:
    """Return the node with what it takes from the row in place.

    Raises:
        Absent: If the row lacks it.
        RulesError: If it is too deep or too large.
    """
    if isinstance(node.value, dict):
        return replace(node, value={key: filled(each, sample) for key, each in node.value.items()})
    if isinstance(node.value, list):
        return replace(node, value=[filled(each, sample) for each in node.value])
    if not is_from_row(node):
        return node
    return from_data(_from_row(node.value, sample), node.path, (node.line, node.column))


def _from_row(name: str, sample: Sample) -> Json:
    source, _, path = name[1:].partition(".")
    data: Json = {"reference": sample.reference, "prompt": text_of(sample.prompt), "meta": sample.meta}[source]
    if source == "prompt" and not path and isinstance(sample.prompt, Sequence) and not isinstance(sample.prompt, str):
        data = "\n".join(text_of([{**message, "role": "assistant"}]) for message in sample.prompt)
    try:
        value = look_up(data, path) if path else data
    except Absent as error:
        raise Absent(f"the rules take {name} from the row, which it has not") from error
    if value is None or value == "":
        raise Absent(f"the rules take {name} from the row, where it is empty")
    return value


def check_fields(reader: Reader, node: Node, names: Mapping[str, object]) -> None:
    """Check the values of a mapping that are not taken from the row."""
    for key, each in node.value.items() if isinstance(node.value, dict) else ():
        if key in names and not takes_from_row(each):
            try:
                convert(each, names[key])
            except ValueError as error:
                reader.add(each.problem(str(error)))
