"""Instruction following as IFBench asks for it: 58 harder kinds of instructions that a rule can check, and IFEval's 25.

Accepts as reference what the benchmark's rows hold, as an object or as JSON text: `{"instruction_id_list": [...],
"kwargs": [{...}, ...]}`, one object of arguments for each instruction; arguments given as null count as absent. An
instruction that repeats the request takes it from `prompt_to_repeat`, else from the row's prompt.

Mode `robust` (the default) gives the right verdict, mode `compat` that of the official checker, strict and loose.

Refuses: unknown ids, missing or unknown arguments (the official checker draws missing ones by chance).

Known limits of mode compat, without NLTK's models: syllables of rare words, whether a text starts with a verb (96 of
100 texts as NLTK's tagger says), sentences that end after a rare abbreviation. Trigrams of `ratio:overlap` are of
characters in both modes, as officially.

Source: Pyatkin et al. 2025 (arXiv 2507.02833), allenai/IFBench.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from verifiers.catalog.ifbench.cases import CASES
from verifiers.catalog.ifbench.tables import IFBENCH
from verifiers.catalog.ifeval.judging import InstructionTeacher, Options
from verifiers.catalog.ifeval.kinds import Kind
from verifiers.catalog.ifeval.tables import IFEVAL
from verifiers.teacher import teacher

__all__ = ["CASES", "IfbenchTeacher"]


@teacher(version="1", options=Options)
class IfbenchTeacher(InstructionTeacher):
    """See the module's docstring."""

    kinds: ClassVar[Mapping[str, Kind]] = {**IFEVAL, **IFBENCH}
