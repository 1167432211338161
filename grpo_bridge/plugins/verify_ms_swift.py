"""Loaded by ms-swift as `--external_plugins`: enters the catalog's teachers into its reward functions."""

from __future__ import annotations

from importlib import import_module

from grpo_bridge.ms_swift import register

register(import_module("swift.rewards").orms)
