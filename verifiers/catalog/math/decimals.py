"""Rounding policies: when a decimal counts as the reference (off unless asked for)."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.equal import Context, real_value
from verifiers.catalog.math.tree import Node, Num


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
    """Whether the answer is the double that a program prints for the reference: 16 digits or more, off by one unit."""
    if type(pred) is not Num or pred.places < 15 or type(pred.value) is int:
        return False
    value = real_value(ref, context)
    if value is None or len(str(abs(pred.value.numerator * 10**pred.places // pred.value.denominator))) < 16:
        return False
    context.rule = "a printed double"
    return bool(abs(Fraction(pred.value) - value) * 2**52 <= abs(value))


def _is_rounding(node: Node, written: Fraction, other: Fraction) -> bool:
    if type(node) is not Num or node.places < 1:
        return False
    return bool(abs(written - other) * 2 * 10**node.places <= 1)
