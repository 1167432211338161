"""What a base model gives for every answer of a set, computed once and kept: frozen heads then take seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from rm_sets import RatedSet
from safetensors.torch import load_file, save_file

from reward_models.evaluation.base_features import base_features
from reward_models.models.reward_model import RewardModel
from reward_models.types import RatedPrompt

Reading = Literal["together", "compared", "apart"]
"""`together`: prompt and answer in one input, what the scalar layer of a stock checkpoint reads.
`compared`: prompt and answer in one input of a stock checkpoint whose added layers compare their means, the training
setting `pooling: compare`.
`apart`: an encoder's means of each, and their products, as the frozen-head baseline of `verify rm eval`; no stock
checkpoint can hold it."""


def answer_features(base: str, rated: RatedSet, reading: Reading, cache: Path) -> torch.Tensor:
    """Return the features of every answer, prompt by prompt, (N, D)."""
    prompts = rated.prompts
    texts = repr([(prompt.prompt, [answer.response for answer in prompt.answers]) for prompt in prompts])
    key = hashlib.sha256(f"{Path(base).name}/{reading}/{rated.max_tokens}/{texts}".encode()).hexdigest()[:16]
    path = cache / f"{key}.safetensors"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        read = {"together": _together, "compared": _compared, "apart": _apart}[reading]
        found = read(base, prompts, rated.max_tokens)
        save_file({"features": found.contiguous()}, path)
    return load_file(path)["features"]


def _together(base: str, prompts: Sequence[RatedPrompt], max_tokens: int) -> torch.Tensor:
    return _features(RewardModel.from_base(base, max_tokens=max_tokens), prompts)


def _features(model: RewardModel, prompts: Sequence[RatedPrompt]) -> torch.Tensor:
    flat = [(prompt.prompt, answer.response) for prompt in prompts for answer in prompt.answers]
    return model.features(model.encode([prompt for prompt, _ in flat], [response for _, response in flat]))


def _compared(base: str, prompts: Sequence[RatedPrompt], max_tokens: int) -> torch.Tensor:
    return _features(RewardModel.from_base(base, max_tokens=max_tokens, compare=True), prompts)


def _apart(base: str, prompts: Sequence[RatedPrompt], max_tokens: int) -> torch.Tensor:
    return torch.cat(list(base_features(base, max_tokens=max_tokens)(prompts)))
