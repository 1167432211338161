"""Finding teachers: by path in a catalog, entry point, file, dotted path."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import toy_teachers

from verifiers import registry
from verifiers.errors import TeacherNotFound, UsageError
from verifiers.loading import locator_of
from verifiers.registry import aliases, catalog_names, find, listings
from verifiers.teacher import TeacherSpec

TEACHER = '''"""Says yes.

More.
"""
from verifiers.teacher import accept, teacher

@teacher(version="1")
def {name}(sample):
    return True

CASES = [accept("x")]
'''


@pytest.fixture
def tree(tmp_path):
    for path in (
        "foo.py",
        "_hidden.py",
        "rules/ifeval.py",
        "rules/_parts/x.py",
        "math/teacher.py",
        "math/parse.py",
        "math/sub/teacher.py",
        "a/same.py",
        "b/same.py",
        "notes.txt",
        "__init__.py",
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise RuntimeError('imported')")
    return tmp_path


def declare(monkeypatch, *points):
    made = [EntryPoint(name, value, registry.ENTRY_POINT_GROUP) for name, value in points]
    monkeypatch.setattr(registry, "declared", lambda: made)


def test_catalog_when_scanned_then_paths_are_ids_and_nothing_is_imported(tree):
    assert catalog_names(tree) == ("a/same", "b/same", "foo", "math", "rules/ifeval")


def test_aliases_when_last_parts_are_unique_then_short_names(tree):
    assert aliases(catalog_names(tree)) == {"foo": "foo", "ifeval": "rules/ifeval", "math": "math"}


def test_catalog_when_file_and_folder_share_an_id_then_refused(tree):
    (tree / "math.py").write_text("")
    with pytest.raises(UsageError, match=r"two teachers have the id 'math'"):
        catalog_names(tree)


@pytest.mark.parametrize("name", catalog_names())
def test_find_when_in_the_catalog_then_named_by_its_path(name):
    spec = find(name)
    assert (spec.name, spec.locator) == (name, name)
    assert spec.doc
    assert spec.cases


@pytest.mark.parametrize(("suffix", "name"), [("", "mine"), (":yes", "yes")])
def test_find_when_a_file_then_an_absolute_locator_finds_it_again(tmp_path, monkeypatch, suffix, name):
    (tmp_path / "mine.py").write_text(TEACHER.format(name="yes"))
    monkeypatch.chdir(tmp_path)
    spec = find("./mine.py" + suffix)
    assert (spec.name, spec.doc, len(spec.cases)) == (name, "Says yes.\n\nMore.", 1)
    assert spec.locator == f"{tmp_path.resolve()}/mine.py:yes"
    monkeypatch.chdir("/")
    assert find(spec.locator).factory is spec.factory


def test_find_when_dotted_then_found_with_and_without_attribute(tmp_path, monkeypatch):
    (tmp_path / "toy_pkg").mkdir()
    (tmp_path / "toy_pkg" / "mod.py").write_text(TEACHER.format(name="yes"))
    monkeypatch.syspath_prepend(tmp_path)
    assert find("toy_pkg.mod").locator == find("toy_pkg.mod:yes").locator == "toy_pkg.mod:yes"
    assert locator_of(sys.modules["toy_pkg.mod"].yes) == "toy_pkg.mod:yes"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("mathh", TeacherNotFound, ["'mathh'", "Did you mean 'math'", "./my_teacher.py"]),
        ("math?preset=gsm8k", TeacherNotFound, ["Give 'math'", "--set KEY=VALUE"]),
        ("mth", TeacherNotFound, ["Did you mean 'math'? Known:"]),
        ("", TeacherNotFound, ["Known:"]),
        ("http://user:secret@host:8000", TeacherNotFound, ["an address is no teacher", "remote_rm"]),
        ("./gone.py", TeacherNotFound, ["gone.py", "No such file"]),
        ("no_such_pkg.mod:x", TeacherNotFound, ["no module 'no_such_pkg'", "PYTHONPATH"]),
        ("toy_teachers:Nope", TeacherNotFound, ["no 'Nope'", "Good"]),
        ("os.path", UsageError, ["holds no teacher", "@teacher"]),
        ("os.path:sep", UsageError, ["is a str"]),
        ("toy_teachers.Good", TeacherNotFound, ["no module"]),
    ],
)
def test_find_when_there_is_none_then_says_what_to_do(name, kind, words):
    with pytest.raises(kind) as caught:
        find(name)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:", ["SyntaxError"]),
        ("import no_such_thing_at_all", ["no_such_thing_at_all"]),
        ("1 / 0", ["ZeroDivisionError"]),
        ("raise SystemExit('usage: bad.py')", ["SystemExit", "usage"]),
        (TEACHER.format(name="a") + TEACHER.format(name="b"), ["several", "a, b", ":a"]),
        (TEACHER.format(name="a").replace('[accept("x")]', "7"), ["CASES"]),
    ],
    ids=["syntax", "import", "raises", "exits", "several", "cases"],
)
def test_find_when_a_file_is_broken_then_usage_error(tmp_path, text, words):
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        find(str(file))
    assert [word for word in [*words, "bad.py"] if word not in str(caught.value)] == []


def test_find_when_two_threads_load_a_file_then_neither_sees_half_of_it(tmp_path):
    file = tmp_path / "slow.py"
    wait = "import time\ntime.sleep(0.3)  # the other thread comes meanwhile\n"
    file.write_text(wait + TEACHER.format(name="slow"))
    with ThreadPoolExecutor(2) as threads:
        names = [spec.name for spec in threads.map(find, [str(file)] * 2)]
    assert names == ["slow", "slow"]


def test_entry_point_when_sound_then_found_and_listed(monkeypatch):
    declare(monkeypatch, ("third/party", "toy_teachers:Good"))
    spec = find("third/party")
    assert isinstance(spec, TeacherSpec)
    assert (spec.name, spec.locator) == ("third/party", "toy_teachers:Good")
    assert [row.error for row in listings() if row.name == "third/party"] == [""]


def test_entry_points_when_broken_or_taken_then_listed_with_the_error(monkeypatch):
    taken = catalog_names()[0]
    declare(
        monkeypatch,
        ("bad", "no_such_pkg:x"),
        (taken, "toy_teachers:Good"),
        ("two", "a:b"),
        ("two", "toy_teachers:Good"),
    )
    errors = {row.name: row.error for row in listings() if row.origin == "entry point"}
    assert "no module 'no_such_pkg'" in errors["bad"]
    assert "catalog" in errors[taken]
    assert "several" in errors["two"]
    assert find(taken).locator == taken
    with pytest.raises(UsageError, match="several distributions"):
        find("two")


def test_listings_when_asked_then_every_catalog_teacher_has_a_summary():
    rows = {row.name: row for row in listings() if row.origin == "catalog"}
    assert sorted(rows) == list(catalog_names())
    assert all(row.summary for row in rows.values())


def test_plain_function_when_named_then_becomes_a_teacher():
    assert find("toy_teachers:plain").build().score([]) == []
    assert locator_of(toy_teachers.plain) == "toy_teachers:plain"


@pytest.mark.parametrize(
    "signature", ["prompts, completions, **kwargs", "data_source, solution_str, ground_truth, extra_info=None", ""]
)
def test_find_when_a_trainers_reward_function_then_refused_with_advice(tmp_path: Path, signature: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"def reward({signature}):\n    return 1.0\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a teacher is f\(sample\)"):
        find(f"{file}:reward")
