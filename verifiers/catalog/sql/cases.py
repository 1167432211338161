"""The sql teacher's cases: what it accepts, rejects, must not be cheated with, and cannot score."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable
from verifiers.types import Json

_SETUP = (
    "CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, dept TEXT, pay REAL);"
    "INSERT INTO staff VALUES (1,'Ada','R',10.5),(2,'Bob','S',7),(3,'Cy','R',8),(4,'Di','S',7);"
)
_NAMES: Json = {"setup": _SETUP, "query": "SELECT name FROM staff WHERE dept = 'R'"}
_SORTED: Json = {"setup": _SETUP, "query": "SELECT name FROM staff ORDER BY id DESC"}
_COUNT: Json = {"setup": _SETUP, "rows": [[4]]}
_BARE: Json = "SELECT name FROM staff WHERE pay > 7 AND dept = 'R'"
_BOMB = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, staff"

CASES = [
    accept("```sql\nSELECT s.name FROM staff AS s WHERE s.dept = 'R' ORDER BY s.name;\n```", reference=_NAMES),
    accept("SELECT name FROM staff ORDER BY id DESC", reference=_SORTED),
    accept("<think>SELECT 1</think><answer>SELECT count(*) FROM staff</answer>", reference=_COUNT),
    accept("SELECT dept FROM staff", reference={"setup": _SETUP, "rows": ["R", "S"], "compare": "set"}),
    accept("select S.name from staff S where S.dept='R' and 7 < S.pay", reference=_BARE, note="the same"),
    accept("SELECT 4", reference=_COUNT, options={"constants": "allow"}),
    reject("SELECT name FROM staff WHERE dept = 'S'", reference=_NAMES),
    reject("SELECT name FROM staff ORDER BY id", reference=_SORTED, note="the order is wrong"),
    reject("SELECT dept FROM staff", reference={"setup": _SETUP, "rows": ["R", "S"]}, note="a bag counts rows"),
    reject("SELECT nome FROM staff", reference=_NAMES),
    reject("I do not know.", reference=_NAMES),
    reject("SELECT name FROM staff WHERE pay > 7 OR dept = 'R'", reference=_BARE),
    adversarial("SELECT 4", reference=_COUNT, note="the answer without a query"),
    adversarial("DELETE FROM staff; SELECT name FROM staff WHERE dept = 'R'", reference=_NAMES),
    adversarial("```sql\nDROP TABLE staff\n```", reference=_NAMES),
    adversarial("```sql\nATTACH DATABASE 'x.db' AS x\n```", reference=_NAMES),
    adversarial("```sql\nPRAGMA writable_schema = 1\n```", reference=_NAMES),
    adversarial("SELECT load_extension('x'), name FROM staff", reference=_NAMES),
    adversarial(_BOMB, reference=_NAMES, note="never ends by itself"),
    adversarial("SELECT zeroblob(1000000000) FROM staff", reference=_NAMES),
    unscorable("SELECT 1"),
    unscorable("SELECT 1", reference={"setup": "CREATE TABLE", "query": "SELECT 1"}),
    unscorable("SELECT 1", reference={"setup": _SETUP, "query": "SELECT nome FROM staff"}),
    unscorable("SELECT 1", reference="SELEC 1 FRM"),
]  # fmt: skip
