"""Print a scored file, one line a row: `python examples/show.py scored.jsonl`."""

import json
import sys
from pathlib import Path

from verifiers.cli.table import print_table


def main(path: str) -> None:
    """Print what was judged, how, and why."""
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    names = ("id", "reference", "answer", "reward", "status", "reason")
    print_table(names, [[row.get(name) for name in names] for row in rows])


if __name__ == "__main__":
    main(sys.argv[1])
