"""The format teacher's options: which tags, in which order, around what kind of answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from verifiers.types import Json

MAX_TAGS = 8
"""Most tag names."""
ANSWER_NAMES = frozenset(["answer", "final_answer", "final", "solution", "output", "response", "result"])
"""Names of a lone tag that holds the answer; any other lone tag holds the thinking."""
THINKING_NAMES = frozenset(
    "think thinking thought thoughts reason reasoning analysis plan planning scratchpad reflection rationale".split()
)
"""Names of tags, besides the first, whose parts must be thought through; parts of others must only not be empty."""
_TAG_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,31}")
_NO_TAGS = ("none", "null")


@dataclass(frozen=True)
class Options:
    r"""Options of the format teacher.

    Attributes:
        tags: Tag names in their order, e.g. `think,answer`; `none` = no tags. Of several, the last holds the answer; of
            one, `think` is followed by the answer and `answer` is preceded by the thinking.
        answer: What the answer must be: text, boxed (one `\boxed{}`), code (one fenced block), json (nothing but one
            JSON object or array), react (Thought / Action / Action Input / Observation / Final Answer).
        order: Tags in the order given (strict) or in any.
        count: Each tag exactly once, or at least once (many; the last one is still the answer).
        outside: Text outside of the tags: refuse, before (only before the first), after (only after the last), allow.
        trailing: Text after the box's line, the code block or the last ReAct step: refuse, allow.
        opened: Who writes the first opening tag: completion, prompt (the chat template), or auto (the prompt if it ends
            in that tag).
        min_words: Least words in a thinking part, 1.5 Han characters counting as one; 0 = it may be empty.
        stop_tokens: A stop token's text at the very end (`<|im_end|>`, `</s>`): refuse, allow.
        language: Language that the code block must name; empty = any or none.
        column: Column of the row that names its preset, for mixed data; empty = none.
    """

    tags: tuple[str, ...] = ("think", "answer")
    answer: Literal["text", "boxed", "code", "json", "react"] = "text"
    order: Literal["strict", "any"] = "strict"
    count: Literal["once", "many"] = "once"
    outside: Literal["refuse", "before", "after", "allow"] = "refuse"
    trailing: Literal["refuse", "allow"] = "refuse"
    opened: Literal["auto", "completion", "prompt"] = "auto"
    min_words: int = 4
    stop_tokens: Literal["refuse", "allow"] = "refuse"
    language: str = ""
    column: str = ""

    def __post_init__(self) -> None:
        names = self.names
        bad = [name for name in names if not _TAG_NAME.fullmatch(name)]
        if bad or len(names) > MAX_TAGS or len(set(names)) != len(names):
            raise ValueError(
                f"tags = {','.join(self.tags)!r}: allowed are at most {MAX_TAGS} different names of letters, digits, "
                "'_', '.', ':' and '-', or none"
            )
        if self.min_words < 0:
            raise ValueError(f"min_words = {self.min_words}: allowed is 0 or more")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tag names in small letters; empty for no tags."""
        return () if self.tags in ((), *((word,) for word in _NO_TAGS)) else tuple(tag.lower() for tag in self.tags)


PRESETS: Mapping[str, Mapping[str, Json]] = {
    "think_answer": {},
    "think": {"tags": ["think"]},
    "answer": {"tags": ["answer"]},
    "think_boxed": {"tags": ["think"], "answer": "boxed"},
    "boxed": {"tags": ["none"], "answer": "boxed"},
    "code": {"tags": ["none"], "answer": "code"},
    "json": {"tags": ["none"], "answer": "json"},
    "react": {"tags": ["none"], "answer": "react"},
    "think_react": {"tags": ["think"], "answer": "react"},
}
"""Named sets of options, one for each usual form."""
