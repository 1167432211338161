"""Number literals: integers, decimals, scientific notation and repeating decimals, read exactly."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.lex import TooLarge
from verifiers.catalog.math.tree import Node, Num

MAX_DIGITS = 1_500
"""Longest number that is read, in digits."""


SMALL: dict[str, Num] = {str(value): Num(value) for value in range(1_000)}
"""The nodes of small integers by their digits: nodes never change, so that one serves all."""


def integer(digits: str) -> int:
    """Read a run of digits; raises `TooLarge` past `MAX_DIGITS`."""
    if len(digits) > MAX_DIGITS:
        raise TooLarge(f"a number with more than {MAX_DIGITS} digits")
    return int(digits)


def decimal(tok: str) -> Node:
    """Read a decimal, scientific or repeating literal exactly."""
    if len(tok) > MAX_DIGITS:
        raise TooLarge(f"a number with more than {MAX_DIGITS} digits")
    if "\\" in tok or "(" in tok:
        return _repeating(tok)
    mantissa, _, exponent = tok.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    value: int | Fraction = Fraction(int((whole or "0") + decimals), 10 ** len(decimals))
    if exponent:
        if len(exponent) > 5:
            raise TooLarge(f"an exponent of {len(exponent)} digits")
        power = int(exponent)
        value = value * 10**power if power >= 0 else value / 10**-power
    return Num(value.numerator if value.denominator == 1 else value, len(decimals) if not exponent else -1)


def _repeating(tok: str) -> Node:
    cut = tok.index("\\") if "\\" in tok else tok.index("(")
    whole, _, fixed = tok[:cut].strip().partition(".")
    repeated = "".join(char for char in tok[cut:] if char.isdigit())
    scale = 10 ** len(fixed)
    tail = Fraction(int(repeated), scale * (10 ** len(repeated) - 1))
    return Num(Fraction(int((whole or "0") + fixed), scale) + tail)
