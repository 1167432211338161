"""`compose`: many teachers as one; what a plan may say, what it makes of the members' verdicts."""

import json
import pickle
from pathlib import Path

import pytest
import toy_teachers
from hypothesis import given
from hypothesis import strategies as st

from verifiers.binding import bind, rebuild
from verifiers.compose import compose, member
from verifiers.compose.combine import combine
from verifiers.compose.composed import Composed, column
from verifiers.compose.plan import Member, Next, Plan
from verifiers.compose.reading import read_plan
from verifiers.config import load_config
from verifiers.errors import InputError, OptionError, UsageError
from verifiers.options import build_options, option_values
from verifiers.registry import find
from verifiers.scoring import Scorer, score
from verifiers.teacher import BaseTeacher
from verifiers.types import Part, Sample, Status, Verdict

BOXED = "so \\boxed{42}"


def verdict(reward: float | None, **more: object) -> Verdict:
    if reward is None:
        return Verdict(None, Status.BAD_REFERENCE, "no reference")
    status = Status.CORRECT if reward >= 1 else Status.INCORRECT if reward <= 0 else Status.PARTIAL
    return Verdict(reward, more.pop("status", status), "why", **more)  # type: ignore[arg-type]


def combined(plan: Plan, *rewards: float | Verdict | None) -> Verdict:
    said = [each if isinstance(each, Verdict) else verdict(each) for each in rewards]
    found = combine(plan, lambda index: said[index])
    assert found is not None
    return found


def plan(how: str, *members: Member, **more: str) -> Plan:
    return Plan(members, how, **more)  # type: ignore[arg-type]


def weights(*values: float, **more: str) -> Plan:
    return plan("weighted", *(Member(f"m{i}", "math", weight=value) for i, value in enumerate(values)), **more)


TWO = (Member("a", "math"), Member("b", "math"))


@pytest.mark.parametrize(
    ("made", "rewards", "expected"),
    [
        (weights(3, 1), (1, 0), 0.75),
        (weights(0.1, 0.2, 0.7), (1, 1, 1), 1.0),
        (weights(1, 0), (0.5, 1), 0.5),
        (weights(2, 1, total="sum"), (1, 0.5), 2.5),
        (weights(2, -1, total="sum"), (1, 1), 1.0),
        (weights(1, 1), (1, None), None),
        (weights(1, 0), (1, None), 1.0),
        (weights(3, 1, missing="renormalise"), (None, 0.5), 0.5),
        (weights(3, 1, 4, missing="renormalise"), (1, None, 0), 3 / 7),
        (weights(3, 1, missing="renormalise"), (None, None), None),
        (weights(3, 1, total="sum", missing="renormalise"), (None, 0.5), 2.0),
        (plan("min", *TWO), (1, 0.25), 0.25),
        (plan("max", *TWO), (1, 0.25), 1.0),
        (plan("product", *TWO), (0.5, 0.25), 0.125),
        (plan("min", *TWO), (0, None), None),
        (plan("min", *TWO, missing="renormalise"), (0.5, None), 0.5),
    ],
)
def test_combine_when_rewards_are_given_then_by_the_formula(made, rewards, expected):
    found = combined(made, *rewards)
    assert found.reward == expected
    assert [part.reward for part in found.parts] == list(rewards)


GATED = plan("weighted", Member("form", "format", gate=1.0, weight=0.0), Member("math", "math"))
TWO_GATES = plan("weighted", Member("g", "math", gate=0.5, weight=1.0), Member("h", "math", gate=1.0, weight=0.0))


@pytest.mark.parametrize(
    ("made", "rewards", "expected"),
    [
        (GATED, (1, 0.5), 0.5),
        (GATED, (0.9, 1), 0.0),
        (GATED, (None, 1), None),
        (TWO_GATES, (0.5, 1), 0.5),
        (TWO_GATES, (0.4, 1), 0.0),
        (TWO_GATES, (None, 0), 0.0),
        (TWO_GATES, (None, 1), None),
    ],
)
def test_gate_when_asked_then_decides(made, rewards, expected):
    for missing in ("void", "renormalise"):
        assert combined(Plan(made.members, "weighted", missing), *rewards).reward == expected


def test_gate_when_shut_then_the_others_are_not_asked_and_it_is_said():
    asked = []
    found = combine(GATED, lambda index: (asked.append(index), verdict(0.0))[1])
    assert asked == [0]
    assert found is not None
    assert found.reason.startswith("the gate form did not pass (0 < 1); form: why")
    assert [(part.name, part.reward) for part in found.parts] == [("form", 0.0), ("math", None)]
    assert found.parts[1].details == {"asked": False}


def cascade(onward: Next, missing: str = "void") -> Plan:
    return plan("cascade", Member("cheap", "math", onward=onward), Member("dear", "math"), missing=missing)


UNPARSABLE = verdict(0.0, status=Status.UNPARSABLE)


@pytest.mark.parametrize(
    ("onward", "rewards", "expected", "asked"),
    [
        (Next(), (0.0, 1.0), 0.0, 1),
        (Next(), (None, 0.5), 0.5, 2),
        (Next(below=1.0), (0.5, 0.25), 0.25, 2),
        (Next(below=1.0), (1.0, 0.25), 1.0, 1),
        (Next(above=0.9), (1.0, 0.25), 0.25, 2),
        (Next(above=0.1, below=0.9), (0.5, 1.0), 1.0, 2),
        (Next(above=0.1, below=0.9), (0.0, 1.0), 0.0, 1),
        (Next(statuses=("unparsable",)), (UNPARSABLE, 1.0), 1.0, 2),
        (Next(statuses=("unparsable",)), (0.0, 1.0), 0.0, 1),
        (Next(below=1.0), (0.5, None), None, 2),
    ],
)
def test_cascade_when_asked_then_goes_on_only_as_told(onward, rewards, expected, asked):
    found = combined(cascade(onward), *rewards)
    assert found.reward == expected
    assert sum(part.details != {"asked": False} for part in found.parts) == asked


def test_cascade_when_the_last_is_not_judged_then_the_one_before_decides_if_so_told():
    found = combined(cascade(Next(below=1.0), "renormalise"), 0.5, None)
    assert (found.reward, found.reason) == (0.5, "decided by cheap: why")
    assert combined(cascade(Next(), "renormalise"), None, None).reward is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 1000)), min_size=1, max_size=8))
def test_weighted_mean_when_rewards_lie_in_0_to_1_then_it_does(pairs):
    found = combined(weights(*(weight for _, weight in pairs)), *(reward for reward, _ in pairs))
    rewards = [reward for reward, _ in pairs]
    assert found.reward is not None
    assert min(rewards) - 1e-9 <= found.reward <= max(rewards) + 1e-9


def test_weighted_mean_when_all_are_full_then_exactly_full():
    assert combined(weights(0.1, 0.7, 0.3), 1.0, 1.0, 1.0).status is Status.CORRECT


def test_parts_when_members_have_parts_then_named_below_them():
    inner = Verdict(0.5, Status.PARTIAL, "half", "x", (Part("rule", 0.0, "short", 2.0, {"span": [1, 2]}),))
    found = combined(plan("min", *TWO), inner, 1.0)
    assert [part.name for part in found.parts] == ["a", "a/rule", "b"]
    assert found.parts[1] == Part("a/rule", 0.0, "short", 2.0, {"span": [1, 2]})
    assert found.answer == "x"


# From plans.

MISTAKES = """\
how: weigthed
teachers:
  - {teacher: maths}
  - teacher: math
    wieght: 2
    set:
      percent: strickt
  - teacher: math
    name: other
    next: {below: x}
    weight: heavy
  - {teacher: math, name: a/b}
  - {teacher: math, name: third, reference: answer}
  - {name: nobody}
"""


def test_plan_when_wrong_then_every_mistake_has_file_line_column_and_key(tmp_path: Path):
    path = tmp_path / "bad.yaml"
    path.write_text(MISTAKES)
    with pytest.raises(OptionError) as caught:
        build_options(find("compose"), {"compose": str(path)})
    lines = str(caught.value).splitlines()
    said = [line.removeprefix(f"{path}:") for line in lines]
    assert [line.split(": ")[:2] for line in said] == [
        ["1:6", "how"],
        ["3:15", "teachers[0].teacher"],
        ["5:5", "teachers[1].wieght"],
        ["7:7", "teachers[1].set.percent"],
        ["10:5", "teachers[2].next"],
        ["10:19", "teachers[2].next.below"],
        ["11:13", "teachers[2].weight"],
        ["12:27", "teachers[3].name"],
        ["13:45", "teachers[4].reference"],
        ["14:5", "teachers[5]"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "a plan has 'teachers'"),
        ("{teachers: []}", "a plan has 'teachers'"),
        ("{teachers: [math, math]}", "two teachers are called 'math'"),
        ("{teachers: [{teacher: math, weight: 0}]}", "every weight is 0"),
        ("{teachers: [{teacher: math, weight: -1}]}", "a mean has no negative weights"),
        ("{teachers: [{teacher: math, weight: 10000000}]}", "a weight is at most 1,000,000"),
        ("{teachers: [{teacher: math, weight: .nan}]}", "is not a number"),
        ("{how: min, teachers: [{teacher: math, weight: 2}]}", "only means something with how: weighted"),
        ("{how: min, total: sum, teachers: [math]}", "only means something with how: weighted"),
        ("{how: cascade, teachers: [{teacher: math, gate: true}]}", "needs a teacher that is no gate"),
        ("{how: cascade, teachers: [{teacher: math, next: {statuses: [wrong]}}, format]}", "'wrong' is no status"),
        ("{teachers: [{teacher: math, set: [1]}]}", "is not a mapping of options"),
        ("{set: {teachers: [math]}, how: min}", "stands beside 'set'"),
        (json.dumps({"teachers": [{"teacher": "math", "name": f"m{i}"} for i in range(65)]}), "may have 64 teachers"),
        ("{teachers: [[math]]}", "a list is not a teacher's name"),
        ("{teachers: [math", "not YAML"),
    ],
)
def test_plan_when_it_cannot_work_then_refused(text: str, told: str):
    with pytest.raises(OptionError, match=told.replace("(", r"\(")):
        read_plan(text + "\n")


@pytest.mark.parametrize("written", ["", "rules: [{contans: x}]\n"])
def test_plan_when_a_member_cannot_be_built_then_its_place_is_said(written: str, tmp_path: Path):
    path = tmp_path / "plan.yaml"
    path.write_text("teachers:\n  - math\n  - {teacher: rules, set: {rules: mine.yaml}}\n")
    if written:
        (tmp_path / "mine.yaml").write_text(written)
    with pytest.raises(OptionError) as caught:
        read_plan(str(path))
    assert str(caught.value).startswith(f"{path}:3:27: teachers[1].set: ")
    assert "mine.yaml" in str(caught.value)


def test_plan_file_when_missing_or_empty_then_said(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read the plan"):
        read_plan(str(tmp_path / "none.yaml"))
    empty = tmp_path / "empty.yaml"
    empty.write_text("# nothing\n" * 0)
    with pytest.raises(OptionError, match="the file is empty"):
        read_plan(str(empty))


NESTED = """
how: gated
teachers:
  - {teacher: format, set: {tags: think}}
  - how: max
    name: either
    weight: 2
    missing: renormalise
    teachers:
      - math
      - {teacher: math, name: second, reference: meta.second, set: {percent: strict}}
  - {teacher: math, name: third, weight: 0.5, reference: none}
"""


def test_plan_when_written_out_then_reads_as_itself():
    made = read_plan(NESTED)
    assert made.members[0].gate == 1.0
    assert made.members[0].weight == 0.0
    assert read_plan(made.text()) == made
    built = build_options(find("compose"), {"compose": NESTED})
    assert build_options(find("compose"), option_values(built)) == built


def test_plan_when_it_names_files_then_they_are_found_beside_it(tmp_path: Path):
    (tmp_path / "mine.py").write_text(
        "from verifiers.teacher import teacher\n\n\n@teacher(version='7', bounded=True)\ndef mine(sample):\n"
        "    '''Pays.'''\n    return 1.0\n"
    )
    path = tmp_path / "plan.yaml"
    path.write_text("teachers: [{teacher: mine.py}]\n")
    (each,) = read_plan(str(path)).members
    assert (each.name, each.version, each.teacher) == ("mine", "7", f"{tmp_path / 'mine.py'}:mine")
    assert score([("x", None)], "compose", compose=str(path))[0].reward == 1.0


def test_config_file_when_it_is_a_plan_then_verify_score_takes_it(tmp_path: Path):
    from verifiers.cli.task import find_task

    path = tmp_path / "plan.yaml"
    path.write_text("task: compose\nhow: min\nteachers: [math]\n")
    by_file = find_task(None, (), str(path))
    assert by_file.name == "compose"
    assert by_file.values == find_task("compose", (f"compose={path}",), None).values
    path.write_text("task: compose\nset:\n  how: min\n  teachers: [math]\n")
    assert load_config(path).task == "compose"
    with pytest.raises(OptionError, match="compose has no option 'how'"):
        find_task(None, ("how=min",), str(path))


# As a teacher.


def test_composed_when_a_member_has_its_own_column_then_it_is_judged_against_it():
    both = compose("math", member("math", name="other", reference="meta.deep.n"), how="min")
    sample = Sample(BOXED, reference="42", meta={"deep": {"n": "42.0"}})
    (right, missing) = score([sample, Sample(BOXED, reference="42")], both)
    assert right.reward == 1.0
    assert missing.status is Status.BAD_REFERENCE
    assert "no column 'deep.n'" in missing.reason


@pytest.mark.parametrize(("path", "value"), [("a", 1), ("b.c", 2), ("x.y", 3), ("b.d", None), ("a.b", None)])
def test_column_when_looked_for_then_by_name_before_path(path, value):
    assert column({"a": 1, "b": {"c": 2}, "x.y": 3, "x": {"y": 4}}, path) == value


def test_composed_when_built_then_has_its_members_deadlines_preloads_and_reads():
    made = compose("math", member("math", name="b", reference="meta.b"))
    alone = bind("math")
    assert made.deadline_s == 2 * alone.teacher.deadline_s
    assert set(alone.preload) <= set(made.preload)
    assert made.reads == ("completion", "reference", "meta")
    assert compose(member("math", reference="meta.b")).reads == ("completion", "meta")


def test_composed_when_a_member_needs_a_worker_then_quick_leaves_it_and_the_worker_judges():
    made = compose("math", how="max")
    hard = Sample("\\boxed{\\frac{d}{dx}x^3}", reference="3x^2")
    assert made.quick(hard) is None
    assert made.quick(Sample(BOXED, reference="42")) == made.judge(Sample(BOXED, reference="42"))
    assert score([hard], made)[0].reward == 1.0


def test_cascade_when_the_cheap_one_decides_then_quick_answers_though_the_dear_one_could_not():
    slow = member(toy_teachers.Good, name="slow", worker=True)
    made = compose(member("math", go_on={"below": 1}), slow, how="cascade")
    assert isinstance(made, BaseTeacher)
    assert made.quick(Sample(BOXED, reference="42")) is not None
    assert made.quick(Sample("\\boxed{41}", reference="42")) is None
    assert [each.reward for each in score([(BOXED, "42"), ("\\boxed{41}", "42")], made)] == [1.0, 0.0]


def test_composed_when_a_member_fails_then_its_part_says_so_and_the_rest_goes_on_if_so_told():
    harm = member(toy_teachers.Does, name="harm", worker=True)
    good = member(toy_teachers.Good, name="good")
    (found,) = score([Sample("raise", reference="raise")], compose(harm, good, missing="renormalise"))
    assert found.reward == 1.0
    assert found.parts[0].reward is None
    assert "ZeroDivisionError" in found.parts[0].reason
    (void,) = score([Sample("raise", reference="raise")], compose(harm, good))
    assert (void.reward, void.status) == (None, Status.FAILED)


def test_composed_when_made_of_objects_then_travels_to_workers():
    made = compose(member(toy_teachers.Good, worker=True), compose("math", how="max"))
    again = pickle.loads(pickle.dumps(made))
    assert isinstance(again, Composed)
    sample = Sample("42", reference="42")
    assert again.judge(sample) == made.judge(sample)
    assert Scorer(made).score([sample])[0].reward == 1.0


def test_composed_when_made_of_names_then_any_worker_builds_it():
    made = compose(member("math", percent="strict"), how="min")
    assert made.name == "compose"
    built = rebuild(bind(made).config)
    assert isinstance(built, Composed)
    assert isinstance(made, Composed)
    assert built.plan == made.plan


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: compose(), "a plan has 'teachers'"),
        (lambda: compose("math", how="sum"), "'sum' is not allowed here; allowed: weighted"),
        (lambda: compose(member("math", percent="x")), "teachers[0].set.percent"),
        (lambda: compose(member("reward_model", model="./no-rm", scores="centred")), "there is no folder ./no-rm"),
        (lambda: compose(member("reward_model", scores="centred")), "say which model"),
        (lambda: compose(lambda sample: 1.0), "no worker process can import it"),
        (lambda: compose(member(member("math"))), "give the teacher itself"),  # type: ignore[arg-type]
    ],
)
def test_compose_when_it_cannot_work_then_says_why(make, told):
    with pytest.raises(UsageError) as caught:
        make()
    assert told in str(caught.value)


def test_explain_when_composed_then_every_member_and_the_whole():
    steps = compose("math", member("math", name="other", reference="meta.o")).explain(Sample(BOXED, reference="42"))
    names = [name for name, _ in steps]
    assert "math: answer found" in names
    assert "other: verdict" in names
    assert names[-1] == "together"
