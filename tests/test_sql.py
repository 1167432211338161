"""The sql teacher: which queries are right, which limits end the others, what never reaches the database."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.sql.database import LimitError, QueryError, SetupError, run_query, set_up
from verifiers.catalog.sql.results import canonical, difference, rows_of
from verifiers.catalog.sql.syntax import SyntaxFault, one_form
from verifiers.catalog.sql.teacher import SqlTeacher
from verifiers.catalog.sql.text import NoQuery, depth_of, find_query, is_ordered
from verifiers.errors import OptionError
from verifiers.options import build_options
from verifiers.types import Sample, Status

SETUP = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, dept TEXT, pay REAL, boss INTEGER);
INSERT INTO staff VALUES (1,'Ada','R',10.5,NULL),(2,'Bob','S',7,1),(3,'Cy','R',8,1),(4,'Di','S',7,2);
CREATE TABLE dept (code TEXT, title TEXT);
INSERT INTO dept VALUES ('R','Research'),('S','Sales'),('X','Empty');
"""
MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
LONG = "WITH RECURSIVE n(s, i) AS (SELECT 'a', 1 UNION ALL SELECT substr(s || s, 1, 15000), i + 1 FROM n) "
STEPS = 5_000_000


def verdict(completion, query=None, bare=False, **options):
    reference = {"setup": SETUP, "query": query} if isinstance(query, str) and not bare else query
    teacher = SqlTeacher.build(build_options(SqlTeacher, options))
    return teacher.judge(Sample(completion, reference=reference))


def reward(completion, query=None, **options):
    return verdict(completion, query, **options).reward


@pytest.mark.parametrize(
    ("completion", "query"),
    [
        ("SELECT name FROM staff WHERE dept = 'R'", "SELECT name FROM staff WHERE dept = 'R'"),
        ("select NAME from STAFF where dept in ('R');", "SELECT name FROM staff WHERE dept = 'R'"),
        ("SELECT s.name FROM staff s, dept d WHERE s.dept = d.code AND d.title = 'Research'",
         "SELECT name FROM staff WHERE dept = 'R'"),
        ("SELECT count(*) FROM staff", "SELECT count(id) FROM staff"),
        ("SELECT sum(pay) / count(*) FROM staff", "SELECT avg(pay) FROM staff"),
        ("SELECT name FROM staff WHERE boss IS NULL", "SELECT name FROM staff WHERE id = 1"),
        ("SELECT title FROM dept EXCEPT SELECT title FROM dept JOIN staff ON code = dept",
         "SELECT title FROM dept WHERE code NOT IN (SELECT dept FROM staff)"),
        ("WITH r AS (SELECT * FROM staff WHERE dept = 'R') SELECT max(pay) FROM r",
         "SELECT pay FROM staff WHERE dept = 'R' ORDER BY pay DESC LIMIT 1"),
        ("SELECT name, rank() OVER (ORDER BY id) FROM staff", "SELECT name, id FROM staff"),
        ("SELECT 2.0 * id FROM staff", "SELECT 2 * id FROM staff"),
        ("SELECT 0.1 + 0.2 FROM staff", "SELECT 0.3 FROM staff"),
        ("SELECT s.id, j.value FROM staff s, json_each('[1,2]') j",
         "SELECT id, 1 FROM staff UNION ALL SELECT id, 2 FROM staff"),
        ("SELECT printf('%.1f', pay) FROM staff", "SELECT CAST(pay AS TEXT) FROM staff"),
        ("(no brackets needed)\nSELECT id FROM staff", "SELECT id FROM staff"),
        ("-- all of them\nSELECT id FROM staff -- done", "SELECT id FROM staff"),
        ("```sql\nSELECT 1;\n```\nNo, better:\n```sql\nSELECT id FROM staff\n```", "SELECT id FROM staff"),
        ("<think>SELECT 1</think><answer>```sql\nSELECT id FROM staff\n```</answer>", "SELECT id FROM staff"),
        ("<answer>SELECT id FROM staff</answer>", "SELECT id FROM staff"),
        ("The query is\nSELECT id FROM staff;\nwhich lists them.", "SELECT id FROM staff"),
        ("SQL: SELECT id FROM staff", "SELECT id FROM staff"),
    ],
)  # fmt: skip
def test_query_when_its_result_is_right_then_paid(completion, query):
    assert reward(completion, query) == 1.0


@pytest.mark.parametrize(
    ("completion", "status"),
    [
        ("", Status.UNPARSABLE),
        ("I cannot.", Status.UNPARSABLE),
        ("<think>SELECT id FROM staff", Status.UNPARSABLE),
        ("<think>SELECT id FROM staff</think>", Status.UNPARSABLE),
        ("SELECT name FROM staff", Status.INCORRECT),
        ("SELECT id, id FROM staff", Status.INCORRECT),
        ("SELECT id FROM staff LIMIT 3", Status.INCORRECT),
        ("SELECT id FROM staff UNION ALL SELECT 1", Status.INCORRECT),
        ("SELECT CAST(id AS TEXT) FROM staff", Status.INCORRECT),
        ("SELECT id FROM nobody", Status.INCORRECT),
        ("SELECT id FORM staff", Status.INCORRECT),
        ("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4", Status.INCORRECT),
        ("WITH staff AS (SELECT 1 AS id UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) SELECT id FROM staff",
         Status.INCORRECT),
        ("SELECT value FROM json_each('[1,2,3,4]')", Status.INCORRECT),
        ("VALUES (1), (2), (3), (4)", Status.INCORRECT),
        ("SELECT id FROM staff; DROP TABLE staff", Status.INCORRECT),
        ("SELECT id FROM staff WHERE random() <> 0", Status.INCORRECT),
        ("SELECT id FROM staff WHERE load_extension('x') IS NULL", Status.INCORRECT),
        ("```sql\nINSERT INTO staff (id) VALUES (9)\n```", Status.INCORRECT),
        ("WITH x AS (SELECT 1) DELETE FROM staff", Status.INCORRECT),
        ("```sql\nPRAGMA query_only = OFF\n```", Status.INCORRECT),
        ("```sql\nATTACH 'x.db' AS y\n```", Status.INCORRECT),
        ("```sql\nVACUUM INTO 'x.db'\n```", Status.INCORRECT),
        ("```sql\nCREATE TEMP TABLE x AS SELECT 1\n```", Status.INCORRECT),
        ("```sql\nUPDATE sqlite_master SET sql = '' -- json_each\n```", Status.INCORRECT),
        ("```sql\nEXPLAIN SELECT id FROM staff\n```", Status.INCORRECT),
        ("SELECT id FROM staff WHERE name = '\ud800'", Status.INCORRECT),
        ("SELECT id FROM staff \x00", Status.INCORRECT),
        (MANY + "SELECT i FROM n, staff", Status.LIMIT_EXCEEDED),
        (MANY + "SELECT count(*) FROM n, staff", Status.LIMIT_EXCEEDED),
        (MANY + "SELECT group_concat(i) FROM n, staff", Status.LIMIT_EXCEEDED),
        (LONG + "SELECT s, i FROM n ORDER BY s || i", Status.LIMIT_EXCEEDED),
        (LONG + "SELECT count(*) FROM (SELECT DISTINCT s || i FROM n)", Status.LIMIT_EXCEEDED),
        ("SELECT " + " + ".join(["1"] * 2000) + " FROM staff", Status.LIMIT_EXCEEDED),
        ("SELECT " + "(" * 2000 + "1" + ")" * 2000, Status.LIMIT_EXCEEDED),
        ("SELECT zeroblob(1000000000) FROM staff", Status.LIMIT_EXCEEDED),
        ("SELECT hex(zeroblob(30000)) FROM staff", Status.LIMIT_EXCEEDED),
        ("SELECT printf('%1000000000d', id) FROM staff", Status.LIMIT_EXCEEDED),
        ("SELECT printf('%.*c', 2000000000, 'x') FROM staff", Status.LIMIT_EXCEEDED),
        ("SELECT count(*) FROM " + ", ".join(f"staff s{i}" for i in range(30)), Status.LIMIT_EXCEEDED),
        ("SELECT id FROM staff WHERE name = '" + "x" * 20_000 + "'", Status.LIMIT_EXCEEDED),
        ("WITH c0 AS (SELECT id FROM staff)"
         + "".join(f", c{i} AS (SELECT x.id FROM c{i - 1} x, c{i - 1} y)" for i in range(1, 40))
         + " SELECT count(*) FROM c39", Status.LIMIT_EXCEEDED),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_query_when_wrong_or_hostile_then_judged_zero(completion, status):
    found = verdict(completion, "SELECT id FROM staff")
    assert (found.status, found.reward) == (status, 0.0)
    assert found.reason


def test_database_when_a_query_was_refused_then_is_unchanged():
    for statement in ("DELETE FROM staff", "DROP TABLE staff", "UPDATE staff SET id = id + 10"):
        assert reward(f"```sql\n{statement}\n```", "SELECT id FROM staff") == 0.0
        assert reward("SELECT id FROM staff", "SELECT id FROM staff") == 1.0


@pytest.mark.parametrize(
    ("query", "compare", "completion", "right"),
    [
        ("SELECT id FROM staff ORDER BY id", "auto", "SELECT id FROM staff ORDER BY id DESC", 0.0),
        ("SELECT id FROM staff ORDER BY id", "bag", "SELECT id FROM staff ORDER BY id DESC", 1.0),
        ("SELECT id FROM staff", "auto", "SELECT id FROM staff ORDER BY id DESC", 1.0),
        ("SELECT id FROM staff", "order", "SELECT id FROM staff ORDER BY id DESC", 0.0),
        ("SELECT DISTINCT dept FROM staff", "auto", "SELECT dept FROM staff", 0.0),
        ("SELECT DISTINCT dept FROM staff", "set", "SELECT dept FROM staff", 1.0),
        ("SELECT id FROM (SELECT id FROM staff ORDER BY id)", "auto", "SELECT id FROM staff ORDER BY -id", 1.0),
    ],
)
def test_rows_when_compared_then_as_the_option_says(query, compare, completion, right):
    assert reward(completion, query, compare=compare) == right
    assert reward(completion, {"setup": SETUP, "query": query, "compare": compare}) == right


@pytest.mark.parametrize(
    ("rows", "completion", "right"),
    [
        ([["Ada"], ["Cy"]], "SELECT name FROM staff WHERE dept = 'R'", 1.0),
        (["Ada", "Cy"], "SELECT name FROM staff WHERE dept = 'R'", 1.0),
        ([{"n": "Cy"}, {"n": "Ada"}], "SELECT name FROM staff WHERE dept = 'R'", 1.0),
        ([[1, None]], "SELECT id, boss FROM staff WHERE id = 1", 1.0),
        ([[1, 0]], "SELECT id, boss FROM staff WHERE id = 1", 0.0),
        ([[10.5]], "SELECT max(pay) FROM staff", 1.0),
        ([[True]], "SELECT count(*) = 4 FROM staff", 1.0),
        ([], "SELECT id FROM staff WHERE id > 9", 1.0),
        ([[4]], "SELECT 4", 0.0),
        ([["4"]], "SELECT count(*) FROM staff", 0.0),
    ],
)
def test_expected_rows_when_given_then_compared_by_value(rows, completion, right):
    assert reward(completion, {"setup": SETUP, "rows": rows}) == right


def test_setups_when_several_then_all_must_agree():
    other = SETUP.replace("(4,'Di','S',7,2)", "(4,'Di','R',7,2)")
    reference = {"setups": [SETUP, other], "query": "SELECT id FROM staff WHERE dept = 'R'"}
    assert reward("SELECT id FROM staff WHERE dept <> 'S'", reference) == 1.0
    found = verdict("SELECT id FROM staff WHERE id IN (1, 3)", reference)
    assert [part.reward for part in found.parts] == [1.0, 0.0]


@pytest.mark.parametrize(
    "reference",
    [
        None,
        3,
        "",
        {},
        {"setup": SETUP},
        {"setup": "CREATE TABLE", "query": "SELECT 1"},
        {"setup": "ATTACH 'x.db' AS y; CREATE TABLE t (a)", "query": "SELECT 1"},
        {"setup": SETUP, "query": "SELECT nome FROM staff"},
        {"setup": SETUP, "query": "DROP TABLE staff"},
        {"setup": SETUP, "query": MANY + "SELECT count(*) FROM n"},
        {"setup": SETUP, "rows": "all"},
        {"setup": SETUP, "rows": [[[1]]]},
        {"setup": SETUP, "query": "SELECT 1", "rows": [[1]]},
        {"setup": SETUP, "query": "SELECT 1", "compare": "sorted"},
        {"setup": SETUP, "query": "SELECT 1", "gold": 1},
        {"rows": [[1]]},
        "SELEC 1 FRM",
        "{",
    ],
    ids=lambda value: str(value)[:40],
)
def test_reference_when_it_cannot_be_used_then_not_judged(reference):
    for completion in ("SELECT id FROM staff", "no query"):
        assert verdict(completion, reference, bare=True).status is Status.BAD_REFERENCE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT a FROM t", "select A from T;", True),
        ("SELECT a FROM t WHERE a > 1 AND b = 2", "SELECT t.a FROM t WHERE 2 = t.b AND (1 < t.a)", True),
        ("SELECT T1.a FROM x AS T1 JOIN y AS T2 ON T1.id = T2.id",
         "SELECT x.a FROM x INNER JOIN y ON y.id = x.id", True),
        ("SELECT count(*) AS n FROM t GROUP BY a ORDER BY n",
         "SELECT COUNT(*) FROM t GROUP BY a ORDER BY COUNT(*) ASC", True),
        ("SELECT a FROM t WHERE a IN (1, 2)", "SELECT a FROM t WHERE a IN (2, 1)", True),
        ("SELECT a FROM t WHERE a <> 1", "SELECT a FROM t WHERE a != 1", True),
        ("SELECT a + (b + c) FROM t", "SELECT (c + b) + a FROM t", True),
        ("SELECT a FROM t WHERE a = 1 OR (b = 2 AND c = 3)", "SELECT a FROM t WHERE a = 1 OR c = 3 AND 2 = b", True),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC", False),
        ("SELECT a, b FROM t", "SELECT b, a FROM t", False),
        ("SELECT a - b FROM t", "SELECT b - a FROM t", False),
        ("SELECT a - (b - c) FROM t", "SELECT a - b - c FROM t", False),
        ("SELECT a * (b + c) FROM t", "SELECT a * b + c FROM t", False),
        ("SELECT a FROM t WHERE a = 1 OR b = 2 AND c = 3", "SELECT a FROM t WHERE (a = 1 OR b = 2) AND c = 3", False),
        ("SELECT a FROM t WHERE NOT (a = 1 OR b = 1)", "SELECT a FROM t WHERE NOT a = 1 OR b = 1", False),
        ("SELECT 'A' FROM t", "SELECT 'a' FROM t", False),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM t", False),
        ("SELECT x.a FROM t x JOIN t y ON x.a = y.b", "SELECT y.a FROM t x JOIN t y ON x.a = y.b", False),
        ("SELECT a FROM t UNION SELECT b FROM u", "SELECT a FROM t UNION ALL SELECT b FROM u", False),
        ("SELECT a FROM t LIMIT 1", "SELECT a FROM t LIMIT 2", False),
        ("SELECT a FROM t LEFT JOIN u ON t.x = u.x", "SELECT a FROM t JOIN u ON t.x = u.x", False),
    ],
)  # fmt: skip
def test_syntax_when_there_is_no_database_then_only_spelling_is_forgiven(one, other, same):
    assert (one_form(one, "sqlite") == one_form(other, "sqlite")) is same
    assert reward(other, one, bare=True) == float(same)


def test_setup_when_it_holds_no_rows_then_the_syntax_decides():
    reference = {"setup": "CREATE TABLE t (a, b)", "query": "SELECT a FROM t WHERE b = 1"}
    assert reward("SELECT a FROM t WHERE b = 2", reference) == 0.0
    assert reward("SELECT t.a FROM t WHERE 1 = b", reference) == 1.0
    assert reward("SELECT a FROM t WHERE b = 2", reference, mode="execute") == 1.0


@pytest.mark.parametrize(
    "query", ["SELECT " + "- " * 4000 + "1", "SELECT " + "(" * 50 + "1" + ")" * 50, "SELECT 1" * 2000]
)
def test_syntax_when_beyond_the_limits_then_said(query):
    with pytest.raises(SyntaxFault) as caught:
        one_form(query, "sqlite")
    assert caught.value.limit


def test_several_queries_when_refused_then_none_is_read():
    completion = "```sql\nSELECT 1\n```\n```sql\nSELECT 2\n```"
    assert find_query(completion, "last") == "SELECT 2"
    with pytest.raises(NoQuery, match="2 queries"):
        find_query(completion, "refuse")


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t order\n by a", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT 'ORDER BY' FROM t", False),
        ('SELECT "ORDER BY" FROM t', False),
        ("SELECT a FROM t -- ORDER BY a", False),
        ("SELECT a /* ORDER BY */ FROM t", False),
        ("SELECT rank() OVER (ORDER BY a) FROM t", False),
        ("SELECT a FROM t WHERE b = 'it''s' ORDER BY a", True),
    ],
)
def test_is_ordered_when_only_the_outermost_counts(query, ordered):
    assert is_ordered(query) is ordered


def test_options_when_digits_are_out_of_range_then_refused():
    with pytest.raises(OptionError, match="digits"):
        build_options(SqlTeacher, {"digits": 0})


def test_set_up_when_it_never_ends_then_refused():
    with pytest.raises(SetupError):
        set_up("CREATE TABLE t (a); INSERT INTO t " + MANY + "SELECT i FROM n")


def test_run_query_when_limits_are_tight_then_steps_decide():
    database = set_up(SETUP)
    assert len(run_query(database, "SELECT * FROM staff", STEPS).rows) == 4
    with pytest.raises(LimitError, match="steps"):
        run_query(database, MANY + "SELECT max(i) FROM n", 1_000)
    with pytest.raises(QueryError, match="no such column"):
        run_query(database, "SELECT nome FROM staff", STEPS)


LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
CELLS = st.none() | st.integers(-(2**40), 2**40) | st.text(LETTERS, max_size=5)
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=6)


@given(ROWS, st.randoms(use_true_random=False))
def test_difference_when_rows_are_shuffled_then_none_in_a_bag(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert difference(shuffled, rows, "bag") == ""
    assert difference(shuffled + rows, rows, "set") == ""
    assert (difference(shuffled, rows, "order") == "") is (shuffled == rows)
    assert rows_of(rows) == rows


@given(ROWS)
def test_rows_when_stored_and_read_then_canonical_is_the_same(rows):
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        read = connection.execute("SELECT a, b FROM t").fetchall()
    connection.close()
    assert difference(canonical(read, 10), canonical(rows, 10), "order") == ""


@given(st.text(alphabet="SELECTorderby()'\"-/*`[] \n;", max_size=80))
def test_text_when_anything_then_depth_and_order_are_found(text):
    assert 0 <= depth_of(text) <= text.count("(")
    assert is_ordered(text) in (True, False)


@given(st.text(max_size=80))
def test_completion_when_anything_then_never_paid(text):
    assert reward(text, "SELECT id, name FROM staff") == 0.0
