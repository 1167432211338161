"""Tests that drive real trainers, each kind in an environment of its own: the trainers' pins conflict.

    python3 dev.py trainers              all of them
    python3 dev.py trainers trl verl     some

The tests are those marked `trainers` in `tests/test_*_<environment>.py`. An environment lives in .trainers/ and is
made anew only when its requirements change. Torch comes first, in a version of which pip may choose the build: where
there is no GPU, point pip at the CPU wheels (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL or pip's own settings), which are a
tenth of the size.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".trainers"
TORCH = "torch==2.13.0"
TESTING = ("pytest>=8.2", "pytest-timeout>=2.3", "pytest-xdist>=3.6")
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "trl": (TORCH, "trl==1.16.0", "transformers==5.23.0", "datasets==5.2.0", "peft==0.21.2", "aiohttp"),
    "verl": (TORCH, "verl==0.9.1", "transformers==5.10.4", "tensordict==0.10.0", "torchdata==0.11.0", "ray==2.60.0"),
}
"""What pip installs for each, the first before the others, so that nothing chooses another torch."""
PROCESSES = 2
QUIET = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
"""There is no model hub in CI, and threads of two processes hinder each other on two cores."""


def run(names: Sequence[str]) -> list[str]:
    """Make the environments and run their tests.

    Args:
        names: Of environments; none = all.

    Returns:
        The names of those that could not be made, or whose tests failed.
    """
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        print(f"-- no environment {', '.join(unknown)}; there are: {', '.join(ENVIRONMENTS)}")
        return unknown
    return [name for name in names or ENVIRONMENTS if not _passes(name)]


def _passes(name: str) -> bool:
    tests = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob(f"test_*_{name}.py"))
    started = time.monotonic()
    python = _made(name)
    if python is None:
        return False
    print(f"-- {name}: {', '.join(tests)} (environment ready in {time.monotonic() - started:.0f} s)", flush=True)
    command = [str(python), "-m", "pytest", "-q", "-rfEs", "-m", "trainers", "-n", str(PROCESSES), *tests]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **QUIET}, check=False).returncode == 0


def _made(name: str) -> Path | None:
    """Return the environment's Python, or `None` if it cannot be made; says why."""
    folder = HOME / name
    stamp, python = folder / "stamp", folder / "bin" / "python"
    wanted = hashlib.sha256(repr((ENVIRONMENTS[name], TESTING, str(ROOT), sys.version_info)).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    first, *others = ENVIRONMENTS[name]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = ([sys.executable, "-m", "venv", str(folder)], [*pip, first], [*pip, first, *others, *TESTING])
    for step in (*steps, [*pip, "-e", str(ROOT)]):
        done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            print(f"-- {name}: this command failed: {' '.join(step)}\n{done.stdout}", flush=True)
            return None
    stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    failed = run(sys.argv[1:])
    print(f"-- trainers: {'FAILED: ' + ', '.join(failed) if failed else 'ok'}")
    sys.exit(1 if failed else 0)
