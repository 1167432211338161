"""What stops a run: numbers that are not finite, and the batch that made them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from reward_models.batching.collate import Item
from reward_models.types import RatedPrompt
from verifiers.errors import VerifyError


class NotFinite(VerifyError, ArithmeticError):
    """The loss or its gradient is NaN or infinite; the batch that did it has been saved."""


def save_batch(path: Path, step: int, items: Sequence[Item], prompts: Sequence[RatedPrompt], why: str) -> None:
    """Write the answers of a batch with their labels, for a person to look at and for a run to repeat.

    Args:
        path: A file that is written anew.
        step: The update that failed.
        items: The batch.
        prompts: What the items name.
        why: What was found.
    """
    rows = [_row(item, prompts[item.prompt]) for item in items]
    text = json.dumps({"step": step, "why": why, "answers": rows}, ensure_ascii=True, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _row(item: Item, prompt: RatedPrompt) -> Mapping[str, object]:
    answer = prompt.answers[item.answer]
    stars = None if answer.stars is None else repr(answer.stars)
    return {
        "where": answer.where,
        "prompt": prompt.prompt,
        "response": answer.response,
        "stars": stars,  # As text: JSON has no NaN, and NaN may be what is looked for.
        "weight": repr(answer.weight),
        "ids": list(item.ids),
    }
