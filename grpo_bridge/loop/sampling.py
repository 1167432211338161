"""Sampling groups of completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grpo_bridge.loop.settings import LoopConfig


@dataclass(slots=True)
class Rollout:
    """Sampled completions: B = P x G rows, those of one prompt neighbours.

    Attributes:
        ids: Prompts, padded on the left, and completions, padded on the right, (B, S + T).
        mask: 1 where `ids` is no padding, (B, S + T).
        completion_ids: The completions, (B, T).
        completion_mask: 1 at their tokens, up to the first end mark and with it, (B, T).
        texts: The completions as text.
    """

    ids: Tensor
    mask: Tensor
    completion_ids: Tensor
    completion_mask: Tensor
    texts: list[str]

    @property
    def token_lists(self) -> list[list[int]]:
        """The completions' tokens without padding."""
        lengths = self.completion_mask.sum(1).tolist()
        return [row[:length] for row, length in zip(self.completion_ids.tolist(), lengths, strict=True)]


def sample(model: Any, tokenizer: Any, prompts: Sequence[str], config: LoopConfig) -> Rollout:
    """Sample a group of completions for each prompt, from the model's whole distribution at the given temperature."""
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    pad = end if pad is None else pad
    inputs = tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side="left").to(model.device)
    with torch.no_grad():
        ids = model.generate(
            **{name: inputs[name] for name in ("input_ids", "attention_mask")},
            do_sample=True,
            temperature=config.temperature,
            top_k=0,
            top_p=1.0,
            max_new_tokens=config.max_tokens,
            num_return_sequences=config.group,
            pad_token_id=pad,
            eos_token_id=end,
        )
    completion_ids = ids[:, inputs["input_ids"].shape[1] :]
    is_end = (completion_ids == end).int()
    mask = (is_end.cumsum(1) - is_end == 0).int()  # no end mark before this token
    prompt_mask = inputs["attention_mask"].repeat_interleave(config.group, 0)
    texts = tokenizer.batch_decode(completion_ids.masked_fill(mask == 0, pad), skip_special_tokens=True)
    return Rollout(ids, torch.cat([prompt_mask, mask], 1), completion_ids, mask, texts)
