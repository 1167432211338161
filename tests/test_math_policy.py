"""The math teacher's policies: each option changes just what it says, and each preset is sound."""

from __future__ import annotations

import pytest

from verifiers import Sample, Status
from verifiers.catalog.math.policy import PRESETS
from verifiers.options import build_options
from verifiers.registry import find
from verifiers.types import Json, Verdict


def judge(completion: str, reference: Json, **options: Json) -> Verdict:
    spec = find("math")
    teacher = spec.build(build_options(spec, options))
    (verdict,) = teacher.score([Sample(completion, reference=reference)])
    return verdict


@pytest.mark.parametrize(
    ("answer", "reference", "options", "reward"),
    [
        ("25", "25\\%", {}, 1.0),
        ("0.25", "25\\%", {}, 1.0),
        ("0.25", "25\\%", {"percent": "number"}, 0.0),
        ("25", "25\\%", {"percent": "value"}, 0.0),
        ("25", "25\\%", {"percent": "strict"}, 0.0),
        ("25\\%", "25\\%", {"percent": "strict"}, 1.0),
        ("0.25\\%", "0.25", {}, 0.0),
        ("1.41", "\\sqrt{2}", {}, 0.0),
        ("1.41", "\\sqrt{2}", {"rounding": "places"}, 1.0),
        ("1.42", "\\sqrt{2}", {"rounding": "places"}, 0.0),
        ("1.4143", "\\sqrt{2}", {"rounding": "relative", "tolerance": 0.001}, 1.0),
        ("1.43", "\\sqrt{2}", {"rounding": "relative", "tolerance": 0.001}, 0.0),
        ("2, 1", "1, 2", {}, 1.0),
        ("2, 1", "1, 2", {"order": "strict"}, 0.0),
        ("1, 2", "1, 2", {"order": "strict"}, 1.0),
        ("5", "5\\text{ cm}", {}, 1.0),
        ("5", "5\\text{ cm}", {"units": "required"}, 0.0),
        ("50\\text{ mm}", "5\\text{ cm}", {"units": "required"}, 1.0),
        ("5\\text{ m}", "5\\text{ cm}", {}, 0.0),
        ("5\\text{ m}", "5\\text{ cm}", {"units": "ignore"}, 1.0),
        ("evelyn", "\\text{Evelyn}", {}, 1.0),
        ("evelyn", "\\text{Evelyn}", {"case": "keep"}, 0.0),
        ("\\frac{2}{4}", "\\frac{1}{2}", {}, 1.0),
        ("\\frac{1+1}{4}", "\\frac{1}{2}", {"unreduced": "reject"}, 0.0),
        ("\\frac{1}{2}", "\\frac{1}{2}", {"unreduced": "reject"}, 1.0),
        ("5", "x=5", {}, 1.0),
        ("5", "x=5", {"names": "required"}, 0.0),
        ("x=5", "x=5", {"names": "required"}, 1.0),
    ],
)
def test_option_when_set_then_decides(answer: str, reference: str, options: dict[str, Json], reward: float) -> None:
    verdict = judge(f"\\boxed{{{answer}}}", reference, **options)
    assert verdict.reward == reward, verdict.reason


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_preset_when_chosen_then_right_is_paid_and_wrong_is_not(preset: str) -> None:
    assert judge("\\boxed{42}", "42", preset=preset).reward == 1.0
    assert judge("\\boxed{43}", "42", preset=preset).reward == 0.0


def test_boxes_when_last_then_the_last_box_may_stand_alone() -> None:
    completion = "Hence $x$ must be $\\boxed{3}$ or $\\boxed{\\frac{2}{5}}$."
    assert judge(completion, "\\frac25").reward == 0.0
    assert judge(completion, "\\frac25", boxes="last").reward == 1.0
    assert judge(completion, "\\frac25", preset="math").reward == 1.0
    assert judge(completion, "3", boxes="last").reward == 0.0
    assert judge(completion, "3, \\frac25", boxes="last").reward == 1.0


def test_extract_when_lenient_then_last_number_counts() -> None:
    completion = "First 3 apples, later 4 more came, in sum 7 of them were there for us"
    assert judge(completion, "7").reward == 0.0
    assert judge(completion, "7", extract="lenient").reward == 1.0


def test_extract_when_boxed_then_only_boxes_count() -> None:
    assert judge("The answer is 7.", "7", extract="boxed").reward == 0.0
    assert judge("The answer is \\boxed{7}.", "7", extract="boxed").reward == 1.0


@pytest.mark.parametrize(
    "reference", [None, "", "   ", "\\frac{1}{", "\\boxed{}", "???", "3 +", [], {}, True, "1000000000!", "(1,2"]
)
def test_reference_when_unreadable_then_not_judged(reference: Json) -> None:
    verdict = judge("\\boxed{5}", reference)
    assert (verdict.reward, verdict.status) == (None, Status.BAD_REFERENCE)
    assert verdict.reason


@pytest.mark.parametrize("reference", [["1", "2"], ["\\frac12", "0.7"], [3, 4]])
def test_reference_when_list_then_any_is_accepted(reference: list[Json]) -> None:
    for right in reference:
        assert judge(f"\\boxed{{{right}}}", reference).reward == 1.0
    assert judge("\\boxed{99}", reference).reward == 0.0


@pytest.mark.parametrize(
    ("completion", "reference"),
    [
        ("\\boxed{9^{9^{9^{9}}}}", "5"),
        ("\\boxed{" + "(" * 500 + "5" + ")" * 500 + "}", "5"),
        ("\\boxed{" + "9" * 5000 + "}", "5"),
        ("\\boxed{1" + "/2" * 1200 + "}", "5"),
    ],
)
def test_answer_when_past_a_bound_then_limit_exceeded(completion: str, reference: str) -> None:
    verdict = judge(completion, reference)
    assert (verdict.reward, verdict.status) == (0.0, Status.LIMIT_EXCEEDED), verdict.reason


def test_answer_pair_when_judged_again_then_the_kept_verdict_is_equal() -> None:
    teacher = find("math").build()
    rows = [Sample(f"Way {i}: so \\boxed{{\\frac{{{i % 3}}}{{4}}}}", reference="0.5") for i in range(12)]
    fresh = [find("math").build().score([row])[0] for row in rows]
    assert [v.reward for v in teacher.score(rows)] == [v.reward for v in fresh]
