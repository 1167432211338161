"""No program is paid for anything but solving the task, in any of the sandboxes."""

import json
import os
from pathlib import Path

import pytest

from verifiers.engine import Scorer
from verifiers.types import Sample, Status

CASES = Path(__file__).parent / "cases" / "code_cheats.txt"
ASSERTS = ["assert add(2, 3) == 5", "assert add(10, -4) == 6", "assert add(7, 0) == 7"]
REFERENCES = {
    "func": {"language": "python", "entry_point": "add", "asserts": ASSERTS},
    "duet": {
        "language": "python",
        "entry_point": "add",
        "asserts": "for a, b, c in [(2, 3, 5), (10, -4, 6), (7, 0, 7)]:\n    assert add(a, b) == c",
    },
    "stdio": {
        "language": "python",
        "tests": [{"stdin": "2 3\n", "stdout": "5\n"}, {"stdin": "10 -4\n", "stdout": "6\n"}],
    },
}
HONEST = {
    "func": "def add(a, b):\n    return a + b",
    "duet": "def add(a, b):\n    return a + b",
    "stdio": "print(sum(map(int, input().split())))",
}
MANIFEST_STDIO = {
    "stdio": ("2 3\n", "5"),
    "stdio_sort": ("3 1 2\n", "1 2 3"),
    "stdio_multi": ("2 3\n", "5\n6"),
    "stdio_big": ("123456 654321\n", "777777"),
    "stdio_yes": ("1\n", "YES"),
    "stdio_float": ("1\n", "0.5"),
    "stdio_big_output": ("1\n", "x" * 300_000),
    "stdio_big_input": ("1 2\n" + "9" * 10_000_000, "3"),
}
LANGUAGES = {"py": "python", "js": "javascript", "c": "c", "cpp": "cpp"}
BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), pytest.param("bwrap", marks=pytest.mark.bwrap)]


def cheats():
    for section in CASES.read_text(encoding="utf-8").split("\n### ")[1:]:
        head, source = section.split("\n", 1)
        name, kinds = head.split("|")
        for kind in kinds.split():
            yield f"{name.strip()}-{kind}", kind, source


def sample(kind, source, language="python", reference=None):
    return Sample(f"```{language}\n{source}\n```", reference=reference or REFERENCES[kind])


def test_cheats_when_counted_then_there_are_many_of_each_kind():
    kinds = [kind for _, kind, _ in cheats()]
    assert min(kinds.count(kind) for kind in REFERENCES) >= 25
    assert len({name for name, _, _ in cheats()}) == len(kinds) >= 150


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", BACKENDS)
def test_cheats_when_run_in_a_sandbox_then_none_is_paid_and_the_next_program_is_judged_rightly(backend):
    named = list(cheats())
    samples = []
    for _, kind, source in named:  # an honest one after each cheat: no cheat may disturb it
        honest = f"{HONEST[kind]}\n# {len(samples)}"
        samples += [sample(kind, source), sample(kind, honest)]
    verdicts = Scorer("code", options={"sandbox": backend, "cpu_s": 2.0}).score(samples)
    pairs = list(zip(named, verdicts[::2], verdicts[1::2], strict=True))
    assert [(name, cheat) for (name, *_), cheat, _ in pairs if cheat.reward != 0.0] == []
    assert [(name, after) for (name, *_), _, after in pairs if after.reward != 1.0] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", BACKENDS)
def test_hostile_corpus_when_run_in_a_sandbox_then_every_program_gets_its_class(backend, shared_data):
    folder = shared_data / "code" / "hostile"
    rows = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
    rows = [row for row in rows if row["file"].endswith(".py")]  # other languages: where their compilers are
    samples = []
    for row in rows:
        language = LANGUAGES[row["file"].rsplit(".", 1)[1]]
        reference = {"language": language, "entry_point": "add", "asserts": [each[7:] for each in ASSERTS]}
        if row["kind"] != "func":
            stdin, stdout = MANIFEST_STDIO[row["kind"]]
            reference = {"language": language, "tests": [{"stdin": stdin, "stdout": stdout}]}
        samples.append(sample("", (folder / row["file"]).read_text(encoding="utf-8"), language, reference))
    verdicts = Scorer("code", options={"sandbox": backend}).score(samples)
    assert [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if not as_expected(row, verdict)] == []


def as_expected(row, verdict):
    if row["expect"] == "PASS":
        return verdict.reward == 1.0
    outcome = verdict.parts[-1].details["outcome"].upper() if verdict.parts else ""
    limit = row["expect"].endswith("_LIMIT")
    return (
        verdict.reward == 0.0
        and row["expect"] in ("FAIL", outcome)
        and (not limit or verdict.status is Status.LIMIT_EXCEEDED)
    )


def test_cheats_when_there_is_no_sandbox_then_nothing_is_judged(monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    verdicts = Scorer("code", options={"sandbox": "nowhere:backend"}).score([sample("func", HONEST["func"])])
    assert [(verdict.reward, verdict.status) for verdict in verdicts] == [(None, Status.UNAVAILABLE)]
