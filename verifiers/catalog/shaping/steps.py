r"""A reward for reasoning in marked steps, in [0, 1]: min(1, steps / target).

Counts what starts with a marker and then says something: `Step 1:`, `1.`, `-`, `*` at a line's start, `First,`
`Second,` `Next,` `Finally,`, and in Chinese 第一步, 步骤1, 首先, 其次, 接着, 然后, 最后.

open-r1 `reasoning_steps_reward` counts the same English markers (target 3); it pays `Step 1: Step 2: Step 3:`, and
numbers only at the text's very start.

A step counts if `min_words` words follow before the next marker, and not the words of an earlier step. So bare markers
and copies of one step earn nothing. Known limit: what a step says is not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from verifiers.catalog.shaping._measure import not_judged
from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.text import visible, words
from verifiers.types import Sample, Status, Verdict, text_of

MAX_STEPS = 10_000
"""At most so many markers are looked at."""
STEP_CHARS = 400
"""So much of a step is read for its words."""

# Each branch starts with a character of its own, so that the search skips what can start none; `(?<!\w.)` is a word's
# start seen from behind its first letter.
_MARKER = re.compile(
    r"(?:[Ss](?<!\w.)tep\s?\d{1,4}\s?[:.)]|\n[ \t]{0,8}+(?:\d{1,3}[.)]|[-*•])[ \t*]"
    r"|[FfSsTtNnLl](?<!\w.)(?:(?<=[Ff])(?:irst(?:ly)?|inally)|(?<=[Ss])econd(?:ly)?|(?<=[Tt])(?:hird(?:ly)?|hen)"
    r"|(?<=[Nn])ext|(?<=[Ll])astly),"
    r"|第[一二三四五六七八九十\d]{1,3}步|步骤\s?[一二三四五六七八九十\d]{1,3}|首先|其次|接着|然后|最后)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Options:
    """Options of the step teacher.

    Attributes:
        target: Steps that earn the whole reward.
        min_words: Least words of a step.
        target_column: Column with the row's own target; empty = none.
    """

    target: int = 3
    min_words: int = 3
    target_column: str = ""

    def __post_init__(self) -> None:
        if self.target < 1 or self.min_words < 1:
            raise ValueError(f"target = {self.target}, min_words = {self.min_words}: allowed are 1 or more")


def count_steps(text: str, min_words: int) -> int:
    """Return the number of marked steps that say something new."""
    text = "\n" + text
    marks = list(islice(_MARKER.finditer(text), MAX_STEPS))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    said: set[tuple[str, ...]] = set()
    for start, end in zip((mark.end() for mark in marks), ends, strict=False):
        body = tuple(words(text[start : min(end, start + STEP_CHARS)].casefold()))
        if len(body) >= min_words and len(set(body)) > 1:
            said.add(body)
    return len(said)


@teacher(version="1", options=Options)
class StepsTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in linear time."""
        target = self.options.target
        if self.options.target_column:
            own = sample.meta.get(self.options.target_column)
            if isinstance(own, bool) or not isinstance(own, int) or own < 1:
                return not_judged(f"the column {self.options.target_column!r} must hold a whole number of 1 or more")
            target = own
        steps = count_steps(visible(text_of(sample.completion)), self.options.min_words)
        reward = min(1.0, steps / target)
        status = Status.CORRECT if reward == 1.0 else Status.PARTIAL if steps else Status.INCORRECT
        return Verdict(reward, status, f"{steps} marked steps that say something, of {target}")

    def judge(self, sample: Sample) -> Verdict:
        """Judge as `quick` does."""
        return self.quick(sample)


CASES = [
    accept("Step 1: add 12 and 30.\nStep 2: halve the sum 42.\nStep 3: the half is 21."),
    accept("1. Add both numbers.\n2. Halve the sum.\n3. Read off 21."),
    accept("首先，把十二和三十相加。然后把和除以二。最后得到二十一。"),
    reject("It is simply 21."),
    reject("First, add 12 and 30. Finally, halve the sum.", reward=2 / 3),
    adversarial("Step 1: Step 2: Step 3:", note="bare markers"),
    adversarial("First,Second,Finally,", note="bare markers"),
    adversarial("- add both numbers\n- add both numbers\n- add both numbers", reward=1 / 3, note="copies"),
    unscorable("1. Add both numbers.", options={"target_column": "n_steps"}, note="no target"),
]
