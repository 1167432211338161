"""The accuracy that the rule teachers promise, on the labelled data; and that hostile texts cost them linear time."""

import pytest
from rules_bar import BAR, IFBENCH, IFEVAL, Line, runs_differ
from rules_shapes import SHAPES, rule_teachers, settings_of

from verifiers.binding import bind
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Status

HOSTILE_BYTES = 300_000
"""Quadratic work on so much text takes minutes, and the test's timeout ends it; linear work takes milliseconds."""
SETTINGS = 3
"""Of each teacher; the benchmark takes all of them."""
OUR_FAULTS = {Status.FAILED, Status.DEADLINE_EXCEEDED, Status.BAD_ROW}
NEEDED = {"ifeval": ("langdetect", "pycld2"), "ifbench": ("langdetect", "pycld2")}


@pytest.mark.parametrize("line", BAR, ids=lambda line: line.name)
def test_bar_when_measured_then_holds(line: Line, shared_data):
    for package in NEEDED.get(line.teacher, ()):
        pytest.importorskip(package, reason=f"needs the extra 'rules' ({package})")
    found = line.measure(shared_data / "rules")
    assert found.total >= 10
    assert line.holds(found), (line.wanted, found.right, found.total, found.worst, found.differences[:20])


@pytest.mark.parametrize(("teacher", "data"), [("ifeval", IFEVAL), ("ifbench", IFBENCH)])
def test_compat_when_run_20_times_then_never_differs(teacher: str, data: str, shared_data):
    assert runs_differ(shared_data / "rules", teacher, data, limit=100) == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", rule_teachers())
def test_hostile_text_when_judged_then_ends_soon_and_without_a_fault_of_ours(name: str):
    """A bound on operations: what grows with the square of the text does not end within the timeout."""
    for setting in settings_of(name)[:SETTINGS]:
        judge = bind(name, setting.options).teacher
        assert isinstance(judge, BaseTeacher)
        for shape, make in SHAPES.items():
            sample = Sample(
                make(HOSTILE_BYTES, setting.completion),
                setting.sample.prompt,
                setting.sample.reference,
                setting.sample.meta,
            )
            verdict = judge.quick(sample) or judge.judge(sample)
            assert verdict.status not in OUR_FAULTS, (setting.name, shape, verdict.reason)


@pytest.mark.parametrize("shape", SHAPES)
def test_shape_when_made_then_has_the_size(shape: str):
    assert 0.5 <= len(SHAPES[shape](100_000, "\\boxed{42}").encode()) / 100_000 <= 1.5
