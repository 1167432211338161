"""Hands the catalog's rewards, group by group, to GRPO trainers: `from grpo_bridge import trl_reward`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

# At once, not on first use: they have their files' names, and importing a file later would put it in their place.
from grpo_bridge.advantages import advantages
from grpo_bridge.pairs import pairs

if TYPE_CHECKING:
    from grpo_bridge.trl import trl_reward
    from verifiers.scoring import score_groups

__all__ = ["advantages", "pairs", "score_groups", "trl_reward"]

_HOMES = {"score_groups": "verifiers.scoring", "trl_reward": "grpo_bridge.trl"}


def __getattr__(name: str) -> object:
    """Load on first use, so that importing one adapter loads no other."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
