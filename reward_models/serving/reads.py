"""What a reward model's teacher reads of the model's folder, as a line of its stamp; nothing heavy is loaded for it."""

from __future__ import annotations

import json
from pathlib import Path

from verifiers.stamps import stamp_line

SMALL = frozenset({".json", ".jinja", ".model", ".py", ".tiktoken", ".txt"})
"""Endings of configuration, card, tokenizer, template and code."""
WEIGHTS = frozenset({".bin", ".ckpt", ".pkl", ".pt", ".pth", ".safetensors"})
ADAPTER_CONFIG = "adapter_config.json"


def model_stamp(model: str, *, with_weights: bool = True) -> str:
    """Return the line of a model; `""` for a hub id, whose files only change with its revision.

    Args:
        model: As the user names it.
        with_weights: Whether they are read, too, and of adapters the base.
    """
    folder = Path(model)
    if not folder.is_dir():
        return ""
    folders = [folder, *_base(folder)] if with_weights else [folder]
    return stamp_line(model, folders, SMALL | WEIGHTS if with_weights else SMALL)


def _base(folder: Path) -> list[Path]:
    """Return the folder of the base that adapters stand on, where there is one."""
    try:
        base = Path(json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"])
        return [base] if base.is_dir() else []
    except (OSError, ValueError, KeyError, TypeError):  # no adapters; or a broken folder, which the loader tells of
        return []
