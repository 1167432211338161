"""From what was read to what trains: raters corrected, split by prompt, written with a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_models.data.labels import relabelled
from reward_models.data.prepared import MANIFEST, PARTS, TRAIN, VALIDATION
from reward_models.data.rated import RatedData, data_hash, prompt_row
from reward_models.data.raters import Mode, Raters, fit_raters
from reward_models.data.split import By, Split, split_prompts
from reward_models.data.writing import writing
from reward_models.types import RatedPrompt
from verifiers import __version__
from verifiers.errors import UsageError
from verifiers.io.json_text import encode_json
from verifiers.io.table_sinks import replace_file

MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data ready to train on.

    Attributes:
        train, validation: Labels corrected by what training data tells of the raters.
        raters: That.
        split: How the data was divided; its prompts are those before correction.
    """

    train: list[RatedPrompt]
    validation: list[RatedPrompt]
    raters: Raters
    split: Split


def prepare(
    data: RatedData, *, share: float = 0.1, seed: int = 0, by: By = "prompt", raters: Mode = "auto"
) -> Prepared:
    """Split the data and correct its raters.

    Offsets are estimated from training data alone. A rater whom it does not have keeps his ratings as they are.

    Args:
        data: As read.
        share: Of validation.
        seed: Of the split.
        by: What must not be in both parts, see `split_prompts`.
        raters: Whether to correct raters, see `fit_raters`.

    Raises:
        UsageError: If there is too little to split.
    """
    split = split_prompts(data.prompts, share=share, seed=seed, by=by, aspects=data.aspects)
    model = fit_raters(split.train, raters)
    if not model.on:
        return Prepared(split.train, split.validation, model, split)
    parts = [relabelled(part, data.aspects, model.offsets) for part in (split.train, split.validation)]
    return Prepared(parts[0], parts[1], model, split)


def write_prepared(folder: Path, data: RatedData, made: Prepared, told: Mapping[str, Any], overwrite: bool) -> None:
    """Write training and validation rows and the manifest, which comes last: where it is, the others are whole.

    Args:
        folder: Made if need be.
        data: What was read.
        made: What became of it.
        told: The choices of the command, for the manifest.
        overwrite: Whether files of an earlier run may be replaced.

    Raises:
        UsageError: If they are there and may not be.
        InputError: If they cannot be written.
    """
    there = [name for name in (*PARTS, MANIFEST) if (folder / name).exists()]
    if there and not overwrite:
        raise UsageError(f"{folder} holds {', '.join(there)}; pass --overwrite to replace them, or name another folder")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        for name, part in ((TRAIN, made.train), (VALIDATION, made.validation)):
            _write(folder / name, [encode_json(prompt_row(rated)) for rated in part])
        _write(folder / MANIFEST, [encode_json(manifest(data, made, told))])


def _write(path: Path, lines: Sequence[bytes]) -> None:
    built = path.with_name(f".{path.name}")
    built.write_bytes(b"".join(line + b"\n" for line in lines))
    replace_file(built, path)


def manifest(data: RatedData, made: Prepared, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return where prepared data comes from and what it is, as JSON holds it."""
    raters = made.raters
    return {
        "format": MANIFEST_FORMAT,
        "made_by": f"grpo-teachers {__version__}",
        **told,
        "shape": data.shape,
        "columns": dict(data.columns),
        "scale": data.scale._asdict() if data.scale else None,
        "aspects": dict(data.aspects),
        "rows": {"read": data.counts.rows, "bad": data.counts.bad},
        "bad_rows": [each._asdict() for each in data.bad],
        "raters": {
            "corrected": raters.on,
            "why": raters.why,
            "variance": {"raters": raters.between, "answers": raters.answers, "rest": raters.rest},
            "offsets": dict(sorted(raters.offsets.items())),
        },
        "split": {
            "shared_prompts": made.split.shared_prompts,
            "shared_answers": made.split.shared_answers,
            "unused_ratings": made.split.unused,
        },
        "train": described(made.train),
        "validation": described(made.validation),
    }


def described(prompts: Sequence[RatedPrompt]) -> dict[str, Any]:
    """Return how much a part holds, and its hash."""
    answers = [answer for rated in prompts for answer in rated.answers]
    return {
        "prompts": len(prompts),
        "answers": len(answers),
        "ratings": sum(len(answer.ratings) for answer in answers),
        "preferences": sum(len(rated.preferences) for rated in prompts),
        "sha256": data_hash(prompts),
    }
