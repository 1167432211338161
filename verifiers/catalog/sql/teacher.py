"""SQL queries: run on an in-memory sqlite database and compared by their results, or by their syntax.

Accepts as reference: `{"setup": statements, "query": right query}`, or `"rows": expected rows` in the query's place
(lists, objects, or scalars of one column); `"setups"`, a list of databases on all of which the results must agree
(as test suites have it); `"compare"`. A bare query as reference is compared by its syntax (sqlglot, extra `sql`), and
so is one whose setup holds no rows, on which every query would look alike. The setup may stand in the sample's meta
(`setup`, `schema`, `context`).

The query stands in the answer tag, a code fence (the last one), is the whole answer or has lines of its own.

Refuses: statements that write, several statements, ATTACH, PRAGMA, extensions, random(); queries that read no table
where the database has some; more than the limits of steps, rows, bytes, memory (`limit_exceeded`).

Known limits: sqlite's dialect; rows that tie under ORDER BY have the order that sqlite gives them; a reference whose
result is empty accepts every empty result. DuckDB is left out: it cannot be held to steps, only to time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from verifiers.catalog.sql.cases import CASES
from verifiers.catalog.sql.database import (
    MAX_CPU_S,
    Database,
    LimitError,
    QueryError,
    SetupError,
    run_query,
    set_up,
)
from verifiers.catalog.sql.results import Compare, Row, canonical, difference, rows_of
from verifiers.catalog.sql.syntax import SyntaxFault, one_form
from verifiers.catalog.sql.text import NoQuery, Several, TooLong, find_query, is_ordered
from verifiers.json_values import JsonFault, parse_json
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Json, Part, Sample, Status, Verdict, text_of

__all__ = ["CASES", "SqlTeacher"]

MAX_SETUPS = 16
"""Most databases of one reference."""
ALL_CPU_S = 4.0
"""CPU seconds of one query on all databases of a reference."""
CACHED_RESULTS = 256
SHOWN = 300
"""Longest query that a verdict quotes, in characters."""

_SETUP = ("setup", "schema", "context")
_KEYS = (*_SETUP, "setups", "query", "sql", "rows", "compare")


@dataclass(frozen=True)
class Options:
    """Options of the sql teacher.

    Attributes:
        mode: execute (run both), syntax (compare the queries by sqlglot), auto = execute where the setup has rows.
        compare: Rows as a bag, a set or in order; auto = in order if the reference's query has an ORDER BY, else a bag.
        several: What to do with several queries: take the last, or refuse them.
        constants: Whether a query that reads no table is refused, or allowed.
        digits: Significant digits of floats that are compared, 1 to 15.
        max_steps: Most steps of sqlite's machine for one query.
        dialect: The dialect of mode=syntax, as sqlglot names it.
    """

    mode: Literal["auto", "execute", "syntax"] = "auto"
    compare: Compare = "auto"
    several: Several = "last"
    constants: Literal["refuse", "allow"] = "refuse"
    digits: int = 10
    max_steps: int = 5_000_000
    dialect: str = "sqlite"

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: If a number is out of its range.
        """
        if not 1 <= self.digits <= 15 or self.max_steps < 1:
            raise ValueError("allowed: digits 1 to 15, max_steps from 1")


class BadReference(ValueError):
    """A reference that cannot be used; its text says why."""


@dataclass(frozen=True)
class Reference:
    """A reference that was read; `query` or `rows` is there, `setups` may be empty."""

    setups: tuple[str, ...]
    query: str
    rows: tuple[Row, ...] | None
    compare: Compare


@lru_cache(maxsize=CACHED_RESULTS)
def _wanted(setup: str, query: str, max_steps: int) -> tuple[tuple[Row, ...], bool]:
    """Return the right rows, and whether the right query reads a table."""
    try:
        result = run_query(set_up(setup), query, max_steps)
    except (LimitError, QueryError) as error:
        raise BadReference(f"the reference's query fails: {error}") from error
    return tuple(result.rows), result.reads


def read_reference(sample: Sample) -> Reference:
    """Read a sample's reference.

    Raises:
        BadReference: If it is missing or cannot be read.
    """
    value = sample.reference
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse_json(value)
        except JsonFault as fault:
            raise BadReference(f"the reference is not JSON: {fault}") from fault
    if isinstance(value, str):
        value = {"query": value}
    if not isinstance(value, Mapping):
        raise BadReference("a reference is a query, or {setup, query} or {setup, rows}")
    odd = [key for key in value if key not in _KEYS]
    if odd:
        raise BadReference(f"a reference has no {odd[0]!r}; allowed: {', '.join(_KEYS)}")
    query = value.get("query") or value.get("sql") or ""
    rows = rows_of(value["rows"]) if "rows" in value else None
    compare = value.get("compare", "auto")
    if not isinstance(query, str) or compare not in ("auto", "bag", "set", "order"):
        raise BadReference("query is text; compare is one of auto, bag, set, order")
    setups = _setups(value, sample.meta)
    if "rows" in value and (rows is None or len(setups) != 1 or query):
        raise BadReference("rows are a list of lists, for one setup, in the query's place")
    if rows is None and not query.strip():
        raise BadReference("there is neither a query nor rows")
    return Reference(setups, query, None if rows is None else tuple(rows), compare)


def _setups(value: Mapping[str, Json], meta: Mapping[str, Json]) -> tuple[str, ...]:
    several = value.get("setups")
    if several is None:
        places = (*((value, key) for key in _SETUP), *((meta, key) for key in _SETUP))
        one = next((where[key] for where, key in places if where.get(key)), None)
        several = [] if one is None else [one]
    if not isinstance(several, (list, tuple)) or len(several) > MAX_SETUPS:
        raise BadReference(f"setups are a list of at most {MAX_SETUPS} databases")
    texts = [";\n".join(map(str, each)) if isinstance(each, (list, tuple)) else each for each in several]
    if not all(isinstance(text, str) for text in texts):
        raise BadReference("a setup is SQL, or a list of statements")
    return tuple(str(text) for text in texts)


@teacher(version="1", options=Options)
class SqlTeacher(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 20.0
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def judge(self, sample: Sample) -> Verdict:
        """Run both queries, or compare their syntax (in a worker: a single step of sqlite cannot be interrupted)."""
        try:
            reference = read_reference(sample)
            databases = [set_up(setup) for setup in reference.setups]
            by_syntax = self._by_syntax(reference, databases)
        except (BadReference, SetupError) as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        try:
            query = find_query(text_of(sample.completion), self.options.several)
        except NoQuery as error:
            # The reference is tried first: a bad one is not judged whatever the completion holds.
            status = Status.LIMIT_EXCEEDED if isinstance(error, TooLong) else Status.UNPARSABLE
            return self._fault(reference, databases, by_syntax) or Verdict(0.0, status, str(error))
        return self._syntax(reference, query) if by_syntax else self._executed(reference, databases, query)

    def _fault(self, reference: Reference, databases: list[Database], by_syntax: bool) -> Verdict | None:
        own = self._syntax(reference, reference.query) if by_syntax else None
        if own is None and reference.query:
            own = self._executed(reference, databases, reference.query)
        return own if own is not None and own.status is Status.BAD_REFERENCE else None

    def _by_syntax(self, reference: Reference, databases: list[Database]) -> bool:
        if self.options.mode == "syntax":
            if not reference.query:
                raise BadReference("mode=syntax needs the reference's query")
            return True
        if not databases and self.options.mode == "execute":
            raise BadReference("mode=execute needs a setup")
        empty = not any(database.rows for database in databases)
        return self.options.mode == "auto" and empty and bool(reference.query)

    def _syntax(self, reference: Reference, query: str) -> Verdict:
        try:
            wanted = one_form(reference.query, self.options.dialect)
        except (SyntaxFault, ValueError) as error:
            return Verdict(None, Status.BAD_REFERENCE, f"the reference's query cannot be read: {error}")
        try:
            given = one_form(query, self.options.dialect)
        except SyntaxFault as fault:
            status = Status.LIMIT_EXCEEDED if fault.limit else Status.INCORRECT
            return Verdict(0.0, status, f"the query cannot be read: {fault}", query[:SHOWN])
        if given == wanted:
            return Verdict(1.0, Status.CORRECT, "same syntax", query[:SHOWN])
        return Verdict(0.0, Status.INCORRECT, "another query than the reference's", query[:SHOWN])

    def _executed(self, reference: Reference, databases: list[Database], query: str) -> Verdict:
        parts: list[Part] = []
        limit = False
        for number, (setup, database) in enumerate(zip(reference.setups, databases, strict=True), 1):
            try:
                reason = self._difference(reference, setup, database, query)
            except BadReference as error:
                return Verdict(None, Status.BAD_REFERENCE, str(error))
            except LimitError as error:
                reason, limit = str(error), True
            parts.append(Part(f"database {number}", 0.0 if reason else 1.0, reason or "same result"))
            if reason:
                break  # one difference decides; the other databases cost as much again
        failed = parts[-1].reward == 0.0
        status = Status.LIMIT_EXCEEDED if limit else Status.INCORRECT if failed else Status.CORRECT
        return Verdict(0.0 if failed else 1.0, status, parts[-1].reason, query[:SHOWN], tuple(parts))

    def _difference(self, reference: Reference, setup: str, database: Database, query: str) -> str:
        """Return how the query's result differs from the right one; empty = it does not."""
        if reference.rows is None:
            wanted, reads = _wanted(setup, reference.query, self.options.max_steps)
        else:
            wanted, reads = reference.rows, bool(database.tables)
        try:
            max_cpu_s = min(MAX_CPU_S, ALL_CPU_S / len(reference.setups))
            result = run_query(database, query, self.options.max_steps, max_cpu_s)
        except QueryError as error:
            return f"the query fails: {error}"
        if reads and not result.reads and self.options.constants == "refuse":
            return "the query reads no table"
        return difference(
            canonical(result.rows, self.options.digits),
            canonical(wanted, self.options.digits),
            self._compare(reference),
        )

    def _compare(self, reference: Reference) -> Compare:
        asked = self.options.compare if reference.compare == "auto" else reference.compare
        if asked != "auto":
            return asked
        return "order" if is_ordered(reference.query) else "bag"

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return the query that was found and what became of it."""
        try:
            steps = [("query", find_query(text_of(sample.completion), self.options.several)[:SHOWN])]
        except NoQuery as error:
            steps = [("query", str(error))]
        verdict = self.judge(sample)
        return [*steps, *((part.name, part.reason) for part in verdict.parts), ("decided by", verdict.reason)]
