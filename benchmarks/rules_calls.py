"""The lines of `bench_rules.py` about `tool_call`, `json_schema` and `sql`: verdicts a second, and hostile queries.

The accuracy of `tool_call` is measured by `tests/rules_bar.py`, beside the other teachers'.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from rules_bar import rows

from verifiers.binding import bind
from verifiers.catalog.sql.database import LimitError, run_query, set_up
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample

Row = tuple[str, str, str, bool]

BAR_PER_S = 2_000.0
BAR_QUERY_S = 3.0
"""CPU seconds within which every hostile query must have been ended: well below the teacher's deadline."""
MAX_STEPS = 5_000_000
SETUP = """
CREATE TABLE t (a INTEGER, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, 'x' || i FROM n;
"""
_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
_TEXT = "WITH RECURSIVE n(s, i) AS (SELECT 'a', 1 UNION ALL SELECT substr(s || s, 1, 15000), i + 1 FROM n) "
_DOUBLED = "".join(f", c{i} AS (SELECT x.a FROM c{i - 1} x, c{i - 1} y)" for i in range(1, 40))
HOSTILE_QUERIES = {
    "endless recursion": _COUNT + "SELECT count(*) FROM n",
    "endless rows": _COUNT + "SELECT i FROM n",
    "cartesian product": "SELECT count(*) FROM t a, t b, t c, t d",
    "join of 60": "SELECT count(*) FROM " + ", ".join(f"t t{i}" for i in range(60)),
    "doubled CTEs": f"WITH c0 AS (SELECT a FROM t){_DOUBLED} SELECT count(*) FROM c39",
    "huge blob": "SELECT zeroblob(1000000000) FROM t",
    "wide printf": "SELECT printf('%.*c', 2000000000, 'x') FROM t",
    "growing text": _COUNT + "SELECT group_concat(i) FROM n",
    "sorting long texts": _TEXT + "SELECT s, i FROM n ORDER BY s || i",
    "distinct long texts": _TEXT + "SELECT count(*) FROM (SELECT DISTINCT s || i FROM n)",
    "slow LIKE": _TEXT + "SELECT count(*) FROM n WHERE s LIKE '%" + "a%" * 90 + "b'",
    "slow instr": _TEXT + "SELECT sum(instr(s, substr(s, 1, 7000) || 'b')) FROM n",
    "slow replace": _TEXT + "SELECT count(replace(s, substr(s, 1, 7000) || 'b', '')) FROM n",
    "deep brackets": "SELECT " + "(" * 4000 + "1" + ")" * 4000,
}


def lines(folder: Path) -> Iterator[Row]:
    """Yield (what, bar, measured, whether it holds)."""
    yield _speed("tool_call", bfcl_samples(folder))
    yield _speed("json_schema", _json_samples())
    yield _hostile()


def bfcl_samples(folder: Path) -> list[Sample]:
    """Return BFCL's cases as samples."""
    return [
        Sample(json.dumps(row["call"]), reference={"ground_truth": row["ground_truth"], "functions": row["functions"]})
        for row in rows(folder, "bfcl_ast_cases")
    ]


def _json_samples() -> list[Sample]:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    return [Sample(f'So:\n```json\n{{"id": {i}, "tags": ["a", "b"]}}\n```', reference=schema) for i in range(5_000)]


def _speed(name: str, samples: Sequence[Sample]) -> Row:
    judge = bind(name).teacher
    assert isinstance(judge, BaseTeacher)
    began_s = time.process_time()
    for sample in samples:
        judge.quick(sample)
    rate = len(samples) / (time.process_time() - began_s)
    return f"{name}: speed", f">= {BAR_PER_S:,.0f}/s", f"{rate:,.0f} verdicts/s", rate >= BAR_PER_S


def _hostile() -> Row:
    database = set_up(SETUP)
    slowest, unended = (0.0, ""), []
    for name, query in HOSTILE_QUERIES.items():
        began_s = time.process_time()
        try:
            run_query(database, query, MAX_STEPS)
            unended.append(name)
        except LimitError:
            pass
        slowest = max(slowest, (time.process_time() - began_s, name))
    ended = len(HOSTILE_QUERIES) - len(unended)
    measured = f"{ended} of {len(HOSTILE_QUERIES)} ended by a limit, slowest {slowest[0]:.2f} s CPU ({slowest[1]})"
    return "sql: hostile queries", f"all within {BAR_QUERY_S:g} s", measured, not unended and slowest[0] <= BAR_QUERY_S
