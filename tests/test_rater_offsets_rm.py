"""Raters' offsets fitted beside a head: whoever happened to rate good answers is not taken for kind."""

from random import Random

import pytest

pytest.importorskip("torch")

import torch

from reward_models.data.raters import Raters, fit_raters
from reward_models.training.rater_offsets import offsets_beside_head
from reward_models.types import Answer, RatedPrompt, Rating


def rated(features_ND: torch.Tensor, raters: list[str], kindness: dict[str, float], seed: int) -> list[RatedPrompt]:
    """Return a prompt for each answer; its stars are the first feature + its rater's kindness + a little noise."""
    random = Random(seed)
    stars = [
        float(row[0]) + kindness[name] + random.gauss(0, 0.3) for row, name in zip(features_ND, raters, strict=True)
    ]
    return [
        RatedPrompt(f"p{n}", (Answer("a", each, ratings=(Rating(each, name),)),))
        for n, (each, name) in enumerate(zip(stars, raters, strict=True))
    ]


def off(found: Raters, truth: dict[str, float]) -> float:
    """Return the root mean square of what the offsets miss."""
    mean = sum(truth.values()) / len(truth)
    return (sum((found.offsets[name] - truth[name] + mean) ** 2 for name in truth) / len(truth)) ** 0.5


@pytest.mark.parametrize("seed", range(3))
def test_offsets_beside_head_when_some_rated_better_answers_then_half_the_error_or_less(seed: int):
    random = Random(seed)
    kindness = {f"r{n}": random.gauss(0, 0.5) for n in range(60)}
    raters = [name for name in kindness for _ in range(8)]
    luck = {name: random.gauss(0, 1.0) for name in kindness}
    generator = torch.Generator().manual_seed(seed)
    features_ND = torch.randn(len(raters), 5, generator=generator)
    features_ND[:, 0] += torch.tensor([luck[name] for name in raters])
    prompts = rated(features_ND, raters, kindness, seed)
    alone = fit_raters(prompts)
    beside = offsets_beside_head(features_ND, prompts, alone)
    assert off(beside, kindness) < off(alone, kindness) / 2
    assert beside.on
    assert beside.why == alone.why


def test_offsets_beside_head_when_features_say_nothing_then_offsets_stay():
    random = Random(5)
    kindness = {f"r{n}": random.gauss(0, 0.5) for n in range(30)}
    raters = [name for name in kindness for _ in range(10)]
    prompts = rated(torch.zeros(len(raters), 1), raters, kindness, 5)
    noise_ND = torch.randn(len(raters), 3, generator=torch.Generator().manual_seed(5))
    alone = fit_raters(prompts)
    beside = offsets_beside_head(noise_ND, prompts, alone)
    assert max(abs(beside.offsets[name] - alone.offsets[name]) for name in kindness) < 0.1


def test_offsets_beside_head_when_only_some_answers_have_features_then_all_raters_have_offsets():
    raters = [f"r{n % 4}" for n in range(80)]
    features_ND = torch.randn(80, 2, generator=torch.Generator().manual_seed(1))
    prompts = rated(features_ND, raters, {"r0": 1.0, "r1": 0.0, "r2": 0.0, "r3": -1.0}, 1)
    found = offsets_beside_head(features_ND[:20], prompts, fit_raters(prompts))
    assert sorted(found.offsets) == ["r0", "r1", "r2", "r3"]
    assert found.offsets["r0"] > 0.5 > -0.5 > found.offsets["r3"]


def test_fit_raters_when_a_model_explains_the_ratings_then_nothing_is_left_for_raters():
    prompts = rated(
        torch.arange(40.0)[:, None] / 10,
        [f"r{n // 10}" for n in range(40)],
        dict.fromkeys("r0 r1 r2 r3".split(), 0.0),
        2,
    )
    assert max(map(abs, fit_raters(prompts).offsets.values())) > 1.0
    left = fit_raters(prompts, "auto", [n / 10 for n in range(40)])
    assert max(map(abs, left.offsets.values())) < 0.15
