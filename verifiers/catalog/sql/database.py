"""Run an untrusted query on an in-memory sqlite database: reading only, one statement, within limits.

What is not covered: a single step of sqlite is never interrupted, so the limits below also keep single steps short
(short texts, short patterns). The teacher runs in a worker that is killed at its deadline, should one not be.
"""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_SQL_CHARS = 10_000
"""Longest query."""
MAX_SETUP_CHARS = 2_000_000
"""Longest setup."""
MAX_SETUP_STEPS = 50_000_000
MAX_ROWS = 10_000
"""Most rows of a result."""
MAX_RESULT_BYTES = 4_000_000
MAX_VALUE_BYTES = 20_000
"""Longest text or blob that a query may make, unless the database holds longer rows."""
MAX_CPU_S = 2.0
"""CPU seconds of one query: for the few functions that are slow in a single step."""
MAX_MEMORY_BYTES = 128_000_000
"""Growth of the process while one query runs."""
MAX_NAMES = 20_000
"""Most tables, columns and functions that a query may name once its views and CTEs are spread out."""
STEPS_PER_TICK = 100
TICKS_PER_LOOK = 16
"""The process's memory is looked at once in so many ticks."""
CACHED_DATABASES = 64

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_SETUP_REFUSED = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})
_FUNCTIONS_REFUSED = frozenset(
    "load_extension random randomblob readfile writefile edit fts3_tokenizer sqlite_log zipfile".split()
)
"""Functions that reach outside, or whose value is not the same twice."""
_LIMITS = (
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 4 * MAX_SQL_CHARS),
    (sqlite3.SQLITE_LIMIT_COLUMN, 500),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (sqlite3.SQLITE_LIMIT_VDBE_OP, 100_000),
    (sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 64),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
)
_WIDE = re.compile(r"%[^a-zA-Z%*]{0,20}(?:\*|[0-9]{4})|%[^a-zA-Z%*]{21}")
"""A field of printf that takes its width from a value, or has one of four digits."""
_TOO_MUCH = ("too big", "too large", "too many", "interrupted", "stack overflow", "out of memory", "disk is full")
"""Words of sqlite's errors that tell of a limit."""


class SetupError(ValueError):
    """The setup cannot be run; its text says why."""


class LimitError(ValueError):
    """The query ran past a limit; its text says which."""


class QueryError(ValueError):
    """The query is wrong or not allowed; its text says why."""


@dataclass(frozen=True)
class Database:
    """A database that was set up.

    Attributes:
        image: Its bytes.
        tables: Their names, in small letters.
        rows: How many rows they have.
        value_bytes: Longest value that a query may make.
    """

    image: bytes
    tables: frozenset[str]
    rows: int
    value_bytes: int


@dataclass(frozen=True)
class Result:
    """What a query gave.

    Attributes:
        rows: In their order.
        reads: Whether it read any table.
        steps: Steps of sqlite's machine that it took, rounded down to ticks.
    """

    rows: list[tuple[Any, ...]]
    reads: bool
    steps: int


class _Guard:
    """Watches one statement while it is compiled and run; says in `stopped` or `refused` why it ended it."""

    def __init__(self, tables: frozenset[str], sql: str, max_steps: int, max_cpu_s: float) -> None:
        self.stopped, self.refused, self.reads, self.steps = "", "", False, 0
        self._max_steps, self._max_cpu_s, self._names = max_steps, max_cpu_s, 0
        self._tables, self._ticks = tables, 0
        self._json = "json_each" in sql.casefold() or "json_tree" in sql.casefold()
        self._began_s, self._began_bytes = time.thread_time(), resident_bytes()

    def allow(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Allow reading (sqlite's authorizer)."""
        self._names += 1
        if self._names > MAX_NAMES or (self._names % 256 == 0 and self._slow()):
            self.stopped = self.stopped or f"the query names more than {MAX_NAMES:,} things"
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master" and self._json:
            return sqlite3.SQLITE_OK  # how json_each declares its columns; the connection itself is read-only
        if action not in _READING:
            self.refused = "only one statement that reads is allowed"
        elif action == sqlite3.SQLITE_FUNCTION and (second or "").casefold() in _FUNCTIONS_REFUSED:
            self.refused = f"the function {second} is not allowed"
        elif action == sqlite3.SQLITE_READ and (first or "").casefold() in self._tables:
            self.reads = True
        return sqlite3.SQLITE_DENY if self.refused else sqlite3.SQLITE_OK

    def tick(self) -> int:
        """Stop the statement at its limits (sqlite's progress handler)."""
        self._ticks += 1
        self.steps += STEPS_PER_TICK
        if self.steps > self._max_steps:
            self.stopped = f"more than {self._max_steps:,} steps"
        elif self._ticks % TICKS_PER_LOOK == 0 and resident_bytes() - self._began_bytes > MAX_MEMORY_BYTES:
            self.stopped = f"more than {MAX_MEMORY_BYTES:,} bytes of memory"
        return 1 if self.stopped or self._slow() else 0

    def printf(self, layout: Any = None, *values: Any) -> Any:
        """Do what sqlite's own printf does, but for wide fields: those take seconds in a single step."""
        if not isinstance(layout, str):
            return layout if layout is None else str(layout)
        if _WIDE.search(layout):
            self.stopped = "printf with a field of unknown width, or of 1,000 characters and more"
            raise LimitError(self.stopped)
        with closing(sqlite3.connect(":memory:")) as own:
            row = own.execute(f"SELECT printf(?{', ?' * len(values)})", (layout, *values)).fetchone()
        return row[0]

    def _slow(self) -> bool:
        if time.thread_time() - self._began_s > self._max_cpu_s:
            self.stopped = f"more than {self._max_cpu_s:g} s of CPU"
            return True
        return False


def resident_bytes() -> int:
    """Return the memory that this process holds; where the system does not tell, the most that it ever held."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read(100).split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@lru_cache(maxsize=CACHED_DATABASES)
def set_up(setup: str) -> Database:
    """Make a database by a reference's statements.

    Raises:
        SetupError: If they fail, or take too long.
    """
    if len(setup) > MAX_SETUP_CHARS:
        raise SetupError(f"the setup is longer than {MAX_SETUP_CHARS:,} characters")
    steps = [0]

    def tick() -> int:
        steps[0] += 1
        return int(steps[0] > MAX_SETUP_STEPS // 1_000)

    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(_allow_setup)
        connection.set_progress_handler(tick, 1_000)
        connection.executescript(setup)
        if connection.in_transaction:
            connection.execute("COMMIT")
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        tables, rows, longest = _measured(connection)
        return Database(connection.serialize(), tables, rows, max(MAX_VALUE_BYTES, 2 * longest))
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise SetupError(f"the setup fails: {error}") from error
    finally:
        connection.close()


def _allow_setup(action: int, _first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_PRAGMA:
        return sqlite3.SQLITE_IGNORE  # dumps hold harmless ones
    outside = action == sqlite3.SQLITE_FUNCTION and (second or "").casefold() == "load_extension"
    return sqlite3.SQLITE_DENY if outside or action in _SETUP_REFUSED else sqlite3.SQLITE_OK


def _measured(connection: sqlite3.Connection) -> tuple[frozenset[str], int, int]:
    """Return the tables' names, the number of rows, and the length of the longest row in bytes."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = longest = 0
    for name in names:
        quoted = '"' + name.replace('"', '""') + '"'
        columns = [each[0] for each in connection.execute(f"SELECT * FROM {quoted} LIMIT 0").description or ()]
        cells = ('"' + column.replace('"', '""') + '"' for column in columns)
        length = " + ".join(f"coalesce(length(CAST({cell} AS BLOB)), 0)" for cell in cells) or "0"
        count, most = connection.execute(f"SELECT count(*), coalesce(max({length}), 0) FROM {quoted}").fetchone()
        rows, longest = rows + count, max(longest, most)
    return frozenset(name.casefold() for name in names), rows, longest


def run_query(database: Database, sql: str, max_steps: int, max_cpu_s: float = MAX_CPU_S) -> Result:
    """Run one query.

    Args:
        database: On what.
        sql: One statement that reads.
        max_steps: Most steps of sqlite's machine.
        max_cpu_s: Most CPU seconds.

    Raises:
        LimitError: If it runs past a limit.
        QueryError: If it is wrong or not allowed.
    """
    if len(sql) > MAX_SQL_CHARS:
        raise LimitError(f"the query has {len(sql):,} characters; at most {MAX_SQL_CHARS:,} are run")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(database.image)
        for pragma in ("temp_store = MEMORY", "query_only = ON", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for limit, value in (*_LIMITS, (sqlite3.SQLITE_LIMIT_LENGTH, max(database.value_bytes, 4 * MAX_SQL_CHARS))):
            connection.setlimit(limit, value)
        return _watched(connection, sql, _Guard(database.tables, sql, max_steps, max_cpu_s))
    finally:
        connection.close()


def _watched(connection: sqlite3.Connection, sql: str, guard: _Guard) -> Result:
    for name in ("printf", "format"):
        if name in sql.casefold():
            connection.create_function(name, -1, guard.printf)
    connection.set_authorizer(guard.allow)
    connection.set_progress_handler(guard.tick, STEPS_PER_TICK)
    try:
        rows = _fetched(connection.execute(sql))
    except MemoryError as error:
        raise LimitError("out of memory") from error
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if guard.stopped:
            raise LimitError(guard.stopped) from error
        if guard.refused:
            raise QueryError(guard.refused) from error
        text = str(error)[:200]
        if isinstance(error, LimitError) or any(words in text for words in _TOO_MUCH):
            raise LimitError(text) from error
        raise QueryError(text) from error
    return Result(rows, guard.reads, guard.steps)


def _fetched(cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    if cursor.description is None:
        raise QueryError("the query gives no table")
    rows: list[tuple[Any, ...]] = []
    size = 0
    for row in cursor:
        rows.append(row)
        size += _size(row)
        if len(rows) > MAX_ROWS or size > MAX_RESULT_BYTES:
            raise LimitError(f"the result is larger than {MAX_ROWS:,} rows or {MAX_RESULT_BYTES:,} bytes")
    return rows


def _size(row: Sequence[Any]) -> int:
    return sum(8 + len(cell) if isinstance(cell, (str, bytes)) else 8 for cell in row)
