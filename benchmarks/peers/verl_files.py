"""Load verl's scorer files as they are, without the package's face, which imports torch and ray."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from types import ModuleType

FACES = ("verl", "verl.utils", "verl.utils.reward_score")


def scorer(name: str) -> ModuleType:
    """Import `verl.utils.reward_score.<name>` below empty packages, so that only the scorer's own imports run.

    `prime_math` uses a helper file that also imports a `Metric` type, which needs torch and which the scorer never
    uses: an empty class stands in for it.
    """
    for face in FACES:
        if face not in sys.modules:
            module = types.ModuleType(face)
            module.__path__ = [str(_root().joinpath(*face.split(".")[1:]))]
            sys.modules[face] = module
    metric = types.ModuleType("verl.utils.metric")
    metric.__dict__["Metric"] = type("Metric", (), {})
    sys.modules.setdefault(metric.__name__, metric)
    return importlib.import_module(f"verl.utils.reward_score.{name}")


def _root() -> Path:
    for folder in sys.path:
        if (Path(folder) / "verl" / "utils" / "reward_score").is_dir():
            return Path(folder) / "verl"
    raise ImportError("the package verl is not installed in this environment; run bench_math.py, which installs it")
