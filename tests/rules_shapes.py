"""Hostile texts of any size, and the settings (options and references) in which a teacher meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from verifiers.registry import catalog_names, find
from verifiers.teacher import Case
from verifiers.types import Json, Sample, text_of

NOT_RULES = {"math", "compose", "code", "judge"}
"""Teachers that are no rules: they have bounds and benchmarks of their own."""
LABEL_CHARS = 60


@dataclass(frozen=True)
class Setting:
    """A teacher's options and the sample whose completion is replaced.

    Attributes:
        name: For reports.
        sample: Reference, prompt and meta of one of the teacher's cases.
        options: Of that case.
        completion: Of that case.
    """

    name: str
    sample: Sample
    options: Mapping[str, Json] = field(default_factory=dict)
    completion: str = ""


def rule_teachers() -> list[str]:
    """Return the names of the teachers that are rules."""
    return [name for name in catalog_names() if name.partition("/")[0] not in NOT_RULES]


def settings_of(name: str) -> list[Setting]:
    """Return every distinct setting that a teacher's cases name."""
    found: dict[str, Setting] = {}
    for case in find(name).cases:
        if case.kind == "unscorable":
            continue
        key = repr((sorted(case.options.items()), case.sample.reference, sorted(case.sample.meta)))
        found.setdefault(key, Setting(_label(case), case.sample, case.options, text_of(case.sample.completion)))
    for example in _rule_examples() if name == "rules" else ():
        found.setdefault(example, Setting(example, Sample("", "Say something.", f"rules:\n  - {example}")))
    return list(found.values())


def instruction_settings(rows: Iterable[Mapping[str, Any]]) -> list[Setting]:
    """Return a setting for each kind of instruction in rows of IFEval or IFBench."""
    found: dict[str, Setting] = {}
    for row in rows:
        for kind, arguments in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            reference = {"instruction_id_list": [kind], "kwargs": [arguments]}
            found.setdefault(kind, Setting(kind, Sample("", row["prompt"], reference), {}, row["response"]))
    return list(found.values())


def _rule_examples() -> Iterator[str]:
    """Yield a rule of every kind that the rule language has, as its documents show it."""
    from verifiers.catalog.rules.table import kinds  # here: other teachers' tests do not need them

    for kind in kinds().values():
        yield from kind.examples


def _label(case: Case) -> str:
    options = " ".join(f"{key}={value}" for key, value in case.options.items())
    return " ".join(f"{options} {case.sample.reference!r}".split())[:LABEL_CHARS]


def _repeated(piece: str) -> Callable[[int, str], str]:
    return lambda size, _completion: (piece * (size // len(piece.encode()) + 1))[
        : max(1, size * len(piece) // len(piece.encode()))
    ]


def _own(size: int, completion: str) -> str:
    """Return the case's own completion over and over."""
    return _repeated(f"{completion or 'x'}\n")(size, "")


def _around(head: str, piece: str, tail: str) -> Callable[[int, str], str]:
    return lambda size, _completion: head + _repeated(piece)(size, "") + tail


_THINKING = "<think>I add the two numbers and check the sum once more.</think>\n<answer>"

SHAPES: Mapping[str, Callable[[int, str], str]] = {
    "own completion repeated": _own,
    "own completion, then spaces": lambda size, completion: completion + " " * size,
    "spaces, then own completion": lambda size, completion: " " * size + completion,
    "one letter": _repeated("a"),
    "spaces": _repeated(" "),
    "line ends": _repeated("\n"),
    "digits": _repeated("7"),
    "numbers": _repeated("1,234.5 "),
    "commas": _repeated("1,"),
    "words": _repeated("the quick brown fox "),
    "sentences": _repeated("Dr. Who said so, e.g. today. It is! Is it? "),
    "capitals": _repeated("A. B) (C) D: "),
    "Chinese": _repeated("的答案是对。"),
    "accents": _repeated("e\u0301"),
    "zero-width": _repeated("\u200b"),
    "open tags": _repeated("<think>"),
    "open angle brackets": _repeated("<"),
    "answers": _repeated("<answer>1</answer>"),
    "a huge answer": _around(_THINKING, "word ", "</answer>"),
    "a huge thought": _around("<think>", "so it goes on and on ", "</think>\n<answer>42</answer>"),
    "open boxes": _repeated("\\boxed{"),
    "open braces": _repeated('{"a":'),
    "open brackets": _repeated("["),
    "a long list": _around("[", '{"a": 1}, ', "1]"),
    "a long text in JSON": _around('{"answer": "', "x ", '"}'),
    "calls": _repeated('<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>'),
    "a huge call": _around("[f(x=[", "1, ", "1])]"),
    "code fences": _repeated("```\n"),
    "asterisks": _repeated("*"),
    "bold words": _repeated("**a** *b* "),
    "bullets": _repeated("* a\n"),
    "headings": _repeated("# a\n\n"),
    "tables": _repeated("| a | b |\n|---|---|\n"),
    "quotes": _repeated('"'),
    "parentheses": _repeated("("),
    "links": _repeated("[a](http://a.b/c) "),
    "emails and dates": _repeated("a.b@c.de 2024-01-02 12:30 "),
    "placeholders": _repeated("[a] "),
    "answer phrases": _repeated("The answer is B. "),
    "wait, no": _repeated("Wait, no. "),
    "SQL": _around("SELECT ", "a, ", "a FROM t"),
    "nested SQL": _repeated("SELECT (SELECT "),
    "backslashes": _repeated("\\"),
    "periodic": _repeated("ab" * 40 + "c"),
}
"""Name -> (bytes, the case's own completion) -> text of about so many bytes."""
