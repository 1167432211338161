"""Many teachers as one: `compose("format", member("math", weight=2), how="weighted")`, or a plan in YAML."""

from __future__ import annotations

from verifiers.compose.build import compose, member

__all__ = ["compose", "member"]
