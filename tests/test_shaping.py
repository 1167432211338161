"""Shaping rewards: worked by hand, equal to their sources where those are right, bounded where those are not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.shaping.language import consistency
from verifiers.catalog.shaping.length import cosine, kimi, soft_overlong, target, up_to
from verifiers.catalog.shaping.repetition import looping_share, repeated_share
from verifiers.catalog.shaping.steps import count_steps
from verifiers.errors import OptionError
from verifiers.scoring import score
from verifiers.types import Sample, Status

EN = "How many apples does Tom have in the basket?"
ZH = "汤姆的篮子里一共有多少个苹果？"
STORY = "Tom has two apples in his basket, and then he buys two more, so he has four of them."


def one(completion, teacher, prompt="", meta=None, **options):
    (verdict,) = score([Sample(completion, prompt, None, meta or {})], f"shaping/{teacher}", options=options)
    return verdict


# Eq. 13 of DAPO by hand, with L = 100 and C = 20.
@pytest.mark.parametrize(
    ("length", "reward"), [(0, 0), (80, 0), (81, -0.05), (90, -0.5), (99, -0.95), (100, -1), (101, -1), (10**6, -1)]
)
def test_soft_overlong_when_worked_by_hand_then_equal_and_never_below_minus_one(length, reward):
    assert soft_overlong(length, 100, 20) == pytest.approx(reward)
    verdict = one("x", "length", meta={"completion_ids": [7] * length}, unit="tokens", max_length=100, cache=20)
    assert verdict.reward == pytest.approx(reward)


@given(st.integers(0, 500), st.integers(1, 200), st.integers(0, 200))
def test_soft_overlong_at_any_length_equals_the_formula_of_trl(length, max_length, cache):
    cache = min(cache, max_length)
    if length <= max_length - cache:
        expected = 0.0
    elif length <= max_length:
        expected = (max_length - cache - length) / cache
    else:
        expected = -1.0
    assert soft_overlong(length, max_length, cache) == expected


@pytest.mark.parametrize(
    ("rule", "length", "cache", "reward"),
    [
        (up_to, 10, 4, 1.0),
        (up_to, 12, 4, 0.5),
        (up_to, 14, 4, 0.0),
        (up_to, 11, 0, 0.0),
        (target, 10, 4, 1.0),
        (target, 9, 4, 0.75),
        (target, 13, 4, 0.25),
        (target, 0, 4, 0.0),
        (target, 11, 0, 0.0),
    ],
)
def test_limit_and_target_of_ten_when_worked_by_hand_then_equal(rule, length, cache, reward):
    assert rule(length, 10, cache) == pytest.approx(reward)


# open-r1 with its own settings (limit 1000): right answers fall from 1 to 0.5, wrong ones rise from -1 to -0.5.
@pytest.mark.parametrize(
    ("length", "right", "reward"),
    [
        (0, True, 1.0),
        (500, True, 0.75),
        (1000, True, 0.5),
        (1500, True, 0.5),
        (2000, True, 0.5),
        (0, False, -1.0),
        (250, False, -0.75 - 0.25 * math.cos(math.pi / 4)),
        (500, False, -0.75),
        (1000, False, -0.5),
        (2000, False, -0.5),
    ],
)
def test_cosine_when_worked_by_hand_then_equal_and_never_rises_again(length, right, reward):
    verdict = one("x" * length, "length", meta={"correct": right}, preset="open_r1_cosine")
    assert verdict.reward == pytest.approx(reward)


@given(st.integers(0, 1000), st.booleans())
def test_cosine_up_to_the_limit_equals_the_formula_of_open_r1(length, right):
    low, high = (0.5, 1.0) if right else (-0.5, -1.0)  # open-r1 swaps the two for wrong answers
    expected = low + 0.5 * (high - low) * (1.0 + math.cos(length / 1000 * math.pi))
    assert cosine(length, 1000, high, low) == pytest.approx(expected)


# Kimi k1.5 by hand: a group of lengths 100 to 300.
@pytest.mark.parametrize(
    ("length", "right", "reward"),
    [(100, True, 0.5), (150, True, 0.25), (200, True, 0.0), (300, True, -0.5), (100, False, 0.0), (250, False, -0.25)],
)
def test_kimi_when_worked_by_hand_then_equal(length, right, reward):
    assert kimi(length, 100, 300, right) == pytest.approx(reward)
    meta = {"correct": right, "group_lengths": [100, 300, length]}
    assert one("x" * length, "length", meta=meta, preset="kimi").reward == pytest.approx(reward)


def test_kimi_when_all_have_one_length_then_nothing():
    assert kimi(7, 7, 7, True) == 0.0


@pytest.mark.parametrize(
    ("meta", "options", "words"),
    [
        ({}, {"unit": "tokens"}, "completion_ids"),
        ({"completion_ids": "abc"}, {"unit": "tokens"}, "list of token ids"),
        ({"correct": "yes"}, {"mode": "cosine"}, "true, false or a reward"),
        ({"correct": 1.0}, {"mode": "kimi"}, "group_lengths"),
        ({"correct": 1.0, "group_lengths": []}, {"mode": "kimi"}, "whole numbers"),
    ],
)
def test_length_when_a_column_is_missing_then_not_judged_and_named(meta, options, words):
    verdict = one("x", "length", meta=meta, **options)
    assert verdict.reward is None
    assert words in verdict.reason


@pytest.mark.parametrize("options", [{"max_length": 0}, {"cache": -1}, {"max_length": 5, "cache": 6}])
def test_length_when_its_options_do_not_fit_then_the_error_says_what_does(options):
    with pytest.raises(OptionError, match="allowed are"):
        one("x", "length", **options)


# By hand: 1-2, 2-1, 1-2, 2-1: 2 different of 4. TRL's examples: [1, 2, 3, 4] and [5] * 5 with n = 2.
@pytest.mark.parametrize(
    ("ids", "size", "reward"),
    [([1, 2, 1, 2, 1], 2, -0.5), ([1, 2, 3, 4], 2, 0.0), ([5] * 5, 2, -0.75), ([1, 2], 3, 0.0), ([], 1, 0.0)],
)
def test_repetition_of_tokens_when_worked_by_hand_then_equal(ids, size, reward):
    verdict = one("x", "repetition", meta={"completion_ids": ids}, unit="tokens", ngram_size=size)
    assert verdict.reward == pytest.approx(reward)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 4))
def test_repetition_of_tokens_at_any_size_equals_the_formula_of_trl(ids, size):
    grams = list(zip(*[ids[i:] for i in range(size)], strict=False))
    expected = 1 - len(set(grams)) / len(grams) if len(ids) >= size else 0.0
    assert repeated_share(ids, size) == expected


@pytest.mark.parametrize(
    ("text", "options", "reward"),
    [
        ("A b a B a b", {"unit": "spaces", "ngram_size": 2}, -0.6),  # ab ba ab ba ab
        ("abab", {"unit": "chars", "ngram_size": 2}, -1 / 3),
        ("好好好好好好", {}, -0.5),  # two 5-grams, one kind
        ("one two three, four five six.", {}, 0.0),
        ("", {}, 0.0),
        ("again and " * 3000, {}, -(1 - 2 / 5998)),
        ("x" * 20000, {}, -1.0),
    ],
)
def test_repetition_of_text_when_worked_by_hand_then_equal(text, options, reward):
    assert one(text, "repetition", **options).reward == pytest.approx(reward, abs=2e-3)


def test_looping_share_of_half_a_loop_is_half():
    prose = "".join(chr(0x4E00 + (i * i * 7919 + i * 31) % 8000) for i in range(8192))
    assert looping_share(prose) == 0.0
    assert looping_share(prose + "again " * 1365 + "ag") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("completion", "prompt", "low", "high"),
    [
        (STORY, EN, 1.0, 1.0),
        (STORY, ZH, 0.0, 0.0),
        ("汤姆原来有两个苹果，后来又买了两个。", ZH, 1.0, 1.0),
        ("汤姆原来有两个苹果，后来又买了两个。", EN, 0.0, 0.0),
        (STORY + "后来他又把一个苹果给了他的朋友，所以还剩三个。", EN, 0.3, 0.7),
        ("Tom tiene dos manzanas en su cesta y después compra dos más, así que tiene cuatro.", EN, 0.0, 0.1),
        ("リンゴが二つあって、さらに二つ買いましたので、四つです。", ZH, 0.0, 0.0),
        (
            "답은 네 개입니다. 사과 두 개를 더 샀기 때문에 모두 네 개가 됩니다.",
            "바구니에 사과가 몇 개 있습니까?",
            1.0,
            1.0,
        ),
        ("Ответ: четыре яблока, потому что Том купил ещё два.", "Сколько яблок в корзине у Тома?", 1.0, 1.0),
        ("所以 $x + y = \\frac{3}{4}$，代入 `f(x)` 可得答案是四个苹果。", ZH, 1.0, 1.0),
        ("因此调用 my_list.append(x) 之后，这个列表里一共有四个元素。", ZH, 1.0, 1.0),
        ("```json\n" + STORY + "\n```", ZH, 0.0, 0.0),
        ("把篮子里的苹果数出来：\n```python\nfor apple in basket:\n    count += 1\n```", ZH, 1.0, 1.0),
    ],
)
def test_language_when_compared_with_the_prompt_then_its_share_is_paid(completion, prompt, low, high):
    reward = one(completion, "language", prompt).reward
    assert reward is not None
    assert low <= reward <= high


@pytest.mark.parametrize(("completion", "prompt"), [("42", EN), (STORY, "1+1=?"), ("x y z", ZH), ("", "")])
def test_language_when_undecided_then_skipped_or_neutral_as_asked(completion, prompt):
    assert one(completion, "language", prompt).reward is None
    assert one(completion, "language", prompt, undecided="neutral", neutral=0.25).reward == 0.25


def test_language_when_its_package_is_absent_then_unavailable_with_the_pip_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pycld2", None)
    verdict = one(STORY, "language", language="en")
    assert verdict.status is Status.UNAVAILABLE
    assert "pip install 'grpo-teachers[rules]'" in verdict.reason


def test_consistency_of_mixed_words_is_their_share():
    assert consistency("我们一共有四个 so four", "zh") == (7 / 9, 9)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("Step 1: add the numbers.\nStep 2: halve the sum.", 2),
        ("1. Add the numbers.\n2) Halve the sum.\n- Read it off.\n* Then write it down.", 4),
        ("First, add the numbers. Next, halve the sum. Finally, read it off.", 3),
        ("第一步：把两数相加。步骤2：把和减半。", 2),
        ("Step 1: Step 2: Step 3:", 0),
        ("- add both\n- add both", 0),
        ("- add them both\n- add them both", 1),
        ("- go go go go", 0),
        ("It costs 3.50 in the first, not the next, shop.", 0),
        ("", 0),
    ],
)
def test_steps_when_counted_then_only_those_that_say_something_new(text, steps):
    assert count_steps(text, 3) == steps


def test_steps_when_the_row_has_its_own_target_then_it_decides():
    text = "1. Add both numbers.\n2. Halve the sum."
    assert one(text, "steps", meta={"n": 4}, target_column="n").reward == 0.5
    assert one(text, "steps", meta={"n": 0}, target_column="n").reward is None
