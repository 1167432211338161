"""What was built on this machine: digests of images, and root folders for bubblewrap."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox.image.recipe import Recipe, UnknownExtra, recipe

_IMAGES = "images.json"
MAX_NOTED = 3
"""Digests that are remembered for one name: the newest, and those before it that programs may still run in."""
_ROOTS = "roots"
ROOT_LABEL = "grpo-teachers.recipe"
"""File of a root folder that says which recipe made it."""


def folder() -> Path:
    """Return the folder that all this is kept in, whether it exists or not."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "grpo-teachers" / "sandbox"


def label(made: Recipe) -> str:
    """Return an image's label: the recipe in words that `parse_label` reads."""
    return " ".join([made.digest, made.source, *made.extras])


def parse_label(text: str) -> Recipe | None:
    """Return the recipe that a label names; `None` if it is none of today's."""
    digest, source, *extras = text.split() or ["", "", ""]
    try:
        made = recipe(source, [extra for extra in extras if extra])
    except (UnknownExtra, ValueError):
        return None
    return made if made.digest == digest else None


def note_digest(tag: str, digest: str) -> None:
    """Remember which image was built; before it gets its name, so that no moment is without a note of it."""
    kept = [digest, *(old for old in noted_digests(tag) if old != digest)]
    _write({**_noted(), tag: " ".join(kept[:MAX_NOTED])})


def noted_digests(tag: str) -> list[str]:
    """Return the digests of the images of that name that were built here, the newest first."""
    return _noted().get(tag, "").split()


def forget_digest(tag: str) -> None:
    """Forget an image that was removed."""
    noted = _noted()
    if noted.pop(tag, None) is not None:
        _write(noted)


def _write(noted: dict[str, str]) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    half = folder() / f"{_IMAGES}.{os.getpid()}"
    half.write_text(json.dumps(noted, indent=1, sort_keys=True), encoding="utf-8")
    half.replace(folder() / _IMAGES)


def _noted() -> dict[str, str]:
    try:
        noted = json.loads((folder() / _IMAGES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {tag: told for tag, told in noted.items() if isinstance(told, str)} if isinstance(noted, dict) else {}


def root_folder(made: Recipe) -> Path:
    """Return the root folder of a recipe, whether it exists or not."""
    return folder() / _ROOTS / made.tag.partition(":")[2]


def is_current_root(path: Path) -> bool:
    """Whether a root folder is what one of today's recipes makes."""
    try:
        return parse_label((path / ROOT_LABEL).read_text(encoding="utf-8")) is not None
    except OSError:
        return False


def root_folders() -> list[Path]:
    """Return the root folders that were built, the newest first."""
    roots = folder() / _ROOTS
    found = [path for path in roots.iterdir() if (path / "usr").is_dir()] if roots.is_dir() else []
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
