"""Options from text, JSON and YAML."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.config import load_config, parse_assignments
from verifiers.errors import InputError, OptionError
from verifiers.options import build_options, describe_options, option_docs, option_values
from verifiers.teacher import NoOptions, TeacherSpec


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Options:
    """Of a test.

    Attributes:
        flag: Whether.
        count: How many,
            at most.
        ratio, limit: Two numbers.
        mode: (strict by default) How.

    Raises:
        ValueError: Never: is not an option.
    """

    flag: bool = False
    count: int = 3
    ratio: float = 0.5
    limit: float | None = None
    name: str = "x"
    mode: Literal["strict", "off", "as_is"] = "strict"
    level: Literal[1, 2] = 1
    colour: Colour = Colour.RED
    tags: tuple[str, ...] = ()
    sizes: tuple[int, ...] = field(default_factory=lambda: (1, 2))

    def __post_init__(self) -> None:
        if self.count > 100:
            raise ValueError("count is at most 100")


SPEC = TeacherSpec("toy", "1", Options, lambda options: None, presets={"big": {"count": 50, "mode": "off"}})  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("flag", "yes", True),
        ("flag", "OFF", False),
        ("flag", True, True),
        ("count", "12", 12),
        ("count", "-1_000", -1000),
        ("count", 2.0, 2),
        ("ratio", "1e-3", 0.001),
        ("ratio", 2, 2.0),
        ("limit", "none", None),
        ("limit", None, None),
        ("limit", "7", 7.0),
        ("name", "none", "none"),
        ("name", "", ""),
        ("name", 7, "7"),
        ("mode", "off", "off"),
        ("mode", False, "off"),
        ("mode", "As-Is", "as_is"),
        ("level", "2", 2),
        ("level", 2, 2),
        ("colour", "green", Colour.GREEN),
        ("tags", "a, b,", ("a", "b")),
        ("tags", '["a,b"]', ("a,b",)),
        ("tags", ["a"], ("a",)),
        ("tags", "", ()),
        ("sizes", "3,4", (3, 4)),
    ],
)
def test_build_options_when_it_fits_then_typed(key, value, wanted):
    found = getattr(build_options(SPEC, {key: value}), key)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"flag": "perhaps"}, ["flag = 'perhaps'", "true or false"]),
        ({"flag": 3}, ["true or false"]),
        ({"count": "1.5"}, ["whole number"]),
        ({"count": True}, ["whole number"]),
        ({"count": "9" * 5000}, ["whole number"]),
        ({"ratio": "nan"}, ["finite"]),
        ({"ratio": 10**400}, ["finite"]),
        ({"limit": "x"}, ["number", "or none"]),
        ({"name": True}, ["text"]),
        ({"name": ["a"]}, ["text"]),
        ({"mode": "lax"}, ["strict, off, as_is"]),
        ({"mode": True}, ["strict, off, as_is"]),
        ({"level": 3}, ["1, 2"]),
        ({"colour": "blue"}, ["red, green"]),
        ({"tags": 5}, ["list"]),
        ({"tags": "[1"}, ["JSON list"]),
        ({"cuont": 1}, ["no option 'cuont'", "Did you mean 'count'", "flag, count", "preset"]),
        ({"preset": "bgi"}, ["no preset 'bgi'", "Did you mean 'big'", "Allowed: big"]),
        ({"count": 101}, ["toy", "at most 100"]),
    ],
    ids=str,
)
def test_build_options_when_it_does_not_fit_then_says_what_is_allowed(values, words):
    with pytest.raises(OptionError) as caught:
        build_options(SPEC, values)
    assert [word for word in words if word not in str(caught.value)] == []


def test_build_options_when_preset_then_explicit_values_win():
    built = build_options(SPEC, {"preset": "big", "count": "7"})
    assert (built.count, built.mode) == (7, "off")  # type: ignore[attr-defined]


def test_build_options_when_there_are_none_then_says_so():
    spec = TeacherSpec("bare", "1", NoOptions, lambda options: None)  # type: ignore[arg-type,return-value]
    assert build_options(spec, {}) == NoOptions()
    with pytest.raises(OptionError, match="It has no options"):
        build_options(spec, {"a": 1})
    with pytest.raises(OptionError, match="has no presets"):
        build_options(spec, {"preset": "a"})


def test_build_options_when_origin_is_known_then_named_in_the_error():
    with pytest.raises(OptionError, match=r"^conf.yaml:3: toy: count"):
        build_options(SPEC, {"count": "x"}, {"count": "conf.yaml:3"})


@given(
    st.builds(
        Options,
        count=st.integers(-(10**9), 100),
        ratio=st.floats(allow_nan=False, allow_infinity=False),
        limit=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        name=st.text(),
        mode=st.sampled_from(["strict", "off", "as_is"]),
        tags=st.lists(st.text()).map(tuple),
        colour=st.sampled_from(Colour),
    )
)
def test_option_values_when_built_again_then_equal(options):
    assert build_options(SPEC, option_values(options)) == options


def test_describe_options_when_asked_then_one_row_each_with_doc():
    rows = {row.name: row for row in describe_options(SPEC)}
    assert list(rows) == list(Options.__dataclass_fields__)
    assert (rows["flag"].type, rows["flag"].choices, rows["flag"].default) == (
        "true or false",
        ("true", "false"),
        "false",
    )
    assert rows["count"].doc == "How many, at most."
    assert rows["limit"].doc == rows["ratio"].doc == "Two numbers."
    assert (rows["limit"].type, rows["limit"].default) == ("number or none", "none")
    assert (rows["mode"].type, rows["mode"].choices) == ("one of strict, off, as_is", ("strict", "off", "as_is"))
    assert (rows["sizes"].type, rows["sizes"].default) == ("list of whole number", "1,2")
    assert rows["colour"].default == "red"
    assert "ValueError" not in option_docs(Options)


def test_describe_options_when_a_type_is_not_allowed_then_type_error():
    @dataclass(frozen=True)
    class Bad:
        wild: dict = field(default_factory=dict)

    with pytest.raises(TypeError, match="dict"):
        describe_options(TeacherSpec("bad", "1", Bad, lambda options: None))  # type: ignore[arg-type,return-value]


def test_parse_assignments_when_sound_then_split_at_the_first_equals():
    assert parse_assignments(("a=b=c", "x-y= 1 ", "a=2")) == {"a": "2", "x_y": "1"}


@pytest.mark.parametrize("text", ["a", "=b", " =b", ""])
def test_parse_assignments_when_not_key_value_then_says_the_form(text):
    with pytest.raises(OptionError, match="key=value"):
        parse_assignments((text,))


@pytest.mark.parametrize(
    ("name", "text", "task", "options"),
    [
        ("a.yaml", "task: math\nset:\n  percent: strict\n", "math", {"percent": "strict"}),
        ("a.yaml", "percent: off\ncount: 3\n", None, {"percent": False, "count": 3}),
        ("a.yaml", "", None, {}),
        ("a.yaml", "task: math\n", "math", {}),
        ("a.yaml", "task: math\nset:\n", "math", {}),
        ("a.json", '\ufeff{"task": "math", "set": {"a": [1]}}', "math", {"a": [1]}),
        ("a.json", '{"a": null}', None, {"a": None}),
    ],
)
def test_load_config_when_sound_then_task_and_options(tmp_path, name, text, task, options):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    found = load_config(file)
    assert (found.task, found.options) == (task, options)


def test_load_config_when_yaml_then_lines_are_known(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("task: math\nset:\n  percent: strict\n  count: 3\n")
    assert load_config(file).origins == {"percent": f"{file}:3", "count": f"{file}:4"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", "a: 1\nb: [1\n", ":3: not YAML"),
        ("a.yaml", "a: 1\na: 2\n", ":2: 'a' is given twice"),
        ("a.yaml", "- a\n", "mapping"),
        ("a.yaml", "a: !!python/object/apply:os.system ['true']\n", "not YAML"),
        ("a.yaml", "task: 3\n", ":1: task"),
        ("a.yaml", "set: 3\n", ":1: 'set'"),
        ("a.yaml", "set: {a: 1}\nb: 2\n", ":2: 'b' stands beside"),
        ("a.json", '{\n"a": }', ":2: not JSON"),
        ("a.json", "\udcff", "UTF-8"),
    ],
)
def test_load_config_when_broken_then_file_and_line(tmp_path, name, text, words):
    file = tmp_path / name
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OptionError) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


def test_load_config_when_there_is_no_file_then_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load_config(tmp_path / "gone.yaml")
