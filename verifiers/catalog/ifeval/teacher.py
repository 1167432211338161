"""Instruction following as IFEval asks for it: 25 kinds of instructions that a rule can check.

Accepts as reference what the benchmark's rows hold, as an object or as JSON text: `{"instruction_id_list": [...],
"kwargs": [{...}, ...]}`, one object of arguments for each instruction; arguments given as null count as absent. An
instruction that repeats the request takes it from `prompt_to_repeat`, else from the row's prompt.

Mode `robust` (the default) gives the right verdict: keywords are text and whole words in every script, words are what
a reader counts, a title is a title. Mode `compat` gives the verdict of the official checker, strict and loose, and the
same one in every run: the official one asks an unseeded language detector.

Refuses: unknown ids, missing or unknown arguments, a keyword that is no regular expression in mode compat, where the
official checker raises. Where the official checker draws a missing argument by chance, the reference is bad.

Known limits: languages need the extra `rules`; text of fewer than 60 letters is told by its script in mode robust.

Source: Zhou et al. 2023 (arXiv 2311.07911), google-research/instruction_following_eval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from verifiers.catalog.ifeval.cases import CASES
from verifiers.catalog.ifeval.judging import InstructionTeacher, Options
from verifiers.catalog.ifeval.kinds import Kind
from verifiers.catalog.ifeval.tables import IFEVAL
from verifiers.teacher import teacher

__all__ = ["CASES", "IfevalTeacher"]


@teacher(version="1", options=Options)
class IfevalTeacher(InstructionTeacher):
    """See the module's docstring."""

    kinds: ClassVar[Mapping[str, Kind]] = IFEVAL
