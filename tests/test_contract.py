"""The contract: every teacher of the catalog holds it, and the suite notices each way to break it."""

import dataclasses

import pytest

from verifiers.contract import check
from verifiers.errors import UsageError
from verifiers.registry import catalog_names, find
from verifiers.teacher import accept, adversarial, reject, teacher, unscorable
from verifiers.types import Sample, Status, Verdict

CASES = (
    accept("4", reference="4"),
    accept("5", reference="5", options={"worker": True}),
    reject("3", reference="4"),
    adversarial("4 or 5", reference="4"),
    unscorable("4"),
)


def checked(name):
    spec = dataclasses.replace(find(f"toy_teachers:{name}"), cases=CASES)
    return {finding.rule: finding for finding in check(spec, deadline_s=1.0 if name == "Slow" else None)}


@pytest.mark.parametrize("name", catalog_names())
def test_catalog_teacher_when_checked_then_holds_the_contract(name):
    assert [finding for finding in check(name) if not finding.ok] == []


def test_good_teacher_when_checked_then_every_rule_holds():
    findings = checked("Good")
    assert [finding for finding in findings.values() if not finding.ok] == []
    assert findings["cases"].seen == "all 5 as expected"
    assert findings["quick"].seen.startswith("answers 4 of 5")


@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        ("Neighbours", "batches", "in one batch"),
        ("Unsure", "determinism", "first"),
        ("QuickDiffers", "quick", "quick 1.0"),
        ("Evaluates", "canaries", "was run"),
        ("Evaluates", "behaviour", "environment variable"),
        ("Generous", "hostile", "1 MB of digits"),
        ("NeedsNoReference", "references", "1.0 correct"),
        ("NeedsNoReference", "cases", "expected None"),
        ("Mutates", "behaviour", "changed a sample"),
        ("Prints", "behaviour", "printed"),
        ("ReadsMore", "reads", "depends on more"),
        ("Fragile", "hostile", "surrogate"),
        ("Slow", "hostile", "no answer within"),
    ],
)
def test_bad_teacher_when_checked_then_the_rule_it_breaks_is_named(name, rule, words):
    finding = checked(name)[rule]
    assert not finding.ok
    assert words in finding.seen
    assert finding.todo


def test_undescribed_teacher_when_checked_then_says_what_is_missing():
    findings = {finding.rule: finding for finding in check("toy_teachers:undescribed")}
    assert findings["described"].seen == "no version; no doc"
    assert findings["case kinds"].seen.startswith("no accept case; no reject case")
    assert "not a frozen dataclass" in findings["options"].seen


@dataclasses.dataclass(frozen=True)
class Careless:
    """No descriptions."""

    wild: int
    tame: int = 1


@teacher(version="1", options=Careless, presets={"typo": {"tmae": 2}})
def careless(sample: Sample, options: Careless) -> Verdict:
    """Have options that lack much."""
    return Verdict(0.0, Status.INCORRECT)


def test_options_when_careless_then_each_fault_is_named():
    findings = {finding.rule: finding for finding in check(careless)}
    seen = findings["options"].seen
    assert "wild has no default" in seen
    assert "tame has no description" in seen
    assert "preset typo" in seen


def test_case_when_its_options_are_wrong_then_a_finding():
    spec = dataclasses.replace(find("toy_teachers:Good"), cases=(accept("4", reference="4", options={"wrker": 1}),))
    findings = {finding.rule: finding for finding in check(spec)}
    assert "Did you mean 'worker'" in findings["cases"].seen


def test_check_when_no_worker_can_import_it_then_usage_error():
    with pytest.raises(UsageError, match="path"):
        check(teacher(version="1", bounded=True)(lambda sample: 1.0))
