"""Fill the parts of both READMEs that a run prints: the demo, one explanation, the Python example, the numbers.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. Used by `generate.py`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
SCORED = "scored.jsonl"
DEMO_ROWS = (
    *("id", "muffins-1", "muffins-2", "muffins-3", "muffins-4", "train-3", "train-4", "surd-1", "surd-2", "surd-3"),
    *("interval-2", "factor-1", "factor-4", "zh-sale-1", "zh-tank-3", "lastdigit-3", "lastdigit-4", "cut-off-1"),
)
"""What the README shows of the 48 rows."""
EXPLAINED = (r"so it is $\boxed{1-\frac{1}{2005}}$", r"\frac{2004}{2005}")
OURS, RIVAL = "grpo-teachers `math`", "math-verify 0.9.0"
HEADERS = {
    "README.md": ("set", "pairs", "scorer", "right", "false positives", "false negatives", "CPU ms a pair", "p99"),
    "README.zh-CN.md": ("数据集", "对数", "评分器", "正确率", "误判为对", "误判为错", "每对 CPU 毫秒", "p99"),
}
SHOWN_COLUMNS = ("pairs", "scorer", "accuracy", "FP", "FN", "CPU ms mean", "p99")
PART = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.S)
TIMED = re.compile(r"^(slowest|time) .*\n", re.M)


class Run(NamedTuple):
    """A program and what it printed, as one would see it in a terminal."""

    typed: str
    printed: str


def readmes() -> dict[Path, str]:
    """Return each README's path and text, its parts filled anew."""
    demo, explanation = demo_text(), explain_text()
    filled = {}
    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        parts = {"demo": demo, "explain": explanation, "python": python_text(text), "numbers": numbers_text(name)}
        filled[ROOT / name] = fill(text, parts)
    return filled


def fill(text: str, parts: Mapping[str, str]) -> str:
    """Return the text with each part's content replaced."""
    return PART.sub(lambda match: f"{match[1]}{parts[match[2]]}{match[3]}", text)


def timeless(text: str) -> str:
    """Return the text without the lines that differ from run to run."""
    return TIMED.sub("", text)


def demo_text() -> str:
    """Score the example file and show the summary and some of the rows."""
    with TemporaryDirectory() as folder:
        scored = str(Path(folder) / SCORED)
        score = run("verify", "score", "--task", "math", "examples/math.jsonl", "-o", scored)
        show = run("python", "examples/show.py", scored)
    rows = "\n".join(chosen(show.printed.splitlines()))
    text = fenced(f"$ {score.typed}\n{score.printed}\n\n$ {show.typed}\n{rows}")
    return text.replace(scored, SCORED)


def chosen(lines: Sequence[str]) -> Iterator[str]:
    """Yield the rows to show, with a mark where others are left out."""
    last = -1
    for index, line in enumerate(lines):
        if line.split()[0] in DEMO_ROWS:
            if index != last + 1:
                yield "…"
            yield line
            last = index
    yield "…"


def explain_text() -> str:
    """Explain one judgement."""
    completion, reference = EXPLAINED
    shown = run("verify", "explain", "--task", "math", "--completion", completion, "--reference", reference)
    typed = shown.typed.replace(completion, f"'{completion}'").replace(reference, f"'{reference}'")
    return fenced(f"$ {typed}\n{shown.printed}")


def python_text(readme: str) -> str:
    """Run the README's Python example and return what it prints.

    Raises:
        ValueError: If the README has no such example.
    """
    example = re.search(r"^```python\n(from verifiers import .*?)^```$", readme, re.M | re.S)
    if example is None:
        raise ValueError("the README has no ```python block that starts with 'from verifiers import'")
    return fenced(run("python", "-c", example[1]).printed)


def numbers_text(readme: str) -> str:
    """Return our and math-verify's rows of the benchmark's tables, with where and when they were measured."""
    if not RESULTS.is_file():
        return ""
    section = RESULTS.read_text(encoding="utf-8").partition("\n## Math: ours and peers\n")[2].partition("\n## ")[0]
    header = HEADERS[readme]
    lines = [section.strip().partition("\n")[0], "", row(header), row(["---"] * len(header))]
    for block in section.split("\n### ")[1:]:
        name, _, body = block.partition("\n")
        table = read_table(body)
        lines += [row([f"`{name}`", *shown]) for shown in compared(table)]
    return "\n".join(lines) + "\n"


def compared(table: Sequence[Mapping[str, str]]) -> Iterator[list[str]]:
    """Yield the cells of our row and of the rival's, where the table has both."""
    by_scorer = {line["scorer"]: line for line in table if line.keys() >= set(SHOWN_COLUMNS)}
    if OURS in by_scorer and RIVAL in by_scorer:
        for scorer in (OURS, RIVAL):
            yield [by_scorer[scorer][column] for column in SHOWN_COLUMNS]


def read_table(text: str) -> list[dict[str, str]]:
    """Return a Markdown table's rows by column."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]] if lines else []


def row(cells: Sequence[str]) -> str:
    """Return a Markdown table row."""
    return f"| {' | '.join(cells)} |"


def run(*command: str) -> Run:
    """Run `verify` or `python` of this environment at the project's root.

    Raises:
        RuntimeError: If it fails; the text is what it printed.
    """
    program = [sys.executable, *(["-m", "verifiers"] if command[0] == "verify" else []), *command[1:]]
    done = subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    return Run(" ".join(command), done.stdout.rstrip())


def fenced(text: str) -> str:
    """Return the text as a block of code."""
    return f"```text\n{text}\n```\n"
