"""A row of ratings, rows written and read, and labels as read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reward_models.data.rated import RatedData
from reward_models.data.reading import read_rated

GOOD = {"prompt": "p", "response": "r", "rating": 4, "rater": "x", "scale": [1, 5]}


def read_rows(folder: Path, rows: Sequence[Mapping[str, Any]], **options: Any) -> RatedData:
    """Write rows to a file and read them."""
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return read_rated([path], **options)


def stars(data: RatedData) -> list[tuple[object, list[tuple[object, float | None]]]]:
    return [(rated.prompt, [(answer.response, answer.stars) for answer in rated.answers]) for rated in data.prompts]
