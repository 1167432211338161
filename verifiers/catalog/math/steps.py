"""The step budget: work is counted in operations, never in seconds, so that a verdict is the same on every machine."""

from __future__ import annotations

FAST_STEPS = 12_000
"""Steps that one comparison may take in the caller's process."""
MAX_BITS = 40_000
"""Largest exact integer, in bits; beyond it numbers are compared modulo primes and by magnitude."""
MAX_LOG10 = 30_000_000.0
"""Largest magnitude, as a decimal exponent, that is evaluated at all; towers end here."""
MAX_LOOP = 2_000
"""Most terms of a closed sum or product that are added one by one."""


class OutOfSteps(ValueError):
    """The comparison used up its steps, or would need a number past the bounds."""


class Steps:
    """Counts down. The walks over trees count `left` themselves, and call `take(0)` below zero."""

    __slots__ = ("left",)

    def __init__(self, limit: int = FAST_STEPS) -> None:
        self.left = limit

    def take(self, count: int = 1) -> None:
        """Use steps.

        Raises:
            OutOfSteps: If none are left.
        """
        self.left -= count
        if self.left < 0:
            raise OutOfSteps("the comparison needs more steps than are allowed")
