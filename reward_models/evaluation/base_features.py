"""What a base model knows of answers before any training, as numbers for a linear head.

A decoder reads prompt and answer together, as a reward model does, and its last state is taken. An encoder reads them
apart (mean of its states: u and v), and the head gets v, u x v, |u - v| and their cosine: sentence encoders were
trained to be compared like this, and know little of two texts in one input. On Mohler's answers, with MiniLM, that
orders 64-65 % of pairs right, one input 56-58 %, so a baseline on the latter would be too easily beaten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reward_models.evaluation.lengths import plain
from reward_models.types import RatedPrompt
from verifiers.errors import require

if TYPE_CHECKING:
    from torch import Tensor

    from reward_models.models.reward_model import RewardModel

MAX_WIDTH = 1536
"""Wider features are projected at random to this width: it bounds the work, and ridge shrinks most of it anyway."""
TOKENS_AT_ONCE = 8192

Features = Callable[[Sequence[RatedPrompt]], "list[Tensor]"]
"""Prompts -> for each the features of its answers, fp32 (N, D)."""


def base_features(base: str, seed: int = 0, **how: Any) -> Features:
    """Return what computes features with a base model, loaded once.

    Args:
        base: Folder or hub id.
        seed: Of the projection.
        how: As of `RewardModel.from_base`.

    Raises:
        VerifyError: If it cannot be loaded.
    """
    torch = require("torch", "rm", "The frozen-head baseline")
    from reward_models.models.reward_model import RewardModel

    model = RewardModel.from_base(base, seed=seed, **how)

    def features(rated_P: Sequence[RatedPrompt]) -> list[Tensor]:
        flat_ND = _together(model, rated_P) if model.causal else _apart(torch, model, rated_P)
        if flat_ND.shape[1] > MAX_WIDTH:
            random = torch.Generator().manual_seed(seed)
            flat_ND = flat_ND @ torch.randn(flat_ND.shape[1], MAX_WIDTH, generator=random) / math.sqrt(MAX_WIDTH)
        return list(flat_ND.split([len(rated.answers) for rated in rated_P]))

    return features


def _together(model: RewardModel, rated_P: Sequence[RatedPrompt]) -> Tensor:
    prompts = [rated.prompt for rated in rated_P for _ in rated.answers]
    responses = [answer.response for rated in rated_P for answer in rated.answers]
    return model.features(model.encode(prompts, responses))


def _apart(torch: Any, model: RewardModel, rated_P: Sequence[RatedPrompt]) -> Tensor:
    counts_P = torch.tensor([len(rated.answers) for rated in rated_P])
    u_ND = _embedded(torch, model, [plain(rated.prompt) for rated in rated_P]).repeat_interleave(counts_P, 0)
    v_ND = _embedded(torch, model, [plain(answer.response) for rated in rated_P for answer in rated.answers])
    product_ND = u_ND * v_ND
    return torch.cat([v_ND, product_ND, (u_ND - v_ND).abs(), product_ND.sum(1, keepdim=True)], 1)


def _embedded(torch: Any, model: RewardModel, texts: Sequence[str]) -> Tensor:
    """Return the mean of the last states of each text, of length 1."""
    from reward_models.models.encode import middle_cut
    from reward_models.models.running import in_batches, masked_mean

    rows = model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
    ids_N = [middle_cut(ids, model.encoder.max_tokens) or [model.pad_id] for ids in rows]

    def means(batch: Mapping[str, Tensor]) -> Tensor:
        here = {name: value.to(model.device) for name, value in batch.items()}
        return masked_mean(model.stock.base_model(**here).last_hidden_state.float(), here["attention_mask"])

    with torch.inference_mode():
        means_ND = in_batches(means, ids_N, TOKENS_AT_ONCE, model.pad_id)
    return torch.nn.functional.normalize(means_ND, dim=1)
