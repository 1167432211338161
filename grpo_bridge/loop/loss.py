"""The loss of GRPO and its relatives, for reading: the same numbers as TRL 1.16's `GRPOTrainer._compute_loss`.

Shapes: B completions of T tokens. Of each token we know its log-probability under three policies: the one that is
trained (`new`), the one that sampled it (`old`), and the one not to stray from (`reference`).

    ratio     rho = exp(new - old)                      1 as long as the policy is the one that sampled
    policy    -min(rho A, clip(rho, 1 - low, 1 + high) A)         PPO's clip: no gain from going farther than the clip
    KL (k3)   exp(reference - new) - (reference - new) - 1        never negative, unbiased (Schulman 2020)
    loss      the mean of policy + beta KL; over what, is `aggregation`
"""

from __future__ import annotations

import torch
from torch import Tensor

from grpo_bridge.loop.settings import LossConfig
from verifiers.errors import UsageError


def token_logps(
    model: torch.nn.Module, ids: Tensor, mask: Tensor, completion_tokens: int, temperature: float
) -> Tensor:
    """Return the log-probability of each token of the completions, (B, T), as the sampler saw it; of padding, 0.

    Args:
        model: A causal language model.
        ids: Prompts, padded on the left, and behind them completions, padded on the right.
        mask: 1 where `ids` is no padding.
        completion_tokens: T.
        temperature: That of sampling: the distribution that is trained is the one that was sampled from.
    """
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    logits = logits[:, -completion_tokens - 1 : -1].float() / temperature  # what stands before a token predicts it
    chosen = logits.gather(-1, ids[:, -completion_tokens:].unsqueeze(-1)).squeeze(-1)
    # Padding is as unlikely as can be: exp of a difference there may be infinite, and infinite times a mask is NaN.
    return (chosen - logits.logsumexp(-1)).masked_fill(mask[:, -completion_tokens:] == 0, 0.0)


def k3(new: Tensor, reference: Tensor) -> Tensor:
    """Return the KL of the policy to the reference, estimated at each token, (B, T)."""
    distance = reference - new
    return distance.exp() - distance - 1


def policy_loss(
    new: Tensor,
    old: Tensor,
    advantages: Tensor,
    mask: Tensor,
    config: LossConfig,
    *,
    reference: Tensor | None = None,
    step_tokens: Tensor | float | None = None,
) -> Tensor:
    """Return the loss, a scalar.

    Args:
        new: Log-probabilities under the policy that is trained, (B, T), with a gradient.
        old: Those under the policy that sampled, (B, T).
        advantages: One number a completion, (B,).
        mask: 1 at the completions' tokens, (B, T).
        config: See there.
        reference: Log-probabilities under the reference, (B, T); needed if `beta` is not 0.
        step_tokens: Tokens of the whole step over the number of calls it takes, for `dapo`; `None` = this call is all.

    Raises:
        UsageError: If `beta` is not 0 and there is no reference.
    """
    weight = advantages.unsqueeze(1)
    log_ratio = new - old
    if config.level == "sequence":  # the geometric mean over the completion's tokens
        log_ratio = ((log_ratio * mask).sum(1) / mask.sum(1).clamp(min=1)).unsqueeze(1)
    ratio = log_ratio.exp()
    kl = _weighed_kl(new, reference, ratio, config) if config.beta else 0.0
    if config.cispo:
        loss = -ratio.clamp(max=config.clip_high).detach() * weight * new
    else:
        clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high)
        if config.clip_ratio_at is not None:
            ratio = ratio.clamp(max=config.clip_ratio_at)
        loss = -torch.min(ratio * weight, clipped * weight)
    return _aggregated(loss + config.beta * kl, mask, config, step_tokens)


def _weighed_kl(new: Tensor, reference: Tensor | None, ratio: Tensor, config: LossConfig) -> Tensor:
    if reference is None:
        raise UsageError("beta is not 0, so the loss needs the reference's log-probabilities")
    return k3(new, reference) * ratio if config.kl_by_ratio else k3(new, reference)


def _aggregated(loss: Tensor, mask: Tensor, config: LossConfig, step_tokens: Tensor | float | None) -> Tensor:
    if config.aggregation == "grpo":
        return ((loss * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()
    total = (loss * mask).sum()
    if config.aggregation == "dr_grpo":
        return total / (mask.shape[0] * config.max_tokens)
    if config.aggregation == "dapo" and step_tokens is not None:
        return total / step_tokens
    return total / mask.sum().clamp(min=1)
