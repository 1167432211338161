"""The door for engines of other packages, which judge a run's rows elsewhere: `verify score --engine NAME`.

    [project.entry-points."verify.engines"]
    ray = "grpo_bridge.ray_score:engine"

An engine is a function of (RunConfig, least parts or None, OnProgress, OnColumns) that returns a Summary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from verifiers.errors import UsageError
from verifiers.io.config import OnColumns, OnProgress, RunConfig
from verifiers.io.summary import Summary

ENGINE_GROUP = "verify.engines"

Engine: TypeAlias = Callable[[RunConfig, int | None, OnProgress, OnColumns], Summary]


def load_engine(name: str) -> Engine:
    """Import the engine of that name.

    Raises:
        UsageError: If there is none.
    """
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group=ENGINE_GROUP)}
    if name not in found:
        raise UsageError(f"--engine {name}: there is none of that name; there are: {', '.join(found) or 'none'}")
    engine: Engine = found[name].load()
    return engine


def check_engine(name: str | None, parts: int | None, output: str | None, others: dict[str, bool]) -> None:
    """Refuse options that do not go together.

    Args:
        name: Of `--engine`.
        parts: Of `--parts`.
        output: Of `--output`.
        others: Options that no engine takes, and whether they were given.

    Raises:
        UsageError: If one was given with an engine, or `--parts` without.
    """
    if name is None:
        if parts is not None:
            raise UsageError("--parts is for --engine: it says into how many parts the rows are cut")
        return
    given = [option for option, is_given in others.items() if is_given]
    if given:
        raise UsageError(f"--engine {name} does not go with {', '.join(given)}")
    if output in (None, "-"):
        raise UsageError(f"--engine {name} needs a folder for its output: -o scored/")
