"""Prompts with ratings and scores, made up."""

from random import Random
from statistics import mean

from reward_models.evaluation.scored import ScoredPrompt
from reward_models.types import Answer, Preference, RatedPrompt, Rating


def prompt(name: str, *rows: tuple[str, float, float], source: str = "") -> ScoredPrompt:
    """Make a prompt of (response, stars, score)."""
    answers = tuple(Answer(text, stars, source=source, where=f"{name}:1") for text, stars, _ in rows)
    return ScoredPrompt(RatedPrompt(name, answers), tuple(score for *_, score in rows))


def pair(name: str, better: float, worse: float, source: str = "") -> ScoredPrompt:
    answers = (Answer("better answer", source=source), Answer("worse", source=source))
    return ScoredPrompt(RatedPrompt(name, answers, (Preference(0, 1),)), (better, worse))


def rated_set(count: int = 60, skill: float = 1.0) -> list[ScoredPrompt]:
    """Prompts of four answers by two raters; scores follow a hidden quality as far as `skill` says."""
    random = Random(7)
    prompts = []
    for number in range(count):
        answers, scores = [], []
        for _ in range(4):
            quality = random.gauss(3, 1)
            given = [Rating(float(min(5, max(1, round(quality + random.gauss(0, 0.7))))), rater) for rater in "ab"]
            stars = mean(rating.stars for rating in given)
            answers.append(
                Answer("word " * random.randint(1, 40), stars, ratings=tuple(given), source=f"s{number % 2}")
            )
            scores.append(skill * quality + random.gauss(0, 0.5))
        prompts.append(ScoredPrompt(RatedPrompt(f"question {number}", tuple(answers)), tuple(scores)))
    return prompts
