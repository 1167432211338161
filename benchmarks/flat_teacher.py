"""A teacher that costs next to nothing, so that a benchmark measures what lies around it."""

from __future__ import annotations

from typing import ClassVar

from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Sample, Status, Verdict


@teacher(version="1")
class Flat(BaseTeacher):
    """Full marks for a completion that ends with its reference."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, options: object = None) -> None:
        pass

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge at once."""
        is_right = str(sample.completion).endswith(str(sample.reference))
        return Verdict(float(is_right), Status.CORRECT if is_right else Status.INCORRECT, "the end was compared")
