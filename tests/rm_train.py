"""Small files of ratings that can be learned, and requests to train on them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from reward_models.training.material import Sources
from reward_models.training.run import Request
from reward_models.training.settings import load_settings

GOOD, BAD = ["light scatters", "blue light", "air scatters light"], ["birds sing", "water runs", "dawn"]
FAST = {"epochs": 2.0, "update_tokens": 600, "learning_rate": 1e-3, "head_learning_rate": 1e-2, "bar": False}


def lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def write_ratings(path: Path, prompts: int = 24, seed: int = 0, raters: int = 0) -> Path:
    """Write prompts with five answers each: the more of an answer is good, the more stars it has.

    Of several raters, the one after gives half a star more than the one before.
    """
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(prompts):
        for good in range(5):
            parts = [random.choice(GOOD) for _ in range(good)] + [random.choice(BAD) for _ in range(4 - good)]
            random.shuffle(parts)
            row = {"prompt": f"why is sky {number}", "response": " and ".join(parts), "rating": 1 + good}
            if raters:
                kindness = random.randrange(raters)
                row |= {"rater": f"rater {kindness}", "rating": 1 + good + kindness / 2}
            rows.append(row)
    random.shuffle(rows)
    return lines(path, rows)


def request(files: Path, base: str, output: Path, **settings: Any) -> Request:
    values = {name: value for name, value in {**FAST, **settings}.items() if name != "bar"}
    share = {"validation_share": 0.25}
    return Request(Sources([str(files)]), base, output, load_settings("cpu-small", {**share, **values}), bar=False)


def unfinish(output: Path) -> None:
    """Make a finished run one that was cut off before its end."""
    run = output / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), "finished": False}))
