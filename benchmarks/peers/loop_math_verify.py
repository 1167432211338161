"""The loop people write around math-verify: read a JSON line, verify, write a JSON line. For `bench_cli.py`."""

from __future__ import annotations

import json
import sys

from math_verify import parse, verify


def main() -> None:
    """Score the file named first into the file named second."""
    with open(sys.argv[1], encoding="utf-8") as lines, open(sys.argv[2], "w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            row["reward"] = float(verify(parse(f"${row['reference']}$"), parse(row["completion"])))
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
