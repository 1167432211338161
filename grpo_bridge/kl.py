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
    """Remembers what the starting policy thought of some of its completions, and asks again later."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, int, Any]] = []
        self.started = False

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
                row = torch.tensor([head + tail])
                self._rows.append((row, len(head), _log_probs(torch, model, row, len(head))))

    def measure(self, model: Any) -> float | None:
        """Return the estimate of KL(start || now) in nats a token; `None` if all samples were empty."""
        torch = require("torch", "trl", "Measuring KL on a probe set")
        total, count = 0.0, 0
        for row, start, before in self._rows:
            d = _log_probs(torch, model, row, start) - before
            total += float((torch.exp(d) - d - 1).sum())
            count += d.numel()
        return total / count if count else None


def _prompt_ids(tokenizer: Any, prompt: Text) -> list[int]:
    if isinstance(prompt, str):
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    else:
        ids = tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, return_dict=True)["input_ids"]
    return [int(token) for token in ids]


def _log_probs(torch: Any, model: Any, row: Any, start: int) -> Any:
    """Return the log probabilities of the tokens from `start` on."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            row = row.to(next(model.parameters()).device)
            logits = model(input_ids=row).logits[0, start - 1 : -1].float()
        return torch.log_softmax(logits, -1).gather(-1, row[0, start:, None])[:, 0].cpu()
    finally:
        model.train(was_training)
