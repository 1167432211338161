"""Hostile texts cost little, are never paid, and are never run.

The texts are judged in a child process, so that a crash or a hang is a failed test and not the end of the session.
How much CPU and memory they take is measured by `benchmarks/bench_hostile.py`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases.math_hostile import ATTACKS, payloads

from verifiers import Sample, score

TESTS = Path(__file__).parent
CHILD_LIMIT_S = 240.0
"""Far more than the whole corpus needs: only a hang reaches it."""
DEADLINE_S = 20.0
VARIABLE = "MATH_CANARY"
FORMS = ("boxed", "bare", "reference")

JUDGE_ATTACKS = """
import json, sys
from cases.math_hostile import ATTACKS
from verifiers import Sample
from verifiers.registry import find

def pair(form, text):
    if form == "boxed":
        return Sample("The answer is $\\\\boxed{" + text + "}$", reference="1")
    if form == "bare":
        return Sample(text, reference="1")
    return Sample("The answer is $\\\\boxed{1}$", reference=text)

teacher = find("math").build()
for name, build in ATTACKS.items():
    for form in ("boxed", "bare", "reference"):
        try:
            verdict = teacher.quick(pair(form, build()))
            told = None if verdict is None else [verdict.reward, verdict.status.value, verdict.reason]
        except Exception as error:
            told = [None, "raised", repr(error)[:200]]
        print(json.dumps([name, form, told]), flush=True)
"""

JUDGE_PAYLOADS = """
import json, os, sys
from cases.math_hostile import payloads
from verifiers import Sample
from verifiers.registry import find

teacher = find("math").build()
for answer in ("x+1", "\\\\sin 1", "5 km", "\\\\sqrt{2}+1", "x>1", "\\\\{1,2\\\\}", "12:00", "1+i", "\\\\text{yes}"):
    teacher.quick(Sample("\\\\boxed{" + answer + "}", reference="\\\\cos x + 1"))
    teacher.quick(Sample("\\\\boxed{" + answer + "}", reference=answer + "+1"))
teacher.quick(Sample("\\\\boxed{\\\\pi/4}", reference="\\\\arctan 1"))
watched = {"exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.putenv", "subprocess.Popen", "open",
           "pickle.find_class", "import"}
seen = []
sys.addaudithook(lambda event, args: seen.append([event, repr(args)[:100]]) if event in watched else None)
file, variable = sys.argv[1:]
paid = []
for text in payloads(file, variable):
    for sample in (Sample("\\\\boxed{" + text + "}", reference="1"), Sample(text, reference="1"),
                   Sample("\\\\boxed{1}", reference=text), Sample("The answer is " + text, reference="0")):
        verdict = teacher.quick(sample)
        if verdict is not None and verdict.reward == 1.0:
            paid.append([text, sample.reference])
print(json.dumps({"events": seen, "paid": paid, "variable": os.environ.get(variable)}))
"""


def _child(code: str, *arguments: str) -> str:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=CHILD_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def told() -> dict[tuple[str, str], Any]:
    lines = map(json.loads, _child(JUDGE_ATTACKS).splitlines())
    return {(name, form): verdict for name, form, verdict in lines}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_attack_on_fast_path_is_not_paid(name: str, form: str, told: dict[tuple[str, str], Any]) -> None:
    verdict = told[name, form]

    assert verdict is None or (verdict[0] != 1.0 and verdict[1] not in {"failed", "raised"}), verdict


def test_attack_on_whole_engine_ends_and_is_not_paid() -> None:
    samples = [Sample("\\boxed{" + build() + "}", reference="1") for build in ATTACKS.values()]

    verdicts = score(samples, "math", deadline_s=DEADLINE_S)

    paid_or_failed = [(n, v) for n, v in zip(ATTACKS, verdicts, strict=True) if v.reward == 1.0 or v.status == "failed"]
    assert paid_or_failed == []


def test_payload_on_fast_path_runs_nothing(tmp_path: Path) -> None:
    found = json.loads(_child(JUDGE_PAYLOADS, str(tmp_path / "canary"), VARIABLE))

    assert found == {"events": [], "paid": [], "variable": None}
    assert list(tmp_path.iterdir()) == []


def test_payload_on_whole_engine_leaves_no_trace(tmp_path: Path) -> None:
    texts = payloads(str(tmp_path / "canary"), VARIABLE)
    samples = [Sample("\\boxed{" + text + "}", reference="x+1") for text in texts]
    samples += [Sample("\\boxed{x+1}", reference=text) for text in texts]

    verdicts = score(samples, "math")

    assert [verdict for verdict in verdicts if verdict.reward == 1.0] == []
    assert list(tmp_path.iterdir()) == []
    assert VARIABLE not in os.environ
