"""Small files scored with a teacher that fails as it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verifiers.io.config import RunConfig
from verifiers.io.run import score_file
from verifiers.io.summary import Summary

TOY = str(Path(__file__).parent / "cases" / "toy_teacher.py")


def row(i: int, word: str = "fast") -> dict[str, Any]:
    return {"id": i, "prompt": f"p{i // 4}", "completion": f"{word} {i % 3}", "reference": "1"}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def config_of(source: Path, output: Path | str | None, **fields: Any) -> RunConfig:
    return RunConfig(TOY, [str(source)], None if output is None else str(output), **fields)


def score_rows(tmp_path: Path, rows: list[dict[str, Any]], **fields: Any) -> tuple[Summary, list[dict[str, Any]]]:
    output = tmp_path / "out.jsonl"
    summary = score_file(config_of(write(tmp_path / "in.jsonl", rows), output, **fields))
    return summary, rows_of(output)
