"""The default where prompts have several answers: the order within each prompt, and the stars across all of them.

    joint = soft Bradley-Terry over all pairs within a prompt + 0.5 x squared error on standardised stars

Bradley-Terry alone leaves each prompt's level free, so that scores of different prompts do not compare; the squared
error alone spends itself on telling easy prompts from hard ones. Soft targets: `bt` in `losses.pairwise`. The sum is
ours; Wang et al. 2024 (arXiv 2410.01257) do the two one after the other. Answers without stars, pairs without stars:
the term that has labels counts.
"""

from __future__ import annotations

from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult
from reward_models.losses.pairwise import SoftBradleyTerry
from reward_models.losses.regression import squared_error

STAR_SHARE = 0.5


class Joint(Loss):
    """Soft Bradley-Terry within prompts, and a share of the squared error.

    Attributes:
        star_share: Factor of the squared error.
    """

    def __init__(self, star_share: float = STAR_SHARE) -> None:
        super().__init__()
        self.star_share = star_share
        self.order = SoftBradleyTerry()

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        stars = squared_error(outputs_NH[:, 0], labels, self.star_share)
        return LossResult({**self.order(outputs_NH, labels).terms, "mse": stars})
