"""A row of ratings, and labels as read."""

from reward_models.data.rated import RatedData

GOOD = {"prompt": "p", "response": "r", "rating": 4, "rater": "x", "scale": [1, 5]}


def stars(data: RatedData) -> list[tuple[object, list[tuple[object, float | None]]]]:
    return [(rated.prompt, [(answer.response, answer.stars) for answer in rated.answers]) for rated in data.prompts]
