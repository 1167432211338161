"""Rules that you write in YAML or JSON: words, counts, form, patterns, data, values, language; combined and weighted.

Accepts rules from a file (`--rules my.yaml`), or from the row itself: as the reference or in `meta.rules` (a mapping, a
list, or YAML text). Reward from 0 to 1; a part for every rule with what was expected and what was observed, and where.
`docs/rules.md` has the language; `verify rules lint | test | explain | attack` help to write it.

Refuses: rules with mistakes (each named with file, line and column), YAML anchors, aliases and tags, completions
without letters. A row that lacks what the rules take from it is not judged.

Known limits: tokens are estimated; languages are told apart by pycld2, and by script alone below 20 letters; texts are
compared in their normal form (NFC, full-width as ASCII, without invisible characters), regular expressions too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from verifiers.catalog.rules.cases import CASES
from verifiers.catalog.rules.compiling import compile_document
from verifiers.catalog.rules.document import Document
from verifiers.catalog.rules.judge import judge
from verifiers.catalog.rules.marks import MAX_FILE_BYTES, MAX_INLINE_BYTES, RulesError, from_data, parse
from verifiers.errors import InputError
from verifiers.stamps import file_line
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Json, Sample, Status, Verdict
from verifiers.wire import pack

__all__ = ["CASES", "RulesTeacher", "load_rules"]

CACHED_DOCUMENTS = 512
"""Rules of rows that are kept, so that each is read once for its group."""
IN_META = "rules"
"""The key of meta that may hold a row's rules."""


@dataclass(frozen=True)
class Options:
    """Options of the rules teacher.

    Attributes:
        rules: A file of rules, YAML or JSON; without it each row brings its own, as reference or in meta.rules.
        step: The training step for weights that change with it, where a row's meta.step is absent.
    """

    rules: str | None = None
    step: float | None = None

    def __post_init__(self) -> None:
        """Name the file by its full path, so that a worker or a resumed run in another folder finds the same one."""
        if self.rules is not None:
            object.__setattr__(self, "rules", str(Path(self.rules).expanduser().absolute()))


def load_rules(path: str | Path) -> Document:
    """Read a file of rules.

    Raises:
        InputError: If it cannot be read.
        RulesError: Naming every mistake with file, line and column.
        MissingExtra: If a rule needs a package that is not installed.
    """
    file = Path(path)
    try:
        with file.open("rb") as handle:
            data = handle.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the rules file {str(file)!r}: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RulesError(f"{file}: not UTF-8 text ({error})") from error
    return compile_document(parse(text, shown_path(file)), shown_path(file))


def shown_path(file: Path) -> str:
    """Return a path as a user would write it: relative to the current folder where it lies below."""
    try:
        return str(file.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _text_rules(text: str, source: str) -> Document | RulesError:
    try:
        return compile_document(parse(text, source, MAX_INLINE_BYTES), source)
    except RulesError as error:
        return error


def _row_rules(sample: Sample) -> Document | RulesError:
    """Return the rules that a row brings."""
    source, rules = "reference", sample.reference
    if rules is None and IN_META in sample.meta:
        source, rules = f"meta.{IN_META}", sample.meta[IN_META]
    if rules is None:
        return RulesError("there are no rules: name a file (--rules my.yaml), or put rules into the row's reference")
    if isinstance(rules, str):
        return _text_rules(rules, source)
    if isinstance(rules, (Mapping, Sequence)):
        return _data_rules(_Key(pack(rules), rules), source)
    return RulesError(f"{source}: rules are a mapping, a list or YAML text, not {type(rules).__name__}")


class _Key:
    """Rules as data, hashed by their packed form."""

    def __init__(self, packed: bytes, data: Json) -> None:
        self.packed, self.data = packed, data

    def __hash__(self) -> int:
        return hash(self.packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.packed == other.packed


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _data_rules(key: _Key, source: str) -> Document | RulesError:
    if len(key.packed) > MAX_INLINE_BYTES:
        return RulesError(
            f"{source}: a row's rules may have {MAX_INLINE_BYTES:,} bytes; these have {len(key.packed):,}"
        )
    try:
        return compile_document(from_data(key.data), source)
    except RulesError as error:
        return error


@teacher(version="1", options=Options)
class RulesTeacher(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 5.0

    def __init__(self, options: Options) -> None:
        self.options = options
        self._document = None if options.rules is None else load_rules(options.rules)
        if self._document is not None:
            # Rows that differ in nothing that these rules read are judged once.
            vars(self)["reads"] = self._document.reads

    def stamp(self) -> str:
        """Return a line for the file of rules, if they are in one."""
        return "" if self.options.rules is None else file_line(str(self.options.rules))

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge in linear time; `None` when a rule asks for a backtracking regex."""
        document = self._document or _row_rules(sample)
        if isinstance(document, Document) and document.slow:
            return None
        return self._judged(document, sample)

    def judge(self, sample: Sample) -> Verdict:
        """Judge, in a worker, also what may take long."""
        return self._judged(self._document or _row_rules(sample), sample)

    def _judged(self, document: Document | RulesError, sample: Sample) -> Verdict:
        if isinstance(document, RulesError):
            return Verdict(None, Status.BAD_REFERENCE, str(document))
        try:
            return judge(document, sample, self.options.step)
        except RulesError as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return each rule with what it expected and observed."""
        steps = []
        for part in self.judge(sample).parts:
            details = ", ".join(f"{key} {value}" for key, value in part.details.items() if key != "kind")
            reward = "-" if part.reward is None else f"{part.reward:g}"
            steps.append((part.name, f"{reward}: {part.reason}" + (f" ({details})" if details else "")))
        return steps
