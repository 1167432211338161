"""This project's math teacher behind the driver: the fast path first, what it passes on is judged on request."""

from __future__ import annotations

from driver import serve

from verifiers import Sample, Verdict
from verifiers.registry import find
from verifiers.teacher import BaseTeacher


def main() -> None:
    """Serve the teacher `math` with its default options."""
    teacher = find("math").build()
    if not isinstance(teacher, BaseTeacher):
        raise TypeError("the teacher 'math' has no fast path to measure")

    def quick(gold: str, text: str, bare: bool) -> tuple[bool | None, str]:
        verdict = teacher.quick(Sample(text, reference=gold))
        return (None, "passed on to a worker") if verdict is None else _told(verdict)

    def slow(gold: str, text: str, bare: bool) -> tuple[bool | None, str]:
        return _told(teacher.judge(Sample(text, reference=gold)))

    serve(quick, ("grpo-teachers",), slow)


def _told(verdict: Verdict) -> tuple[bool, str]:
    return verdict.reward == 1.0, f"{verdict.status.value}: {verdict.reason} [answer {verdict.answer!r}]"


if __name__ == "__main__":
    main()
