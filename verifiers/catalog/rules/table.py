"""The table of kinds: what a rule is, and the decorator that puts one into the table.

A kind is one frozen dataclass in a file `kinds_*.py`: its docstring says what it checks, its `Attributes:` describe the
fields that a user writes, `check` judges a text. Reading, the schema, the documents and lint are made from that.

    @kind("contains", group="words", example="contains: [alpha, beta]")
    class Contains(Rule): ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import ClassVar, NamedTuple, TypeVar

from verifiers.catalog.rules.reading import field_types
from verifiers.catalog.rules.view import View
from verifiers.types import Json

HOMES = ("words", "counts", "markdown", "patterns", "values", "data", "languages", "links", "likeness")
"""The files `kinds_*.py`, in the order of the documents."""


class Outcome(NamedTuple):
    """What a rule found.

    Attributes:
        reward: From 0 to 1.
        observed: What was seen, for the part's details.
        reason: Why, in one line; empty = expected and observed say it.
        span: Offsets in the view's text of what decided.
    """

    reward: float
    observed: Json = None
    reason: str = ""
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Rule(ABC):
    """One check with its fields filled in."""

    kind: ClassVar[str] = ""
    short: ClassVar[str] = ""
    """The field that stands for the whole when no mapping is given; empty = none."""

    @abstractmethod
    def check(self, view: View) -> Outcome:
        """Judge a text that holds something, in linear time unless `slow`."""

    @abstractmethod
    def expected(self) -> str:
        """Return what the rule asks for, as the end of "expected ..."."""

    @cached_property
    def told(self) -> str:
        """What `expected` says, once."""
        return self.expected()

    def always(self) -> bool | None:
        """Return `True` if every text passes in full, `False` if none does in part, `None` if it depends."""
        return None

    def pitfalls(self) -> list[str]:
        """Return what an author may not have meant, for lint."""
        return []

    def prepare(self) -> None:  # noqa: B027 (most have nothing to prepare)
        """Load what the rule needs and compile it, once.

        Raises:
            MissingExtra: If an optional package is absent.
            ValueError: If a field's value turns out to be unusable.
        """

    @property
    def slow(self) -> bool:
        """Whether it must run in a worker that is killed at the deadline."""
        return False


class Kind(NamedTuple):
    """A row of the table.

    Attributes:
        name: As written in the rules.
        cls: The dataclass.
        group: Heading in the documents.
        examples: YAML of one rule each.
    """

    name: str
    cls: type[Rule]
    group: str
    examples: tuple[str, ...]


TABLE: dict[str, Kind] = {}
_R = TypeVar("_R", bound=Rule)


def kind(
    name: str, *, group: str, example: str | tuple[str, ...], short: str | None = None
) -> Callable[[type[_R]], type[_R]]:
    """Make a class a frozen dataclass and put it into the table.

    Args:
        name: Its name in the rules.
        group: Heading in the documents.
        example: YAML of a rule, or several.
        short: The field that may be given without a mapping; `None` = the first one, `""` = none.
    """

    def wrap(cls: type[_R]) -> type[_R]:
        if name in TABLE:
            raise ValueError(f"two kinds are called {name!r}: {TABLE[name].cls.__name__} and {cls.__name__}")
        made = dataclass(frozen=True)(cls)
        made.kind = name
        made.short = next(iter(field_types(made)), "") if short is None else short
        TABLE[name] = Kind(name, made, group, (example,) if isinstance(example, str) else example)
        return made

    return wrap


@cache
def kinds() -> dict[str, Kind]:
    """Return the whole table; the files are imported when it is first needed."""
    for home in HOMES:
        import_module(f"verifiers.catalog.rules.kinds_{home}")
    return TABLE
