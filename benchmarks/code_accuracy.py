"""The code teacher's verdicts: canonical solutions, mutants against plain execution, cheats and hostile programs."""

from __future__ import annotations

import ast
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifiers.engine import Scorer
from verifiers.types import Sample, Verdict

OPTIONS: dict[str, Any] = {}
"""Of the teacher, set by the command line."""
NATIVE_S = 10.0
SEED = 7
_FLIPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.And: ast.Or, ast.Or: ast.And, ast.FloorDiv: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Accuracy:
    """One promise and what was found.

    Attributes:
        name: What was judged.
        wanted: The bar.
        found: What came of it.
        holds: Whether the bar is reached.
        misses: Ids with reasons.
    """

    name: str
    wanted: str
    found: str
    holds: bool
    misses: tuple[str, ...] = ()


Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Read a file of rows."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


NOT_TESTS = ("prompt", "task_id", "description", "contract")


def sample(row: Row) -> Sample:
    """Return the sample of a data set's row and its canonical solution."""
    reference = {
        key: value for key, value in row.items() if key not in ("prompt", "task_id", "description", "contract")
    }
    return Sample(row["canonical_solution"], prompt=row["prompt"], reference=reference)


def canonical(name: str, rows: Sequence[Row], share: float, native: Callable[[Row], bool] | None) -> Accuracy:
    """Score canonical solutions; those that fail under plain execution too are left out.

    Args:
        name: For the report.
        rows: With canonical solutions.
        share: That must be right.
        native: Whether a row passes without us; asked only about misses.
    """
    verdicts = Scorer("code", options=OPTIONS).score([sample(row) for row in rows])
    missed = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if verdict.reward != 1.0]
    ours = [(row, verdict) for row, verdict in missed if native is None or native(row)]
    total = len(rows) - len(missed) + len(ours)
    right = total - len(ours)
    left_out = f"; {len(missed) - len(ours)} fail under plain execution too" if len(missed) > len(ours) else ""
    return Accuracy(
        f"{name}, canonical solutions", f">= {share:.1%}", f"{right} of {total}{left_out}", right >= share * total,
        tuple(f"{row['task_id']}: {verdict.reason[:160]}" for row, verdict in ours),
    )  # fmt: skip


def python_native(row: Row) -> bool:
    """Whether a row's program and tests pass in a plain interpreter."""
    test = row.get("test") or f"def check(f):\n{_indented(row['assertion'])}"
    program = f"{row['prompt']}{row['canonical_solution']}\n{test}\ncheck({row['entry_point']})\n"
    return _passes([sys.executable, "-I", "-c", program])


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())


def cpp_native(row: Row) -> bool:
    """Whether a row's program and test compile and pass with this machine's g++."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.cpp"
        source.write_text(f"{row['prompt']}{row['canonical_solution']}\n{row['test']}")
        command = ["g++", "-O2", "-std=gnu++17", "-w", "-o", f"{folder}/main", str(source)]
        return _passes(command, 60.0) and _passes([f"{folder}/main"])


def js_native(row: Row) -> bool:
    """Whether a row's program and test pass with this machine's Node; a stand-in for lodash's `isEqual` is enough."""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "node_modules" / "lodash"
        module.mkdir(parents=True)
        (module / "index.js").write_text("exports.isEqual = require('util').isDeepStrictEqual;")
        source = Path(folder) / "main.js"
        source.write_text(f"{row['prompt']}{row['canonical_solution']}\n{row['test']}")
        return _passes(["node", str(source)])


def _passes(command: Sequence[str], limit_s: float = NATIVE_S) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def mutants(rows: Sequence[Row], count: int) -> Accuracy:
    """Compare verdicts on programs with one change each with those of plain execution."""
    made = [mutant for row in rows if (mutant := _mutated(row, random.Random(f"{SEED}{row['task_id']}")))]
    chosen = made[:: max(1, len(made) // count)][:count]
    verdicts = Scorer("code", options={**OPTIONS, "cpu_s": 3.0}).score([sample(row) for row in chosen])
    plain = [python_native(row) for row in chosen]
    apart = [
        f"{row['task_id']}: {'passes' if passes else 'fails'} in a plain interpreter; {verdict.reason[:140]}"
        for row, verdict, passes in zip(chosen, verdicts, plain, strict=True)
        if (verdict.reward == 1.0) != passes or verdict.reward is None
    ]
    agree = len(chosen) - len(apart)
    return Accuracy(
        f"mutants of HumanEval and MBPP ({sum(plain)} of them pass)", ">= 99.5%",
        f"{agree} of {len(chosen)} agree with plain execution", agree >= 0.995 * len(chosen), tuple(apart),
    )  # fmt: skip


def _mutated(row: Row, choose: random.Random) -> Row | None:
    """Return the row with one operator or number of its solution changed; `None` = there is none."""
    try:
        tree = ast.parse(row["prompt"] + row["canonical_solution"])
    except SyntaxError:
        return None
    places = list(_places(tree, row["entry_point"]))
    if not places:
        return None
    node, field = choose.choice(places)
    value = getattr(node, field)
    if isinstance(value, list):
        value[0] = _FLIPS[type(value[0])]()
    else:
        setattr(node, field, value + 1 if isinstance(value, int) else _FLIPS[type(value)]())
    return {**row, "prompt": "", "canonical_solution": f"{ast.unparse(tree)}\n"}


def _places(tree: ast.AST, entry_point: str) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in _FLIPS:
            yield node, "op"
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _FLIPS:
            yield node, "ops"
        if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 100:
            yield node, "value"


def hostile(folder: Path, expected: Callable[[Row, Verdict], bool], samples: Callable[[Row], Sample]) -> Accuracy:
    """Score the corpus of cheats and hostile programs."""
    rows = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
    verdicts = Scorer("code", options=OPTIONS).score([samples(row) for row in rows])
    missed = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if not expected(row, verdict)]
    paid = sum(verdict.reward not in (0.0, None) for row, verdict in missed if row["expect"] != "PASS")
    return Accuracy(
        "cheats and hostile programs", "every one its class, 0 paid",
        f"{len(rows) - len(missed)} of {len(rows)}, {paid} paid", not missed,
        tuple(f"{row['file']}: wanted {row['expect']}; {verdict.reason[:140]}" for row, verdict in missed),
    )  # fmt: skip


def lines(data: Path, mutant_count: int) -> Iterator[Accuracy]:
    """Yield all measurements on the data beside the checkout."""
    sets = data / "mxeval"
    human_eval, mbpp = rows_of(data / "HumanEval.jsonl.gz"), rows_of(sets / "mbpp_release_v1.jsonl.gz")
    yield canonical("HumanEval", human_eval, 1.0, None)
    yield canonical("MBPP (mxeval)", mbpp, 0.995, python_native)
    yield canonical("MBPP+", rows_of(data / "MbppPlus.jsonl.gz"), 1.0, None)
    for name, file, native in (
        ("C++ (MBCPP)", "mbcpp_release_v1.2.jsonl.gz", cpp_native),
        ("JavaScript (MBJSP)", "mbjsp_release_v1.2.jsonl.gz", js_native),
    ):
        yield canonical(name, [row for row in rows_of(sets / file) if row["canonical_solution"]], 0.99, native)
    yield mutants([*human_eval, *mbpp], mutant_count)
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    import test_code_cheats as cheats

    yield hostile(data / "hostile", cheats.as_expected, lambda row: _hostile_sample(data / "hostile", row, cheats))


def _hostile_sample(folder: Path, row: Row, cheats: Any) -> Sample:
    language = cheats.LANGUAGES[os.path.splitext(row["file"])[1][1:]]
    reference: Row = {"language": language, "entry_point": "add", "asserts": [each[7:] for each in cheats.ASSERTS]}
    if row["kind"] != "func":
        stdin, stdout = cheats.MANIFEST_STDIO[row["kind"]]
        reference = {"language": language, "tests": [{"stdin": stdin, "stdout": stdout}]}
    source = (folder / row["file"]).read_text(encoding="utf-8")
    return Sample(f"```{language}\n{source}\n```", reference=reference)
