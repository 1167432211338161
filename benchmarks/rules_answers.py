"""Answers in many phrasings to real questions: the lines of `choice`, `qa` and `numeric` for `bench_rules.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from common import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from answers_bar import LINES


def lines(folder: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is asked, the bar, what was measured, and whether it holds."""
    for line in LINES:
        found = line.measure(folder)
        yield line.name, line.wanted, f"{found.right} of {found.total} ({found.share:.2%})", line.holds(found)
        for difference in found.differences[:20]:
            print(f"{line.name}: {difference}", file=sys.stderr)
