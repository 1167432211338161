"""Do a reward model's probabilities come true on pairs that neither head nor map has seen? Human ratings, by folds.

python benchmarks/rm_calibration.py --base FOLDER [--write]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from common import headline, table, write_section
from rm_features import answer_features
from rm_sets import RatedSet, load_sets

from reward_models.batching.labels import LabelMaker
from reward_models.batching.scale import StarScale
from reward_models.data.split import folds_of
from reward_models.evaluation.calibration import Calibration, fit_calibration
from reward_models.evaluation.reliability import Outcomes, Reliability, pair_outcomes, reliability, stars_outcomes
from reward_models.evaluation.scored import ScoredPrompt, with_scores
from reward_models.losses.registry import build_loss, candidates
from reward_models.training.head_start import HeadFit, fit_head, make_folds
from reward_models.training.validation import per_prompt

FOLDS = 10
"""Of them one is checked, the next one calibrates, the others train, in turn."""
NOTES = """Ten bins of equal size; `by chance`: what the ECE would be on average if every prediction were right, with so
few prompts. The head is the one that `verify rm train` begins with; of ten folds of prompts one is checked, one
calibrates, and eight train, in turn."""
SETS = ("Mohler + reference", "hh")


def head(rated: RatedSet, places: Sequence[int], features_P: Sequence[torch.Tensor]) -> HeadFit:
    """Fit the head that `verify rm train` begins with."""
    train = [rated.prompts[n] for n in places]
    scale, name = StarScale.fit(train), candidates(train)[0]
    folds = make_folds(train, LabelMaker(train, scale))
    return fit_head(torch.cat([features_P[n] for n in places]), folds, lambda: build_loss(name, scale), 1)


def scored(
    rated: RatedSet, places: Sequence[int], features_P: Sequence[torch.Tensor], fit: HeadFit
) -> list[ScoredPrompt]:
    """Return prompts with the head's scores."""
    prompts = [rated.prompts[n] for n in places]
    scores_N = torch.cat([features_P[n] for n in places]) @ fit.weight_HD[0] + fit.bias_H[0]
    return with_scores(prompts, per_prompt(prompts, scores_N))[0]


def checked(rated: RatedSet, features_ND: torch.Tensor) -> tuple[Reliability | None, Reliability | None]:
    """Return how far probabilities and stars are off, all folds together."""
    features_P = features_ND.split([len(prompt.answers) for prompt in rated.prompts])
    fold_of = folds_of(rated.prompts, FOLDS)
    pairs: Outcomes = ([], [], [])
    stars: Outcomes = ([], [], [])
    for fold in range(FOLDS):
        parts: list[list[int]] = [[], [], []]
        for place, other in enumerate(fold_of):
            parts[min((other - fold) % FOLDS, 2)].append(place)
        held, calibrating, training = parts
        fit = head(rated, training, features_P)
        calibration = calibrated(scored(rated, calibrating, features_P, fit))
        tested = scored(rated, held, features_P, fit)
        for all_of, new in ((pairs, pair_outcomes(calibration, tested)), (stars, stars_outcomes(calibration, tested))):
            for column, values in zip(all_of, new, strict=True):
                column += values  # type: ignore[operator]
            all_of[2][len(all_of[2]) - len(new[2]) :] = [held[number] for number in new[2]]
    return reliability(*pairs), reliability(*stars)


def calibrated(prompts: Sequence[ScoredPrompt]) -> Calibration:
    """Fit the maps on prompts that the head has not seen."""
    return fit_calibration([prompt.scores_N for prompt in prompts], [prompt.rated for prompt in prompts])


def main() -> None:
    """Check the sets, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--cache", type=Path, default=Path("build/rm_quality"), help="features")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for rated in load_sets():
        if rated.name not in SETS:
            continue
        found = checked(rated, answer_features(given.base, rated, "compared", given.cache))
        for what, one in zip(("P(better)", "stars"), found, strict=True):
            if one is not None:
                rows.append((rated.name, what, one.count, f"{one.error:.3f}", f"{one.by_chance:.3f}"))
    header = ("set", "what", "predictions", "ECE", "by chance")
    title = f"## Reward models: calibration\n\n{headline('python benchmarks/rm_calibration.py --base MODEL')}"
    body = f"{title}\n{table(header, rows)}\n{NOTES}"
    if given.write:
        write_section("rm-calibration", body)
    print(body)


if __name__ == "__main__":
    main()
