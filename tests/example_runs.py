"""Runs an example as a user would."""

import subprocess
import sys
from pathlib import Path

RUN_S = 240


def printed(root: Path, name: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", str(root / "examples" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
