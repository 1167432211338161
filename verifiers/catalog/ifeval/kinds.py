"""What an instruction kind is: its id, the arguments that it takes, and the function that checks an answer.

@TABLE.kind("startend:end_checker", end_phrase=text)
def end_phrase(answer: Answer, args: Args) -> Seen: ...

@end_phrase.robust                 # only where the official checker is wrong
def ends_in_phrase(answer: Answer, args: Args) -> Seen: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from verifiers.catalog.ifeval.answer import Answer
from verifiers.types import Json

MAX_COUNT = 1_000_000_000
"""Largest number that an instruction may ask for."""


class Seen(NamedTuple):
    """What a check found.

    Attributes:
        followed: Whether the answer follows the instruction.
        expected: What was asked for, in words.
        observed: What the answer has instead or as well.
    """

    followed: bool
    expected: str
    observed: str


Args: TypeAlias = Mapping[str, Any]
"""An instruction's arguments, each read by the reader that its kind names for it."""
Check: TypeAlias = Callable[[Answer, Args], Seen]
Hopeless: TypeAlias = Callable[[Answer, Args], bool]
"""Whether, of an answer that does not follow, no part without the first or last line follows (mode robust)."""
Reader: TypeAlias = Callable[[Json], object]


class BadArgument(ValueError):
    """An argument in a reference cannot be used; the text says why."""


class Unjudged(Exception):
    """The instruction cannot be judged in this mode or on this machine; the text says why."""


class Kind:
    """One kind of instruction.

    Attributes:
        id: As in `instruction_id_list`.
        readers: How each argument is read; all are required.
        patterns: The arguments that the official checkers take for regular expressions.
        official: The check with the official checker's verdict.
        right: The check with the right verdict; the official one where that is right.
        parts_hopeless: What spares loose strictness, in mode robust, to check the answer's parts.
    """

    def __init__(self, name: str, readers: Mapping[str, Reader], check: Check) -> None:
        self.id = name
        self.readers = readers
        self.patterns = [each for each, reader in readers.items() if reader is pattern or reader is patterns]
        self.official = check
        self.right = check
        self.parts_hopeless: Hopeless | None = None

    def robust(self, check: Check) -> Check:
        """Use another check in mode robust."""
        self.right = check
        return check

    def hopeless(self, known: Hopeless) -> Hopeless:
        """Say when the parts of an answer that does not follow need no check; it must never be wrong."""
        self.parts_hopeless = known
        return known

    def read(self, raw: Mapping[str, Json]) -> dict[str, Any]:
        """Read the arguments of one instruction; those given as null count as absent.

        Raises:
            BadArgument: If one is missing, unknown or of the wrong type.
        """
        given = {name: value for name, value in raw.items() if value is not None}
        if not given.keys() <= self.readers.keys():
            unknown = min(given.keys() - self.readers.keys())
            raise BadArgument(f"has no argument {unknown!r}; it takes {', '.join(self.readers) or 'nothing'}")
        read: dict[str, Any] = {}
        for name, reader in self.readers.items():
            if name not in given:
                raise BadArgument(f"needs the argument {name!r}")
            try:
                read[name] = reader(given[name])
            except BadArgument as error:
                raise BadArgument(f"argument {name!r}: {error}, not {given[name]!r:.80}") from error
        return read


class Table:
    """The kinds of one benchmark, by id."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def kind(self, name: str, **readers: Reader) -> Callable[[Check], Kind]:
        """Enter a function as the check of a kind.

        Raises:
            ValueError: If the id is taken.
        """
        if name in self._kinds:
            raise ValueError(f"the instruction kind {name!r} is already in the table")

        def enter(check: Check) -> Kind:
            self._kinds[name] = Kind(name, readers, check)
            return self._kinds[name]

        return enter

    def get(self, name: str) -> Kind | None:
        """Return the kind with an id, or `None`."""
        return self._kinds.get(name)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def __len__(self) -> int:
        return len(self._kinds)


def number(value: Json) -> object:
    """Read a whole number of 0 or more; datasets' padded columns turn 3 into 3.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise BadArgument("must be a whole number of 0 or more")
    return value


def positive(value: Json) -> object:
    """Read a whole number of 1 or more."""
    if number(value) == 0:
        raise BadArgument("must be a whole number of 1 or more")
    return number(value)


def text(value: Json) -> object:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise BadArgument("must be a text that is not empty")
    return value


def texts(value: Json) -> object:
    """Read a list of texts that are not empty."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise BadArgument("must be a list of texts")
    return tuple(text(each) for each in value)


def pattern(value: Json) -> object:
    """Read a text that the official checkers take for a regular expression."""
    return text(value)


def patterns(value: Json) -> object:
    """Read a list of texts that the official checkers take for regular expressions."""
    return texts(value)


def relation(value: Json) -> object:
    """Read how a count is compared: `less than` or `at least`."""
    if value not in ("less than", "at least"):
        raise BadArgument("must be 'less than' or 'at least'")
    return value


def always(answer: Answer, args: Args) -> bool:
    """A part never has more of what the answer lacks."""
    return True


def at_least(name: str) -> Hopeless:
    """A part never has more of it, where an argument asks for at least so many."""
    return lambda answer, args: bool(args[name] == "at least")


def compared(count: int, relation: str, wanted: int, what: str, whence: str = "") -> Seen:
    """Compare a count with what was asked for."""
    followed = count < wanted if relation == "less than" else count >= wanted
    return Seen(followed, f"{relation} {wanted} {what}", f"{count}{whence}")


def counted(followed: bool, expected: str, count: int) -> Seen:
    """Return a finding whose observation is a count."""
    return Seen(followed, expected, str(count))
