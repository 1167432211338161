"""The code teacher's logic, on an honest double of the sandbox: outcomes, credit, limits, early stop, explanations."""

import asyncio
import re

import pytest
from fake_sandbox import FakeBackend

from sandbox.errors import SandboxError, SandboxUnavailable, UnsupportedLanguage
from sandbox.types import Calls, Duet, JobReport, Outcome, Report, Stdio
from verifiers.catalog.code.cases import CASES
from verifiers.engine import Scorer
from verifiers.registry import find
from verifiers.scoring import ascore, score
from verifiers.types import Sample, Status

SQUARES = {"tests": [{"stdin": str(n), "stdout": str(n * n)} for n in range(1, 7)]}
SQUARE = "```python\nprint(int(input()) ** 2)\n```"


def made(backend=None, **options):
    """Return a code teacher on a backend of ours, and the backend."""
    spec = find("code")
    teacher = spec.build(spec.options(**options))
    backend = backend or FakeBackend()

    async def shared():
        if isinstance(backend, Exception):
            raise backend
        return backend

    teacher._host._backend = shared
    return teacher, backend


def judged(completion, reference, backend=None, **options):
    teacher, _ = made(backend, **options)
    return teacher.judge(Sample(completion, reference=reference))


def outcomes(verdict):
    return [part.details["outcome"] for part in verdict.parts]


# The double runs programs in this process: not those that would end it. The contract suite runs all, in a sandbox.
TAME = [case for case in CASES if "_exit" not in str(case.sample.completion) and "grader" not in case.note]


@pytest.mark.parametrize("case", TAME, ids=lambda case: f"{case.kind}: {case.note}")
def test_case_when_judged_on_an_honest_sandbox_then_as_expected(case):
    teacher, _ = made(**case.options)
    verdict = teacher.judge(case.sample)
    usual = {"accept": 1.0, "unscorable": None}.get(case.kind, 0.0)
    assert verdict.reward == (usual if case.reward is None else pytest.approx(case.reward))


def test_verdict_when_all_tests_pass_then_each_has_its_part():
    verdict = judged(SQUARE, SQUARES)
    assert (verdict.reward, verdict.status, verdict.reason) == (1.0, Status.CORRECT, "passes all 6 tests")
    assert outcomes(verdict) == ["pass"] * 6
    assert [part.name for part in verdict.parts] == [f"test {n}" for n in range(1, 7)]
    assert verdict.answer == "print(int(input()) ** 2)"


def test_verdict_when_one_test_fails_then_no_further_one_is_run():
    teacher, backend = made()
    verdict = teacher.judge(
        Sample("```python\nn = int(input())\nprint(n * n if n < 3 else '\x1b[0m')\n```", reference=SQUARES)
    )
    assert outcomes(verdict) == ["pass", "pass", "wrong_answer"]
    assert verdict.reason == "test 3 of 6: wrong_answer: word 1 is '\\x1b[0m', expected '9'"
    assert verdict.parts[2].details["expected"] == "9"
    assert verdict.parts[2].details["seen"] == "\\x1b[0m\\n"
    assert len(backend.jobs) == 1


@pytest.mark.parametrize(
    ("program", "reward", "status"),
    [
        ("n = int(input())\nprint(n * n if n < 4 else 0)", 0.5, Status.PARTIAL),
        ("print(4)", 0.0, Status.INCORRECT),
        ("n = int(input())\nprint(4 if n < 3 else 4)", 0.0, Status.INCORRECT),
        ("n = int(input())\nprint(4, ' ' * n)", 0.0, Status.INCORRECT),
        ("n = int(input())\nprint(-n)", 0.0, Status.INCORRECT),
        ("n = int(input())\nassert n < 4\nprint(n * n)", 0.5, Status.PARTIAL),
        ("n = int(input())\nif n > 1: LIMIT('time_limit')\nprint(n)", 1 / 6, Status.PARTIAL),
        ("LIMIT('time_limit')", 0.0, Status.LIMIT_EXCEEDED),
    ],
)
def test_fraction_when_some_tests_pass_then_their_share_but_nothing_for_a_guess(program, reward, status):
    verdict = judged(f"```python\n{program}\n```", SQUARES, credit="fraction")
    assert verdict.reward == pytest.approx(reward)
    assert verdict.status is status


def test_fraction_when_the_most_frequent_answer_is_half_then_more_than_it_must_pass():
    tests = [{"stdin": str(n), "stdout": "YES" if n % 2 else "NO"} for n in range(8)]
    guess = "n = int(input())\nprint('YES' if n in (1, 3) else 'NO' if n in (0, 2) else n)"
    good = "n = int(input())\nprint('YES' if n % 2 else 'NO' if n else n)"
    assert judged(f"```python\n{guess}\n```", {"tests": tests}, credit="fraction").reward == 0.0
    assert judged(f"```python\n{good}\n```", {"tests": tests}, credit="fraction").reward == 7 / 8


@pytest.mark.parametrize("program", ["print(0, ' ' * n)", "print(0 if n < 2 else -n)", "assert n < 2\nprint(0)"])
def test_fraction_when_only_tests_with_one_answer_pass_then_nothing(program):
    tests = [{"stdin": str(n), "stdout": str(max(0, n - 1))} for n in range(6)]
    assert judged(f"```python\nn = int(input())\n{program}\n```", {"tests": tests}, credit="fraction").reward == 0.0


def test_fraction_when_many_runs_reach_a_limit_then_the_rest_is_not_run():
    verdict = judged("```python\nLIMIT('memory_limit')\n```", SQUARES, credit="fraction")
    assert outcomes(verdict) == ["memory_limit"] * 3


@pytest.mark.parametrize("limit", ["time_limit", "memory_limit", "output_limit"])
@pytest.mark.parametrize(
    "reference",
    [
        {"tests": [{"stdin": "", "stdout": "1"}]},
        {"asserts": "assert f(1) == 1"},
        {"asserts": "x = f(1)\nassert x == 1", "entry_point": "f"},
    ],
    ids=["stdio", "call", "check"],
)
def test_verdict_when_a_run_reaches_a_limit_then_limit_exceeded(limit, reference):
    program = f"def f(x):\n    LIMIT('{limit}')\nif __name__ == '__main__': f(1)"
    verdict = judged(f"```python\n{program}\n```", reference)
    assert (verdict.reward, verdict.status) == (0.0, Status.LIMIT_EXCEEDED)
    assert outcomes(verdict) == [limit]


@pytest.mark.parametrize(
    ("reference", "program", "outcome", "words"),
    [
        ({"tests": [{"stdin": "", "stdout": "1"}]}, "raise ValueError('so')", "runtime_error", "ValueError: so"),
        ({"tests": [{"stdin": "", "stdout": "1"}]}, "print(1)\nraise SystemExit(3)", "runtime_error", "status 3"),
        ({"asserts": "assert f(1) == 1"}, "def f(x): raise KeyError(x)", "runtime_error", "KeyError: 1"),
        ({"asserts": "assert f(1) == 1"}, "def g(x): return 1", "runtime_error", "KeyError"),
        ({"asserts": "assert f(1) == 1"}, "def f(x): return [2]", "wrong_answer", r"f\(1\): expected 1, got \[2\]"),
        ({"asserts": "x = f(1)\nassert x == 1, 'no'"}, "def f(x): return 2", "wrong_answer", "AssertionError: no"),
    ],
)
def test_verdict_when_a_program_fails_then_its_outcome_and_why(reference, program, outcome, words):
    verdict = judged(f"```python\n{program}\n```", reference)
    assert (verdict.reward, verdict.status) == (0.0, Status.INCORRECT)
    assert outcomes(verdict) == [outcome]
    assert re.search(words, verdict.reason)


class Scripted(FakeBackend):
    """Answers every job with one report."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    async def run(self, job, on_report=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        for run, report in enumerate(self.answer.runs):
            if on_report:
                on_report(run, report)
        return self.answer


BROKEN = Report(Outcome.INFRASTRUCTURE, detail="the engine is gone")
REFUSED = Report(Outcome.COMPILE_ERROR, stderr=b"main.c:1: error: no ;")
RIGHT = Report(Outcome.OK, stdout=b"1")


@pytest.mark.parametrize(
    ("answer", "reward", "status", "words"),
    [
        (JobReport(failure=BROKEN), None, Status.FAILED, "the engine is gone"),
        (JobReport((RIGHT, BROKEN)), None, Status.FAILED, "the engine is gone"),
        (JobReport((RIGHT,)), None, Status.FAILED, "1 of 6 runs"),
        (JobReport((RIGHT,) * 9), 0.0, Status.INCORRECT, "test 2 of 6"),
        (JobReport((Report(Outcome.OK, stdout=b"0"),), None, BROKEN), 0.0, Status.INCORRECT, "test 1 of 6"),
        (JobReport(failure=REFUSED), 0.0, Status.INCORRECT, "does not compile: main.c:1: error: no ;"),
        (UnsupportedLanguage("no go here"), None, Status.UNAVAILABLE, "no go here"),
        (SandboxUnavailable("install docker"), None, Status.UNAVAILABLE, "install docker"),
        (SandboxError("odd"), None, Status.FAILED, "odd"),
    ],
)
def test_verdict_when_the_sandbox_answers_so_then_whose_fault_it_was_is_kept(answer, reward, status, words):
    verdict = judged(SQUARE, SQUARES, Scripted(answer))
    assert (verdict.reward, verdict.status) == (reward, status)
    assert words in verdict.reason


def test_verdict_when_there_is_no_backend_then_nothing_is_judged():
    verdict = judged(SQUARE, SQUARES, SandboxUnavailable("No sandbox here. Install docker"))
    assert (verdict.reward, verdict.status) == (None, Status.UNAVAILABLE)
    assert "Install docker" in verdict.reason


def test_bad_reference_when_the_graders_own_code_cannot_run_then_not_judged():
    verdict = judged("def f(x): return 1\n", {"asserts": "import nowhere\nassert f(1) == 1", "entry_point": "f"})
    assert (verdict.reward, verdict.status) == (None, Status.BAD_REFERENCE)


CHECKER = """
import sys
wanted, seen = FILES["expected"], FILES["output"]
sys.exit(0 if sorted(wanted.split()) == sorted(seen.split()) else 1)
"""


@pytest.mark.parametrize(
    ("checker", "reward", "status"),
    [
        (CHECKER, 1.0, Status.CORRECT),
        ("raise SystemExit(1)", 0.0, Status.INCORRECT),
        ("LIMIT('time_limit')", None, Status.BAD_REFERENCE),
        ("import sys\nLIMIT('time_limit') if b'2 1' in FILES['output'] else sys.exit(0)", 0.0, Status.INCORRECT),
    ],
)
def test_checker_program_when_it_ends_with_0_then_the_output_is_right(checker, reward, status):
    reference = {"tests": [{"stdin": "", "stdout": "1 2"}], "checker": {"language": "python", "source": checker}}
    verdict = judged("```python\nprint(2, 1)\n```", reference)
    assert (verdict.reward, verdict.status) == (reward, status)


PLUS = {
    "entry_point": "root",
    "canonical_solution": "def root(x):\n    if x == 9: raise ValueError\n    return x ** 0.5",
    "base_input": [[4.0]],
    "plus_input": [[2.0], [9]],
    "atol": 1e-6,
}


@pytest.mark.parametrize(
    ("program", "reward"),
    [
        ("import math\ndef root(x): return math.sqrt(x)", 1.0),
        ("def root(x): return round(x ** 0.5, 3)", 0.0),
        ("def root(x): return 2.0", 0.0),
        ("def root(x): return None", 0.0),
        ("from decimal import Decimal\ndef root(x): return Decimal('sNaN')", 0.0),
        ("from fractions import Fraction\ndef root(x): return Fraction(16 ** 16000, 3)", 0.0),
    ],
)
def test_evalplus_when_a_program_is_judged_then_by_what_the_solution_returns(program, reward):
    verdict = judged(f"```python\n{program}\n```", PLUS)
    assert verdict.reward == reward
    assert len(verdict.parts) <= 2, "the input that the right solution cannot do is left out"


@pytest.mark.parametrize("solution", ["def root(x): raise ValueError", "def root(x): return object()", "x ="])
def test_evalplus_when_the_solution_fails_then_a_bad_reference(solution):
    verdict = judged("```python\ndef root(x): return 1\n```", {**PLUS, "canonical_solution": solution})
    assert (verdict.reward, verdict.status) == (None, Status.BAD_REFERENCE)


def test_checker_program_when_the_sandbox_fails_then_neither_the_program_nor_the_reference_is_to_blame():
    class Failing(FakeBackend):
        async def run(self, job, on_report=None):
            if job.program.files:
                return JobReport(failure=Report(Outcome.INFRASTRUCTURE, detail="no box"))
            return await super().run(job, on_report)

    reference = {"tests": [{"stdin": "", "stdout": "1"}], "checker": {"language": "python", "source": CHECKER}}
    verdict = judged("```python\nprint(1)\n```", reference, Failing())
    assert (verdict.reward, verdict.status) == (None, Status.FAILED)


def test_evalplus_when_a_group_is_judged_then_the_solution_runs_once():
    teacher, backend = made()
    samples = [Sample(f"```python\ndef root(x): return {n}\n```", reference=PLUS) for n in range(5)]
    assert [verdict.reward for verdict in teacher.score(samples)] == [0.0] * 5
    assert len(backend.jobs) == 6


@pytest.mark.parametrize(
    "program",
    [
        "def double(x): return 2 * x",
        "class Solution:\n    def double(self, x: List[int]): return 2 * x",
        "def double(x): return 2 * x\nclass Solution: pass",
        "class Solution:\n    def double(self, x): return 0\ndouble = lambda x: 2 * x",
    ],
)
def test_function_tests_when_the_program_has_a_class_solution_then_its_method_is_called(program):
    reference = {"inputs": [[[1]], [[2, 3]]], "outputs": [[[1, 1]], [[2, 3, 2, 3]]], "fn_name": "double"}
    assert judged(f"```python\n{program}\n```", reference).reward == 1.0


def test_jobs_when_made_then_nothing_that_is_expected_is_in_them():
    teacher, backend = made()
    for reference in (
        {"tests": [{"stdin": "1", "stdout": "777123"}]},
        {"entry_point": "f", "tests": [{"args": [1], "expected": 777123}]},
        {"asserts": "assert f(1) == 777123"},
        {"asserts": "for x in [1]:\n    assert f(x) == 777123", "entry_point": "f"},
    ):
        teacher.judge(Sample("```python\ndef f(x): return 1\n```", reference=reference))
    assert [type(job.work) for job in backend.jobs] == [Stdio, Calls, Calls, Duet]
    assert all("777123" not in repr((job.program, job.work)) for job in backend.jobs[:3])
    assert "777123" not in repr(backend.jobs[3].program), "only the grader's own process has it"


def test_options_when_they_set_limits_then_runs_have_them():
    teacher, backend = made(cpu_s=1.5, memory_mb=64, output_mb=1)
    teacher.judge(Sample(SQUARE, reference=SQUARES))
    teacher.judge(Sample(SQUARE, reference={**SQUARES, "cpu_s": 3, "memory_mb": 100_000}))
    first, second = (job.limits for job in backend.jobs)
    assert (first.cpu_s, first.memory_bytes, first.output_bytes) == (1.5, 64 << 20, 1 << 20)
    assert (second.cpu_s, second.memory_bytes) == (3.0, 1024 << 20)


@pytest.mark.parametrize(
    "options", [{"cpu_s": 0}, {"memory_mb": 1}, {"slots": -1}, {"language": "cobol"}, {"credit": "x"}]
)
def test_options_when_they_cannot_work_then_refused(options):
    with pytest.raises(ValueError, match=r"allowed|one of"):
        Scorer("code", options=options)


def test_explain_when_asked_then_the_shape_the_program_and_the_limits_are_told():
    teacher, backend = made()
    steps = dict(teacher.explain(Sample(SQUARE, reference=SQUARES)))
    assert steps["reference"] == "stdin/stdout tests: 6 tests, stdin/stdout"
    assert steps["language"] == "python"
    assert steps["program"] == "print(int(input()) ** 2)"
    assert steps["checker"] == "tokens"
    assert not backend.jobs, "explaining runs nothing; the verdict's parts tell what came of it"
    assert teacher.explain(Sample("I do not know.", reference=SQUARES))[0][0] == "not run"


def test_lane_when_thousands_are_scored_then_in_order_and_equal_ones_once():
    teacher, backend = made()
    samples = [
        Sample(f"```python\nprint({n % 500})\n```", reference={"tests": [{"stdin": "", "stdout": "7"}]})
        for n in range(3000)
    ]
    rewards = [verdict.reward for verdict in score(samples, teacher)]
    assert rewards == [float(n % 500 == 7) for n in range(3000)]
    assert len(backend.jobs) == 500


def test_ascore_when_many_calls_are_under_way_then_each_gets_its_own():
    teacher, _ = made()

    async def main():
        calls = [
            ascore(
                [Sample(f"```python\nprint({n})\n```", reference={"tests": [{"stdin": "", "stdout": "7"}]})], teacher
            )
            for n in range(200)
        ]
        return await asyncio.gather(*calls)

    assert [verdict.reward for (verdict,) in asyncio.run(main())] == [float(n == 7) for n in range(200)]
