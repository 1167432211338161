"""The folder of a run: whether it may be taken, and what was in it before, kept until the new model is saved."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reward_models.training.checkpoints import RUN_FILE
from reward_models.types import CARD_FILE
from verifiers.errors import InputError, UsageError

REPLACED = "replaced"
"""Folder inside the run's own, so that a run that goes on after a kill finds it, too."""


def check_folder(output: Path, overwrite: bool, sources: Iterable[str] = ()) -> None:
    """Refuse a folder that is not to be taken; changes nothing.

    Args:
        output: Of the new run.
        overwrite: Whether an earlier run in it may be replaced.
        sources: What the new run reads: its base and its files.

    Raises:
        UsageError: If it is taken, or holds something else than a run, or one of the sources.
        InputError: If it cannot be written.
    """
    check_writable(output)
    if not (held := _held(output)):
        return
    if not overwrite:
        raise UsageError(f"{output} is not empty; pass --resume to go on, --overwrite to replace it, or another -o")
    for source in sources:
        if Path(source).resolve().is_relative_to(output.resolve()):
            raise UsageError(
                f"{source} lies in {output}, which --overwrite replaces: name another -o, or move it first"
            )
    if not {RUN_FILE, CARD_FILE} & {path.name for path in held}:
        raise UsageError(f"{output} holds files but neither a run nor a reward model; it is not replaced. Name another")


def check_writable(output: Path) -> None:
    """Refuse a folder that cannot be written; what was made to find out is removed.

    Raises:
        UsageError: If it is a file.
        InputError: If it cannot.
    """
    made: list[Path] = []
    try:
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file; name a folder for the model")
        made = [path for path in (output, *output.parents) if not path.exists()]
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}); name another -o") from error
    finally:
        for path in made:
            if path.is_dir():
                path.rmdir()


def set_aside(output: Path) -> Path | None:
    """Move what is in a folder into one inside it; `None` = there is nothing. A kill in between loses nothing."""
    if not (held := _held(output)):
        return None
    kept = output / REPLACED
    aside = kept / str(1 + len(list(kept.glob("*"))))
    aside.mkdir(parents=True)
    # What names it a run or a model goes last: until then the folder may be overwritten again.
    for path in sorted(held, key=lambda path: path.suffix == ".json"):
        path.rename(aside / path.name)
    return aside


def drop_replaced(output: Path) -> None:
    """Remove what was set aside."""
    shutil.rmtree(output / REPLACED, ignore_errors=True)


def _held(output: Path) -> list[Path]:
    return [path for path in output.iterdir() if path.name != REPLACED] if output.is_dir() else []
