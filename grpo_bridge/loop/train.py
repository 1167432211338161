"""GRPO from end to end, for reading: sample groups, reward them, compare within the group, step, stop in time.

    steps = train(model, tokenizer, rows, trl_reward("math"), LoopConfig(steps=200))

What DeepSeekMath (arXiv 2402.03300, algorithm 1) does, on one device; for more, see the trainers' adapters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from grpo_bridge.advantages import advantages
from grpo_bridge.kl import KlStop
from grpo_bridge.loop.loss import k3, policy_loss, token_logps
from grpo_bridge.loop.rows import Rows, draws, prompt_texts, rewards_of, step_of
from grpo_bridge.loop.sampling import Rollout, sample
from grpo_bridge.loop.settings import LoopConfig, Reward, Step
from verifiers.errors import require


def train(
    model: Any,
    tokenizer: Any,
    rows: Rows,
    reward: Reward,
    config: LoopConfig,
    on_step: Callable[[Step], object] = lambda step: None,
) -> list[Step]:
    """Train a causal language model with GRPO, in place.

    Args:
        model: A model of `transformers`, on its device.
        tokenizer: Its tokenizer, with an end mark.
        rows: See `Rows`.
        reward: See `Reward`; `grpo_bridge.trl_reward` makes one.
        config: See there.
        on_step: Called after each rollout.

    Returns:
        What happened in each rollout; fewer than `config.steps` if the KL stopped the run.
    """
    torch.manual_seed(config.seed)
    model = _with_adapter(model, config.lora_rank).eval()  # without dropout the ratio begins at exactly 1
    reference = _reference(model, config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=0.0)
    stop = None if config.max_kl is None else KlStop(config.max_kl, config.patience)
    history: list[Step] = []
    for drawn in draws(rows, config):
        rollout = sample(model, tokenizer, prompt_texts(drawn, tokenizer), config)
        rewards = rewards_of(reward, drawn, rollout.texts, rollout.token_lists)
        with torch.no_grad():
            old = _logps(model, rollout, config)  # the policy that sampled; it slides along with every rollout
            with reference() as other:
                anchor = None if other is None else _logps(other, rollout, config)
        _learn(model, optimizer, rollout, advantages(rewards, config.method), old, anchor, config)
        tokens = rollout.completion_mask.sum().item()
        kl = None if anchor is None else (k3(old, anchor) * rollout.completion_mask).sum().item() / tokens
        history.append(step_of(len(history) + 1, rewards, tokens, kl))
        on_step(history[-1])
        if stop is not None and kl is not None and stop.seen(kl):
            break
    return history


def _learn(
    model: Any,
    optimizer: torch.optim.Optimizer,
    rollout: Rollout,
    advantages_PG: list[list[float]],  # noqa: N803 (an axis, see the design)
    old: Tensor,
    anchor: Tensor | None,
    config: LoopConfig,
) -> None:
    """Take the optimizer steps of one rollout."""
    relative = torch.tensor(advantages_PG, device=old.device).flatten()
    step_tokens = rollout.completion_mask.sum() / config.minibatches
    for _ in range(config.epochs):
        for chosen in torch.randperm(len(relative)).to(old.device).chunk(config.minibatches):
            mask = rollout.completion_mask[chosen]
            new = token_logps(model, rollout.ids[chosen], rollout.mask[chosen], mask.shape[1], config.temperature)
            others = {"reference": None if anchor is None else anchor[chosen], "step_tokens": step_tokens}
            loss = policy_loss(new, old[chosen], relative[chosen], mask, config.loss, **others)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            optimizer.step()


def _logps(model: Any, rollout: Rollout, config: LoopConfig) -> Tensor:
    return token_logps(model, rollout.ids, rollout.mask, rollout.completion_ids.shape[1], config.temperature)


def _with_adapter(model: Any, rank: int | None) -> Any:
    if rank is None:
        return model
    peft: Any = require("peft", "trl", "Training an adapter")
    return peft.get_peft_model(model, peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def _reference(model: Any, config: LoopConfig) -> Callable[[], AbstractContextManager[Any]]:
    """Return what lends the policy as it was at the start; `None` if nobody asks for it."""
    if not config.loss.beta and config.max_kl is None:
        return nullcontext
    if config.lora_rank is None:
        frozen = copy.deepcopy(model).requires_grad_(False)
        return lambda: nullcontext(frozen)

    @contextmanager
    def bare() -> Iterator[Any]:
        with model.disable_adapter():
            yield model

    return bare
