"""This project's math teacher behind the driver: the fast path first, what it passes on is judged on request."""

from __future__ import annotations

import sys

from driver import serve

from verifiers import Sample, Verdict
from verifiers.options import build_options
from verifiers.registry import find
from verifiers.teacher import BaseTeacher


def main() -> None:
    """Serve the teacher `math` with the options of the command line (`key=value`), or its defaults."""
    spec = find("math")
    teacher = spec.build(build_options(spec, dict(text.split("=", 1) for text in sys.argv[1:])))
    if not isinstance(teacher, BaseTeacher):
        raise TypeError("the teacher 'math' has no fast path to measure")

    def quick(gold: str, text: str, bare: bool) -> tuple[bool | None, object]:
        verdict = teacher.quick(Sample(text, reference=gold))
        return (None, "passed on to a worker") if verdict is None else (verdict.reward == 1.0, _Told(verdict))

    def slow(gold: str, text: str, bare: bool) -> tuple[bool | None, object]:
        verdict = teacher.judge(Sample(text, reference=gold))
        return verdict.reward == 1.0, _Told(verdict)

    serve(quick, ("grpo-teachers",), slow)


class _Told:
    """A verdict's line in the report, written after the clock has stopped."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __str__(self) -> str:
        return f"{self.verdict.status.value}: {self.verdict.reason} [answer {self.verdict.answer!r}]"


if __name__ == "__main__":
    main()
