"""The errors of the bridge; mistakes in arguments are `verifiers.errors.UsageError`."""

from __future__ import annotations

from verifiers.errors import VerifyError


class RewardError(VerifyError, RuntimeError):
    """A training step has no rewards that could be trusted; the run stops rather than learn from noise."""
