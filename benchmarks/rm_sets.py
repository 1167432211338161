"""Human ratings and pairs as sets to train and test on, and what is measured of scores on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from random import Random
from typing import NamedTuple

from reward_models.data.reading import read_rated
from reward_models.evaluation.ranking import count_pairs, spearman
from reward_models.types import RatedPrompt

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "ratings"
FIFTHS = 5
"""Parts of a set; one of them is tested."""
TOPICAL_CONVERSATIONS = 800
"""All of them; fewer for a quick look."""

Scores = Sequence[Sequence[float]]
Figures = dict[str, float]


class Split(NamedTuple):
    """Which prompts are tested: of the order that a seed gives, the fifth with this number."""

    seed: int
    fifth: int = 0


@dataclass(frozen=True)
class RatedSet:
    """A set of human labels.

    Attributes:
        name: In the tables.
        prompts: All of it.
        unit_of: What no two parts of a split share: the prompt, or the conversation it is from.
        measure: Test prompts and scores -> figures by name.
        max_tokens: Of prompt and answer; the prompt's middle goes first.
    """

    name: str
    prompts: Sequence[RatedPrompt]
    unit_of: Callable[[RatedPrompt], str]
    measure: Callable[[Sequence[RatedPrompt], Scores], Figures]
    max_tokens: int = 256

    def split(self, by: Split) -> tuple[list[int], list[int]]:
        """Return places of training and test prompts."""
        units = sorted({self.unit_of(prompt) for prompt in self.prompts})
        Random(by.seed).shuffle(units)
        first, end = (round(len(units) * number / FIFTHS) for number in (by.fifth, by.fifth + 1))
        held = set(units[first:end])
        test = [n for n, prompt in enumerate(self.prompts) if self.unit_of(prompt) in held]
        train = [n for n, prompt in enumerate(self.prompts) if self.unit_of(prompt) not in held]
        return train, test


def load_sets() -> list[RatedSet]:
    """Read the sets that the tables are made of."""
    mohler = str(DATA / "mohler_asag_ratings.jsonl.gz")
    return [
        RatedSet("Mohler + reference", read_rated([mohler], reference=True).prompts, prompt_text, stars_and_pairs),
        RatedSet("Mohler", read_rated([mohler]).prompts, prompt_text, stars_and_pairs),
        RatedSet("hh", read_rated([str(DATA / "hh_harmless_test_pairs.jsonl.gz")]).prompts, prompt_text, stated_pairs),
        RatedSet("Topical-Chat", topical(), conversation, within_raters, 128),
    ]


def topical() -> list[RatedPrompt]:
    """Return whole conversations, the same ones on every run."""
    prompts = read_rated([str(DATA / "topical_chat_ratings.jsonl.gz")]).prompts
    kept = set(sorted({conversation(prompt) for prompt in prompts})[:TOPICAL_CONVERSATIONS])
    return [prompt for prompt in prompts if conversation(prompt) in kept]


def prompt_text(prompt: RatedPrompt) -> str:
    """Return the prompt as text."""
    return str(prompt.prompt)


def conversation(prompt: RatedPrompt) -> str:
    """Return the conversation of a Topical-Chat prompt: its raters are named after it."""
    return prompt.answers[0].ratings[0].rater.rpartition(":")[0]


def decided(prompt: RatedPrompt) -> Iterator[tuple[int, int]]:
    """Yield the places of (better, worse): of each stated preference, and of all answers with unlike stars."""
    yield from ((stated.chosen, stated.rejected) for stated in prompt.preferences)
    stars = [answer.stars for answer in prompt.answers]
    for i, a in enumerate(stars):
        yield from ((i, j) for j, b in enumerate(stars) if a is not None and b is not None and a > b)


def stars_and_pairs(prompts: Sequence[RatedPrompt], scores: Scores) -> Figures:
    """Return Spearman over all answers, and the share of pairs within prompts in the right order."""
    stars = [[answer.stars or 0.0 for answer in prompt.answers] for prompt in prompts]
    counts = [count_pairs(given, held) for given, held in zip(scores, stars, strict=True)]
    right = sum(c.concordant + c.tied_scores / 2 for c in counts) / sum(c.decided for c in counts)
    return {"Spearman": spearman(list(chain(*scores)), list(chain(*stars))) or 0.0, "pairs": right}


def stated_pairs(prompts: Sequence[RatedPrompt], scores: Scores) -> Figures:
    """Return the share of stated preferences that the scores share."""
    both = [
        (given[stated.chosen], given[stated.rejected])
        for prompt, given in zip(prompts, scores, strict=True)
        for stated in prompt.preferences
    ]
    return {"pairs": sum((a > b) + (a == b) / 2 for a, b in both) / len(both)}


def within_raters(prompts: Sequence[RatedPrompt], scores: Scores) -> Figures:
    """Return the share of pairs of one rater's ratings, whatever the prompts, in the right order."""
    by_rater: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for prompt, given in zip(prompts, scores, strict=True):
        for answer, score in zip(prompt.answers, given, strict=True):
            for rating in answer.ratings:
                by_rater[rating.rater].append((rating.stars, score))
    decided = [
        ((a[0] - b[0]) * (a[1] - b[1]))
        for ratings in by_rater.values()
        for a, b in combinations(ratings, 2)
        if a[0] != b[0]
    ]
    return {"pairs of a rater": sum((product > 0) + (product == 0) / 2 for product in decided) / len(decided)}
