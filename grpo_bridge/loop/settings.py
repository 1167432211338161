"""What can be set in the own loop, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from verifiers.errors import UsageError

Reward: TypeAlias = "Callable[..., Sequence[float | None]]"
"""`f(prompts, completions, completion_ids, **columns)`, as TRL's: one number each, `None` = not judged."""

Aggregation: TypeAlias = Literal["grpo", "bnpo", "dr_grpo", "dapo"]
"""What one loss is the mean of. `grpo`: completions, each the mean of its tokens (favours short right answers).
`bnpo`: the tokens of this call. `dapo`: the tokens of the whole step. `dr_grpo`: B x the longest that is allowed."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    """What the loss looks like.

    Attributes:
        aggregation: See `Aggregation`.
        level: Ratios of single tokens, or one of each completion (GSPO, arXiv 2507.18071).
        clip_low, clip_high: How far below and above 1 a ratio may go (DAPO's clip-higher: 0.2 and 0.28).
        clip_ratio_at: An upper bound for ratios whose advantage is negative (two-sided clip); `None` = none.
        cispo: Clip the ratio's weight instead of the gain, so that no token's gradient is lost (MiniMax-M1).
        beta: Weight of the KL to the reference.
        kl_by_ratio: Multiply the KL by the ratio, so that its gradient is the reverse KL's, unbiased (DeepSeek-V3.2,
            arXiv 2512.02556; TRL's default).
        max_tokens: Longest completion that is allowed, for `dr_grpo`.
    """

    aggregation: Aggregation = "dapo"
    level: Literal["token", "sequence"] = "token"
    clip_low: float = 0.2
    clip_high: float = 0.2
    clip_ratio_at: float | None = None
    cispo: bool = False
    beta: float = 0.0
    kl_by_ratio: bool = True
    max_tokens: int = 256


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """What a run does.

    Attributes:
        steps: Rollouts.
        prompts: Prompts (P) in each of them.
        group: Completions (G) of each prompt.
        max_tokens: Longest completion.
        temperature: Of sampling; the loss sees the same distribution.
        method: See `grpo_bridge.advantages`.
        epochs: How often each rollout is gone through; from the second on, the clip has work to do.
        minibatches: Optimizer steps in one epoch.
        learning_rate: AdamW's, constant.
        max_grad_norm: Longer gradients are cut to this length.
        loss: Its shape.
        lora_rank: Train an adapter of this rank instead of the weights; `None` = the weights. Then the reference is
            the model without its adapter, which costs no memory.
        max_kl: Stop when the policy has strayed farther than this from the reference (nats a token); `None` = never.
        patience: How many steps in a row that must have been so.
        seed: Of everything that is drawn.
    """

    steps: int = 100
    prompts: int = 8
    group: int = 8
    max_tokens: int = 256
    temperature: float = 1.0
    method: str = "grpo"
    epochs: int = 1
    minibatches: int = 1
    learning_rate: float = 1e-6
    max_grad_norm: float = 1.0
    loss: LossConfig = field(default_factory=LossConfig)
    lora_rank: int | None = None
    max_kl: float | None = None
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what teaches nothing."""
        if self.group < 2:
            raise UsageError(f"a group has at least 2 completions to compare, not {self.group}")
        if min(self.steps, self.prompts, self.max_tokens, self.epochs, self.minibatches, self.patience) < 1:
            raise UsageError("steps, prompts, max_tokens, epochs, minibatches and patience are at least 1")


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in one rollout.

    Attributes:
        number: Counted from 1.
        reward: The mean of what was judged; `None` = nothing was.
        judged: The share that was judged.
        contrast: The share of groups whose rewards differ; the others teach nothing.
        kl: From the policy that sampled to the reference, in nats a token; `None` = nobody asked.
        tokens: The mean length.
    """

    number: int
    reward: float | None
    judged: float
    contrast: float
    kl: float | None
    tokens: float
