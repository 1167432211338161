"""Checkpoints of a run that was cut off: which one is whole, and whether it is of the same run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifiers.errors import InputError, UsageError
from verifiers.types import Json

RUN_FILE = "run.json"
FOLDER = "checkpoints"
FREE = {"micro_tokens"}
"""Settings that a resumed run may change: the updates are the same, in more parts or fewer."""
_STATE = "trainer_state.json"
_FINISHED = "finished"


def write_run(folder: Path, facts: Mapping[str, Json]) -> None:
    """Write down what a run is, so that only the same run resumes it; whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{os.getpid()}.{RUN_FILE}"
    part.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(folder / RUN_FILE)


def check_same_run(folder: Path, facts: Mapping[str, Json]) -> None:
    """Refuse to resume a run that had other data, settings or another base.

    Raises:
        UsageError: If it had; the text names each fact and setting, then -> now.
    """
    try:
        before = {name: fact for name, fact in _read(folder).items() if name != _FINISHED}
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no run to resume ({error}); start it without --resume") from error
    then, now = _flat(before), _flat(json.loads(json.dumps(facts)))
    changed = [name for name in sorted({*then, *now} - FREE) if then.get(name) != now.get(name)]
    if changed:
        said = "; ".join(f"{name}: {json.dumps(then.get(name))} -> {json.dumps(now.get(name))}" for name in changed)
        raise UsageError(f"{folder} is a run of something else: {said}. Give the same as then, or another -o")


def mark_finished(folder: Path) -> None:
    """Write down that a run's model and report are saved."""
    write_run(folder, {**_read(folder), _FINISHED: True})


def is_finished(folder: Path) -> bool:
    """Tell whether there is nothing left to resume."""
    return bool(_read(folder).get(_FINISHED))


def _read(folder: Path) -> dict[str, Json]:
    return json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def last_whole(folder: Path) -> Path | None:
    """Return the latest checkpoint that was written to its end; `None` = there is none.

    A trainer's state is what it writes last into a checkpoint, and before it deletes an older one.
    """
    found = sorted((folder / FOLDER).glob("checkpoint-*"), key=step_of, reverse=True)
    return next((path for path in found if _is_whole(path)), None)


def check_best(folder: Path) -> None:
    """Refuse a run whose best checkpoint so far is gone, since it could not end with it.

    Raises:
        InputError: If it is; the text names it.
    """
    checkpoint = last_whole(folder)
    if checkpoint is None or (step := _state_of(checkpoint).get("best_global_step")) is None:
        return
    best = checkpoint.with_name(f"checkpoint-{step}")
    if not _is_whole(best):
        raise InputError(
            f"{checkpoint} cannot be resumed: {best}, the best on validation until then, is gone or not whole. "
            "Put it back, or train anew with --overwrite"
        )


def has_ended(checkpoint: Path) -> bool:
    """Tell whether training stopped at this checkpoint, early or at its last step."""
    control = _state_of(checkpoint).get("stateful_callbacks", {}).get("TrainerControl", {})
    return bool(control.get("args", {}).get("should_training_stop"))


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint is named after; -1 = none."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def drop_torn(folder: Path) -> list[Path]:
    """Rename checkpoints that are not whole, since a trainer would count them among those it keeps."""
    torn = [path for path in (folder / FOLDER).glob("checkpoint-*") if not _is_whole(path)]
    for path in torn:
        path.rename(path.with_name(f"torn-{path.name}-{os.getpid()}"))
    return torn


def _is_whole(path: Path) -> bool:
    try:
        return bool(_state_of(path)["global_step"] == step_of(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _state_of(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _flat(facts: Mapping[str, Json]) -> dict[str, Json]:
    """Return the facts with each setting as one of them."""
    settings = facts.get("settings")
    return {**facts, "settings": None, **(settings if isinstance(settings, dict) else {})}
