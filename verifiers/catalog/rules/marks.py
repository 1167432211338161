"""Read YAML or JSON into nodes that know their line and column, and refuse what could be a trap.

Only plain data is read: no tags, no anchors and aliases (so no "billion laughs"), no merge keys; size, depth and number
of nodes are bounded. Scalars keep their text as written, so that `contains: no` means the word "no".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from verifiers.errors import OptionError
from verifiers.types import Json

MAX_FILE_BYTES = 256 * 1024
"""Longest rules file."""
MAX_INLINE_BYTES = 32 * 1024
"""Longest rules text inside a row."""
MAX_DEPTH = 24
"""Deepest nesting of lists and mappings."""
MAX_NODES = 20_000
MAX_PROBLEMS = 50
"""Most mistakes that one error names."""

Path = str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, and what is allowed.

    Attributes:
        line, column: From 1; 0 where the rules did not come as text.
        path: Where in the data, e.g. `rules[2].contains.text`.
        text: What was given, what is allowed.
    """

    line: int
    column: int
    path: Path
    text: str

    def shown(self, source: str) -> str:
        """Return it as one line: `my.yaml:3:5: rules[0]: no kind ...`."""
        place = f"{source}:{self.line}:{self.column}" if self.line else source
        return f"{place}: {self.path}: {self.text}" if self.path else f"{place}: {self.text}"


class RulesError(OptionError):
    """Rules that cannot be used; `problems` holds every mistake, the text names them with file, line and column."""

    def __init__(self, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


def rules_error(source: str, problems: Sequence[Problem]) -> RulesError:
    """Return the error that names every mistake, in the order of the lines."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    lines = [problem.shown(source) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        lines.append(f"{source}: and {len(ordered) - MAX_PROBLEMS} more mistakes")
    return RulesError("\n".join(lines), ordered)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: A scalar, a list of nodes, or a mapping to nodes.
        text: A scalar as it was written.
        line, column: From 1; 0 = unknown.
        path: E.g. `rules[2].contains`.
        keys: Where each key of a mapping stands.
        plain: Whether a scalar was written without quotes.
    """

    value: Any
    text: str = ""
    line: int = 0
    column: int = 0
    path: Path = ""
    keys: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    plain: bool = False

    def problem(self, text: str) -> Problem:
        """Return a mistake in this value."""
        return Problem(self.line, self.column, self.path, text)

    def key_problem(self, key: str, text: str) -> Problem:
        """Return a mistake in one of this mapping's keys."""
        line, column = self.keys.get(key, (self.line, self.column))
        return Problem(line, column, join(self.path, key), text)

    @property
    def what(self) -> str:
        """What was given, for messages."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        return "nothing" if self.value is None else f"{self.text[:60]!r}"

    def data(self) -> Json:
        """Return the plain data."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value  # type: ignore[no-any-return]

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it."""
        yield self
        below = self.value.values() if isinstance(self.value, dict) else self.value
        if isinstance(self.value, (dict, list)):
            for node in below:
                yield from node.walk()


def join(path: Path, key: str | int) -> Path:
    """Return the path of a key or an index below `path`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def from_data(value: Json, path: Path = "", place: tuple[int, int] = (0, 0), budget: list[int] | None = None) -> Node:
    """Make nodes of plain data.

    Args:
        value: JSON data.
        path: Where it stands.
        place: Line and column that all of it gets.
        budget: How many nodes may still be made.

    Raises:
        RulesError: If it is too deep or too large, or holds keys that are not text.
    """
    budget = [MAX_NODES] if budget is None else budget
    budget[0] -= 1
    if budget[0] < 0 or path.count(".") + path.count("[") > MAX_DEPTH * 2:
        raise RulesError(f"rules may have {MAX_NODES:,} values, nested {MAX_DEPTH} deep; these have more")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise RulesError(f"{path or 'rules'}: the keys of a mapping are text")
        children = {key: from_data(each, join(path, key), place, budget) for key, each in value.items()}
        return Node(children, "", *place, path, dict.fromkeys(children, place))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node([from_data(each, join(path, i), place, budget) for i, each in enumerate(value)], "", *place, path)
    text = value if isinstance(value, str) else json.dumps(value)
    return Node(value, text, *place, path, plain=not isinstance(value, str))


def parse(text: str, source: str, max_bytes: int = MAX_FILE_BYTES) -> Node:
    """Read a YAML or JSON text.

    Args:
        text: The text.
        source: The file's name, for messages.
        max_bytes: Longest text allowed.

    Raises:
        RulesError: With file, line and column, if it is no plain YAML or JSON, or too large.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > max_bytes:
        raise RulesError(f"{source}: the rules have {size:,} bytes; {max_bytes:,} are allowed")
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not; inside its strings there are none
    try:
        reader = _Reader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        said = f"the character U+{int(error.character):04X} is not allowed; write it as an escape in double quotes"
        raise rules_error(source, [Problem(*place, "", said)]) from error
    try:
        node: yaml.Node | None = reader.get_single_node()
        if node is None:
            raise RulesError(f"{source}: the file is empty; write rules, e.g. 'rules: [{{contains: hello}}]'")
        return reader.read(node, "", 0)
    except _Refused as error:
        raise rules_error(source, [error.problem]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise rules_error(source, [Problem(*place, "", f"not YAML: {said}")]) from error
    except yaml.YAMLError as error:
        raise RulesError(f"{source}: not YAML: {error}") from error
    finally:
        reader.dispose()


class _Refused(Exception):
    """What this reader does not take."""

    def __init__(self, mark: Any, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(mark.line + 1, mark.column + 1, "", text)


_TAG = "tag:yaml.org,2002:"
_DATE_TAG = _TAG + "timestamp"
_PLAIN_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq"))


class _Reader(yaml.SafeLoader):
    """A safe loader that composes without aliases and tags, within bounds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(event.start_mark, "anchors and aliases (&, *) are not allowed; write the value out")
        if getattr(event, "tag", None):
            raise _Refused(event.start_mark, f"the tag {event.tag!r} is not allowed; write plain values")
        self._nodes += 1
        self._depth += 1
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            raise _Refused(event.start_mark, f"rules may have {MAX_NODES:,} values, nested {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def read(self, node: yaml.Node, path: Path, depth: int) -> Node:
        """Turn a composed node into one of ours."""
        mark = node.start_mark
        place = (mark.line + 1, mark.column + 1)
        if isinstance(node, yaml.SequenceNode):
            return Node(
                [self.read(each, join(path, i), depth + 1) for i, each in enumerate(node.value)], "", *place, path
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth, place)
        if node.tag not in _PLAIN_TAGS:
            raise _Refused(mark, f"{str(node.value)[:40]!r} is not a plain value; put text in quotes")
        text = _joined(str(node.value))
        try:
            # A date stays text, as in JSON; it may also be no day of the calendar.
            value = text if node.tag == _DATE_TAG else self.construct_object(node)
        except (ValueError, OverflowError) as error:
            raise _Refused(mark, f"{str(node.value)[:40]!r} cannot be read ({error}); put text in quotes") from error
        value = text if isinstance(value, str) else value
        return Node(value, text, *place, path, plain=getattr(node, "style", None) is None)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int, place: tuple[int, int]) -> Node:
        children: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        for key, value in node.value:
            mark = key.start_mark
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused(mark, "a key is a word, not a list or mapping")
            name = _joined(str(key.value))
            if name in children:
                raise _Refused(mark, f"{name!r} is given twice; keep one")
            keys[name] = (mark.line + 1, mark.column + 1)
            children[name] = self.read(value, join(path, name), depth + 1)
        return Node(children, "", *place, path, keys)


_HALF = re.compile("[\ud800-\udfff]")


def _joined(text: str) -> str:
    """Join the halves of characters that JSON wrote as two escapes."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
