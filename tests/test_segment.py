"""Parts of a completion: offsets, think parts of every shape, boxes; never slow to find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.segment import MAX_PARTS, Kind, final_span, last_answer_tag, last_box, segments, tag_marks

PIECES = ["<think>", "</think>", "<answer>", "</answer>", r"\boxed{", "}", "{", "\\", "```\n", "# a\n", "x", " ", "\n"]


@pytest.mark.parametrize(
    ("completion", "visible"),
    [
        ("plain", "plain"),
        ("<think>a</think>b", "b"),
        ("a</think>b", "b"),
        ("<Thinking>a</Thinking>b", "b"),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("<reasoning>a</reasoning>b", "b"),
        ("[THINK]a[/THINK]b", "b"),
        ("◁think▷a◁/think▷b", "b"),
        ("<|begin_of_thought|>a<|end_of_thought|>b", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>", "b"),
        ("b<|im_end|>\n<|im_start|>user\nc", "b"),
        ("b</s>c", "b"),
        ("<|im_start|> b", " b"),
        ("3 < 5 and 5 > 3", "3 < 5 and 5 > 3"),
        ("<<3+4=7>>7", "<<3+4=7>>7"),
    ],
)
def test_final_span_after_any_think_part_is_what_the_user_sees(completion: str, visible: str) -> None:
    span = final_span(completion)
    assert span is not None
    assert completion[slice(*span)] == visible


@pytest.mark.parametrize(
    "completion",
    ["<think>a", "<think>a</think>b<think>c", "[THINK]a", "<|channel|>analysis<|message|>a", "<|begin_of_thought|>a"],
)
def test_final_span_when_the_think_part_is_never_closed_is_none(completion: str) -> None:
    assert final_span(completion) is None


@given(st.lists(st.sampled_from([*PIECES, "  ", "1. ", "> ", "~~~", "| a |"]), max_size=12))
def test_the_first_line_is_read_as_any_other(pieces: list[str]) -> None:
    def parts(text: str) -> list[tuple[object, ...]]:
        return sorted((part.kind, part.closed, part.name, part.inner(text).lstrip("\n")) for part in segments(text))

    text = "".join(pieces)
    assert parts(text) == parts(f"\n{text}")


def test_segments_of_a_mixed_completion_have_kinds_and_offsets() -> None:
    text = "<think>t</think>\n# Head\n```py\ncode\n```\n<answer>\\boxed{\\frac{1}{2}}</answer>"
    parts = segments(text)
    assert [part.kind for part in parts] == [Kind.THINK, Kind.HEADING, Kind.CODE, Kind.ANSWER, Kind.BOX]
    assert [part.inner(text) for part in parts] == [
        "t",
        "Head",
        "code",
        "\\boxed{\\frac{1}{2}}",
        "\\frac{1}{2}",
    ]
    assert all(part.closed for part in parts)


@pytest.mark.parametrize(
    ("text", "kind", "inner"),
    [("<answer>5", Kind.ANSWER, "5"), ("```\nx", Kind.CODE, "x"), (r"\boxed{\frac{3}{4}", Kind.BOX, r"\frac{3}{4}")],
)
def test_segments_of_a_part_that_is_not_closed_run_to_the_end(text: str, kind: Kind, inner: str) -> None:
    (part,) = segments(text)
    assert (part.kind, part.inner(text), part.closed) == (kind, inner, False)


def test_segments_of_a_flood_of_parts_stop_at_the_limit() -> None:
    assert len(segments("# a\n" * (MAX_PARTS + 100))) == MAX_PARTS


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_segments_of_any_text_have_offsets_in_order(text: str) -> None:
    parts = segments(text)
    assert [part.start for part in parts] == sorted(part.start for part in parts)
    assert all(0 <= p.start <= p.inner_start <= p.inner_end <= p.end <= len(text) for p in parts)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        (r"a \boxed{5} b", "5"),
        (r"\fbox{5}", "5"),
        (r"\boxed 5", "5"),
        (r"$\boxed\frac{1}{2}$", r"\frac{1}{2}"),
        (r"\boxed {5}", "5"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{1} and \boxed{a{b}c}", "a{b}c"),
        ("\boxed{5}", "5"),
    ],
)
def test_last_box_in_every_form_gives_its_content(text: str, inner: str) -> None:
    box = last_box(text, len(text))
    assert box is not None
    assert box.inner(text) == inner


@pytest.mark.parametrize(
    ("text", "inner"),
    [("<answer>1</answer><answer>2</answer>", "2"), ("<ANSWER>1</ANSWER>", "1"), ("<answer>1<answer>2</answer>", "2")],
)
def test_last_answer_tag_of_several_is_the_last_one(text: str, inner: str) -> None:
    tag = last_answer_tag(text)
    assert tag is not None
    assert tag.inner(text) == inner
    assert last_answer_tag("no tag, answer> only") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<tool_call>{}</tool_call>", [(Kind.TOOL, "{}", "tool_call")]),
        ("<function_call>f()</function_call>", [(Kind.TOOL, "f()", "function_call")]),
        ("- a\n 2) b\n• c", [(Kind.ITEM, "a", "-"), (Kind.ITEM, "b", "2)"), (Kind.ITEM, "c", "•")]),
        ("> q\n| a | b |", [(Kind.QUOTE, " q", ">"), (Kind.ROW, " a | b |", "|")]),
        (
            "## H\n```python\nx\n```\n# I",
            [(Kind.HEADING, "H", "##"), (Kind.CODE, "x", "python"), (Kind.HEADING, "I", "#")],
        ),
        ("- a\n  ```js\n  y\n  ```", [(Kind.ITEM, "a", "-"), (Kind.CODE, "  y", "js")]),
        ("a</think>b</think>", [(Kind.THINK, "a", "think")]),
        ("<Plan>p</Plan><final.x>f</final.x>", [(Kind.THINK, "p", "plan"), (Kind.ANSWER, "f", "final.x")]),
        ("a - b > c | d # e <t> \\boxedfoo", []),
    ],
)
def test_segments_of_tools_lists_and_own_tags_are_named(text: str, expected: list[tuple[Kind, str, str]]) -> None:
    found = segments(text, {"plan": Kind.THINK, "final.x": Kind.ANSWER})
    assert [(part.kind, part.inner(text), part.name) for part in found] == expected


def test_tag_marks_of_near_misses_are_not_exact() -> None:
    marks = tag_marks("<think>a< Think b='1'></THINK></think ><thinker><answer></answer", ("think", "answer"))
    assert [(m.name, m.closing, m.exact) for m in marks] == [
        ("think", False, True),
        ("think", False, False),
        ("think", True, False),
        ("think", True, False),
        ("answer", False, True),
    ]


@pytest.mark.parametrize("line", ["- {}", "2. {}", "# {}", "> {}", "| a | {} |"])
def test_segments_when_a_line_of_markdown_holds_a_tag_or_box_then_found(line):
    for text in ("<answer>5</answer>", r"\boxed{5}"):
        assert [part.inner(text) for part in segments(text)] == ["5"]
        found = segments(line.format(text))
        assert "5" in [part.inner(line.format(text)) for part in found]
    opened = segments(f"<answer>\n{line.format('5')}</answer>\nmore")
    assert opened[0].closed


@pytest.mark.parametrize("filler", ["word ", "<", "<a>", "<br/> ", "a > b "])
@pytest.mark.parametrize("size", [4_090, 4_096, 8_190, 20_000])
def test_final_span_when_the_last_think_tag_is_far_from_the_end_then_it_is_found(filler: str, size: int) -> None:
    thought = "<think>so</think></think><|im_start|>"
    answer = (filler * size)[:size]
    assert final_span(f"{thought} {answer}<|im_end|></s>") == (len(thought), len(thought) + 1 + size)
    assert final_span(f"{thought}{answer}<think>") is None


@pytest.mark.parametrize("stops", ["</s>", "<|im_end|>\n", "<|end|> </s>"])
def test_final_span_when_stop_tokens_lead_then_they_are_passed_over(stops: str) -> None:
    before = "</think>" + stops * 3
    assert final_span(before + "42" + "</s>" * 5) == (len(before.rstrip()), len(before) + 2)
