"""Stop a run whose policy has moved too far from where it began.

A trainer reports `kl` only if it punishes it (`beta` above 0). Otherwise the probe measures it: completions that the
policy gave before its first update are samples of the starting policy, so the mean over their tokens of
exp(d) - d - 1 with d = log now - log start (k3, joschu.net/blog/kl-approx.html) estimates KL(start || now), without a
second model in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifiers.errors import UsageError, require
from verifiers.types import Text

MAX_PROBE_TOKENS = 1024
"""Most tokens of a probe's prompt, and of its completion."""


class KlStop:
    """Says when to stop: the KL was above `max_kl` `patience` times in a row.

    Raises:
        UsageError: If a number is not allowed.
    """

    def __init__(self, max_kl: float, patience: int = 3) -> None:
        if not max_kl > 0 or patience < 1:
            raise UsageError(f"max_kl is above 0 and patience 1 or more, not {max_kl!r} and {patience!r}")
        self.max_kl, self.patience = max_kl, patience
        self.above = 0

    def seen(self, kl: float) -> bool:
        """Take a measurement (NaN counts as above); return whether it is time to stop."""
        self.above = 0 if kl <= self.max_kl else self.above + 1
        return self.above >= self.patience


class KlProbe:
    """Remembers what the starting policy thought of some of its completions, and asks again later.

    Attributes:
        rows: Of each completion the tokens with their prompt, where it begins, and its tokens' log probabilities:
            plain lists, which a checkpoint can hold.
        started: Whether there is a start to measure from.
    """

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.started = False

    def restore(self, rows: Sequence[Sequence[Any]]) -> None:
        """Go on from the start of another process, whose `rows` these are."""
        self.rows = [list(row) for row in rows]
        self.started = True

    def start(
        self, model: Any, tokenizer: Any, prompts: Sequence[Text], completion_ids: Sequence[Sequence[int]]
    ) -> None:
        """Take the samples of the starting policy; must come before its first update."""
        torch = require("torch", "trl", "Measuring KL on a probe set")
        self.started = True
        for prompt, ids in zip(prompts, completion_ids, strict=True):
            head = _prompt_ids(tokenizer, prompt)[-MAX_PROBE_TOKENS:]
            tail = [int(token) for token in ids][:MAX_PROBE_TOKENS]
            if head and tail:
                before = _log_probs(torch, model, head + tail, len(head))
                self.rows.append([head + tail, len(head), before.tolist()])

    def measure(self, model: Any) -> float | None:
        """Return the estimate of KL(start || now) in nats a token; `None` if all samples were empty."""
        torch = require("torch", "trl", "Measuring KL on a probe set")
        total, count = 0.0, 0
        for ids, start, before in self.rows:
            d = _log_probs(torch, model, ids, start) - torch.tensor(before)
            total += float((torch.exp(d) - d - 1).sum())
            count += d.numel()
        return total / count if count else None


def _prompt_ids(tokenizer: Any, prompt: Text) -> list[int]:
    if isinstance(prompt, str):
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    else:
        ids = tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, return_dict=True)["input_ids"]
    return [int(token) for token in ids]


def _log_probs(torch: Any, model: Any, ids: Sequence[int], start: int) -> Any:
    """Return the log probabilities of the tokens from `start` on."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            row = torch.tensor([list(ids)], device=next(model.parameters()).device)
            logits = model(input_ids=row).logits[0, start - 1 : -1].float()
        return torch.log_softmax(logits, -1).gather(-1, row[0, start:, None])[:, 0].cpu()
    finally:
        model.train(was_training)
