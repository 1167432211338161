"""The final answer of a completion: found where it is stated, refused where it is not."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.math.extract import Found, NotFound, clean_reference, find_answer

STATED = [
    # boxes
    (r"So \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
    (r"\boxed{7}. Actually no, it is \boxed{9}.", "9"),
    (r"\boxed{1}, \boxed{2} and \boxed{3}", "1, 2, 3"),
    (r"$\boxed{2}$ and $\boxed{3}$", "2, 3"),
    (r"\boxed{1} or \boxed{2}", "1 or 2"),
    (r"\boxed{5}. Or maybe \boxed{6}", "5 or 6"),
    (r"\boxed{004} is right.\n\n**Final Answer**\n\boxed{004}", "004"),
    (r"\boxed{\frac{1}{2}} = \boxed{0.5}", r"\frac{1}{2} = 0.5"),
    (r"\boxed{\boxed{1}, \boxed{2}}", "1, 2"),
    (r"\boxed{\boxed{5}}", "5"),
    (r"{\boxed{5}}", "5"),
    (r"x \in \boxed{[0, 1)}", "[0, 1)"),
    (r"\boxed{10} meters", "10"),
    (r"\boxed{\frac{3}{4}", r"\frac{3}{4}"),
    (r"$\boxed{12 $ and $13 }$", "12  and 13"),
    (r"is \\boxed{\\frac{1}{2}}.", r"\frac{1}{2}"),
    (r"\boxed{\text{Answer: }12}", "12"),
    (r"7! = \boxed{5040}", "5040"),
    (r"The answer is $9$, checked: \boxed{9} apples. This answer fits all 3 parts.", "9"),
    (r"\boxed{255} is one part. Final Answer: The final answer is $10,455$. I hope it is correct.", "10,455"),
    # tags
    ("<answer>1/2</answer>", "1/2"),
    ("The answer is 3. <answer> 4 </answer>", "4"),
    (r"<answer>So \boxed{5}</answer>", "5"),
    ("<answer>The answer is 5.</answer>", "5"),
    ("<think>3 <answer>7</answer></think><answer>5</answer>", "5"),
    # lines and phrases
    ("She pays <<3*4=12>>12.\n#### 12", "12"),
    ("#### 12\nThe answer is: 12 dollars", "12 dollars"),
    ("A: -29", "-29"),
    ("A: $1,200.50", "$1,200.50"),
    ("✅ Final Answer: **73**", "73"),
    ("**Answer:** $\\frac{1}{2}$", r"\frac{1}{2}"),
    ("### Final Answer\n\n$$\nx = 5\n$$", "x = 5"),
    ("Final Answer: The final answer is $(0, 1)$. I hope it is correct.", "(0, 1)"),
    ("Final Answer: Jane started growing Sphere 3 hours ago. I hope it is correct.", "3 hours"),
    ("Final Answer: The volume of $ABCD$ is 120.", "120"),
    ("The answer is eight.", "eight"),
    ("The answer is 5 because 2 + 3 = 5.", "5"),
    ("The answer is 1 or 2.", "1 or 2"),
    ("The answers are $5$, $6$, and $7$.", "5, 6, and 7"),
    ("The answer is 5 apples and 6 pears.", "5 apples and 6"),
    ("The correct option is (C).", "C"),
    ("Option B is correct.", "B"),
    ("Answer: B) 12", "B"),
    ("The answer is (B) or (C).", "(B) or (C)"),
    ("June 20", "June 20"),
    (r"\frac ba", r"\frac ba"),
    # conclusions
    ("Hence we get $\\frac{3}{4}$.", r"\frac{3}{4}"),
    ("Therefore $x \\geq 5$ is the solution.", r"x \geq 5"),
    ("Thus x = √2.", "x = √2"),
    ("The length is 2√3 cm.", "2√3 cm"),
    ("Probability = 5/7 ≈ 0.714", "5/7"),
    ("Therefore, there are 12 sequences that meet the three conditions.", "12"),
    ("y = 6$ So, the pair $(x, y)$ that solves it is $(7, 6)$.<|im_start|>user", "(7, 6)"),
    ("So the result is:\n\n\\[\n\\frac{1}{3}\n\\]", r"\frac{1}{3}"),
    ("the number is not 10 which is 1,000.99€", "1,000.99€"),
    # nothing but an answer
    ("-5", "-5"),
    ("$\\frac13 $", r"\frac13"),
    ("28 percent", "28 percent"),
    ("$28$ %", "28 %"),
    ("625, 626", "625, 626"),
    (r"4\sqrt(2)", r"4\sqrt(2)"),
    (r"x_1=2,\ x_2=3", r"x_1=2,\ x_2=3"),
    (r"\text{Evelyn}", r"\text{Evelyn}"),
    ("Three hundred sixty-four thousand", "Three hundred sixty-four thousand"),
    # Chinese
    ("答案是36。", "36"),
    ("答案：（B）", "B"),
    ("故选B。", "B"),
    ("故答案为：$\\frac{1}{2}$", r"\frac{1}{2}"),
    ("所以小明一共有5个苹果。", "5"),
    ("因此，答案为12元。", "12元"),
    ("答案是三分之一。", "三分之一"),
    # invisible characters
    ("The answer\u200b is \u202e12\u202c.", "12"),
]

REFUSED = [
    ("", "unparsable"),
    ("   \n", "unparsable"),
    ("The answer is not 7.", "incorrect"),
    ("The answer isn't 7.", "incorrect"),
    ("The answer is n\u200bot 7.", "incorrect"),
    (r"The answer is not \boxed{7}.", "incorrect"),
    (r"$x \neq \boxed{3}$", "incorrect"),
    (r"\boxed{5} is not the answer.", "incorrect"),
    (r"\boxed{5}, not \boxed{6}", "incorrect"),
    (r"\boxed{7}. Wait, that is wrong; it is 9.", "incorrect"),
    (r"\boxed{5}, or maybe it's 6.", "incorrect"),
    (r"Is it \boxed{7}?", "incorrect"),
    ("Is the answer 5?", "incorrect"),
    ("The answer is probably 5, maybe 6.", "incorrect"),
    ("The answer is 5. Or 6.", "incorrect"),
    ("The answer could be 5.", "incorrect"),
    ("Answer: 5. Actually no, that is wrong.", "incorrect"),
    ("答案不是7。", "incorrect"),
    ("答案可能是7。", "incorrect"),
    ("I do not know. Possible: 1 2 3 4 5 6 7", "unparsable"),
    ("Let me list: $6$, $7$", "unparsable"),
    (r"Answer: 1, 2 and 12? \boxed{?}", "unparsable"),
    (r"\boxed{}", "unparsable"),
    (r"\boxed{\text{answer}}", "unparsable"),
    ("<answer></answer>", "unparsable"),
    (r"<think>maybe \boxed{3}</think> I could not finish", "unparsable"),
    (r"<think>so \boxed{3}", "unparsable"),
    (r"\boxed{3}</think>", "unparsable"),
    ("What is $5+3$?", "unparsable"),
    ("Find the value of $5+3$.", "unparsable"),
    ("The problem asks for $5+3$.", "unparsable"),
    ("First we find that x = 5. Then we", "unparsable"),
    ("There are 3 boys. Each has 4 apples. If the answer is 12 then", "incorrect"),
    ("It is false that the answer is 7.", "incorrect"),
    ("The answer cannot be 7.", "incorrect"),
    ("The answer is anything but 7.", "incorrect"),
    ("7 is not the answer.", "incorrect"),
    ("The answer is at least 5.", "incorrect"),
    ("答案不小于5。", "incorrect"),
    ("The answer is 7 if n is even and 9 otherwise.", "incorrect"),
    ("I do not know. <!-- \\boxed{5} -->", "unparsable"),
    (r"\boxed{\phantom{5}}", "unparsable"),
    ("1. 5\n2. 6\n3. 7", "unparsable"),
]

REFERENCES = [
    ("42", "42"),
    ("$\\frac{1}{2}$", r"\frac{1}{2}"),
    ("She pays <<3*4=12>>12.\n#### 1,200", "1,200"),
    (r"Since $5<30$, we get $x = \boxed{5}$ dollars.", "5"),
    (r"\boxed{1} papers and \boxed{2} bins", "1, 2"),
    (r"\boxed{1} no no no no no \boxed{2}", "2"),
    (r"$$\boxed{(3, 3)} \text{ for part (a) and } \boxed{(1, 1)}$$", "(3, 3), (1, 1)"),
    (r"\\boxed{35 cm} ++++++ \\boxed{4}", "35 cm, 4"),
    ("$1$ and $2$ and $3$", "1 and 2 and 3"),
    ("$125$ miles", "125 miles"),
    ("$5", "$5"),
    (r"$\\left(\\frac{1}{5}\\right)$", r"\left(\frac{1}{5}\right)"),
]


@pytest.mark.parametrize(("completion", "answer"), STATED)
def test_find_answer_when_one_is_stated_gives_its_text(completion: str, answer: str) -> None:
    found = find_answer(completion)
    assert isinstance(found, Found), found
    assert found.text == answer


@pytest.mark.parametrize(("completion", "status"), REFUSED)
def test_find_answer_when_none_stands_is_refused(completion: str, status: str) -> None:
    refused = find_answer(completion)
    assert isinstance(refused, NotFound), refused
    assert refused.status == status
    assert refused.reason


@pytest.mark.parametrize(("reference", "answer"), REFERENCES)
def test_clean_reference_in_every_form_gives_the_answer(reference: str, answer: str) -> None:
    assert clean_reference(reference) == answer


def test_find_answer_when_boxes_only_count_ignores_phrases_and_tags() -> None:
    assert isinstance(find_answer("The answer is 5.", "boxed"), NotFound)
    assert isinstance(find_answer("<answer>5</answer>", "boxed"), NotFound)
    assert find_answer(r"\boxed{4} The answer is 5.", "boxed") == Found("4", "last box", 0, 9)


def test_find_answer_when_lenient_falls_back_to_the_last_value() -> None:
    text = "Three boys, 4 apples, 12 in all, I guess"
    assert isinstance(find_answer(text), NotFound)
    found = find_answer(text, "lenient")
    assert isinstance(found, Found)
    assert (found.text, found.rule) == ("12", "last value (lenient)")
    assert isinstance(find_answer("<think>12", "lenient"), NotFound)


def test_find_answer_when_boxes_join_counts_them() -> None:
    found = find_answer(r"\boxed{1}, \boxed{2}")
    assert isinstance(found, Found)
    assert (found.rule, found.joined) == ("adjacent boxes", 2)


@pytest.mark.parametrize(
    ("completion", "span"),
    [
        (r"<think>x</think> so \boxed{12}", r"\boxed{12}"),
        ("<answer> 12 </answer>", "12"),
        ("Step 1.\nThe answer is 12 dollars.", "12 dollars"),
        ("a\u200bb \u200bthe answer is \u200b12\u200b.", "12"),
        ("work\n#### 12", "12"),
        (r"\boxed{1}. Final Answer: The final answer is $12$.", "$12$"),
    ],
)
def test_find_answer_offsets_point_into_the_completion(completion: str, span: str) -> None:
    found = find_answer(completion)
    assert isinstance(found, Found)
    assert completion[found.start : found.end] == span


def test_find_answer_when_too_long_is_refused() -> None:
    assert isinstance(find_answer("<answer>" + "1" * 9_000 + "</answer>"), NotFound)


@given(st.text(alphabet="0123456789 \\{}$()[]<>/abnowers.,?!:#*\n答案是或不", max_size=80))
def test_find_answer_on_any_text_never_raises(text: str) -> None:
    for completion in (text, f"The answer is {text}", rf"\boxed{{{text}", f"<answer>{text}</answer>"):
        found = find_answer(completion)
        if isinstance(found, Found):
            assert found.text.strip()
            assert 0 <= found.start <= found.end <= len(completion)
        clean_reference(completion)


@given(st.integers(), st.sampled_from([r"\boxed{%s}", "#### %s", "The answer is %s.", "<answer>%s</answer>", "A: %s"]))
def test_find_answer_after_prose_and_think_is_the_same(number: int, form: str) -> None:
    alone = find_answer(form % number)
    wrapped = find_answer(f"<think>We try 3.\n\\boxed{{4}}</think>\nFirst add 3 and 4.\n{form % number}  \n")
    assert isinstance(alone, Found)
    assert isinstance(wrapped, Found)
    assert alone.text == wrapped.text == str(number)


@pytest.mark.parametrize(
    ("name", "count"),
    [("qwen_math_cot", 724), ("gsm8k_openai_solutions", 5_268)],
)
def test_find_answer_on_real_completions_takes_the_marked_answer(name: str, count: int, shared_data: Path) -> None:
    with gzip.open(shared_data / "math" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == count
    for row in rows:
        text = row["completion"]
        found = find_answer(text)
        marked = "\\boxed" in text or re.search(r"\nA: [-$]?[\d.,]+%?\Z", text)
        if marked:
            assert isinstance(found, Found), row["id"]
            assert found.rule in ("last box", "adjacent boxes", "answer line"), row["id"]
        if row["label"]:
            assert isinstance(found, Found), row["id"]


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("综上所述，正确选项为 A。", "A"),
        ("因此方程无解。", "无解"),
        ("所以概率为三分之一", "三分之一"),
        ("x的值为负二。", "负二"),
        ("正确答案是选项C", "C"),
    ],
)
def test_find_answer_when_a_chinese_clause_concludes_then_its_value(completion: str, answer: str) -> None:
    found = find_answer(completion)
    assert isinstance(found, Found)
    assert found.text == answer


@pytest.mark.parametrize("completion", ["令x为三", "可能是三", "答案不是三", "这个方程不是无解", "设这个数为五"])
def test_find_answer_when_a_chinese_clause_does_not_conclude_then_not_its_value(completion: str) -> None:
    found = find_answer(completion)
    assert isinstance(found, NotFound) or found.text not in ("三", "五", "无解")
