"""Rounding policies: when a decimal counts as the reference (off unless asked for)."""

from __future__ import annotations

import math
from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.equal import real_value
from verifiers.catalog.math.exact import NotExact, rational
from verifiers.catalog.math.tree import Node, Num

SHORT = 12
"""Most digits after the point of a reference for which a double's rounding noise is forgiven."""
MAX_PRINTED = 24
"""Most digits after the point that a printed double has here."""


def rounds_to(ref: Node, pred: Node, context: Context) -> bool:
    """Whether the answer is the reference up to the rounding that the options allow.

    rounding=places: one of the two is a decimal with n digits after the point, and the other rounds to it.
    rounding=relative: |answer - reference| <= tolerance * |reference|.
    """
    left, right = real_value(ref, context), real_value(pred, context)
    if left is None or right is None:
        return False
    if context.options.rounding == "relative":
        context.rule = f"within {context.options.tolerance:g} relative (rounding=relative)"
        return bool(abs(left - right) <= Fraction(context.options.tolerance) * abs(left))
    context.rule = "rounded to the digits that are written (rounding=places)"
    return _is_rounding(ref, left, right) or _is_rounding(pred, right, left)


def prints_double(ref: Node, pred: Node, context: Context) -> bool:
    """Whether the answer is a printed double (0.07200000000000001) where the reference is a short decimal."""
    if type(pred) is not Num or not 15 <= pred.places <= MAX_PRINTED:
        return False
    try:
        value = Fraction(rational(ref, context.steps))
    except NotExact:
        return False
    if (value * 10**SHORT).denominator != 1:
        return False
    printed = float(pred.value)
    context.rule = "a printed double"
    return Fraction(repr(printed)) == pred.value and abs(printed - float(value)) <= math.ulp(float(value))


def _is_rounding(node: Node, written: Fraction, other: Fraction) -> bool:
    if type(node) is not Num or node.places < 1:
        return False
    return bool(abs(written - other) * 2 * 10**node.places <= 1)
