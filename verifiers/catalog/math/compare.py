"""Whether an answer matches the reference: dispatch over the shapes of the tree.

`match` is the one door. It sets `context.rule` to the rule that decided. Order of the questions: values over the
integers, text, statements, sets, lists, matrices, quantities, percentages, bases, ratios, and scalars last.
"""

from __future__ import annotations

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.decimals import prints_double, rounds_to
from verifiers.catalog.math.equal import EXACT, algebraically, numerically, real_value, scalars_equal
from verifiers.catalog.math.lists import BRACKETED, matrices_match, pairwise, sequences_match
from verifiers.catalog.math.matrices import is_matrix_like
from verifiers.catalog.math.measures import measures_match, without_unit
from verifiers.catalog.math.naming import with_constant, with_imaginary
from verifiers.catalog.math.sets import explicit_sets, over_integers
from verifiers.catalog.math.statements import relations_match
from verifiers.catalog.math.text import words_match
from verifiers.catalog.math.tree import (
    Add,
    Based,
    Builder,
    Call,
    Const,
    Div,
    Mul,
    NamedSet,
    Neg,
    Node,
    Num,
    Percent,
    PlusMinus,
    Pow,
    Quantity,
    Ratio,
    Rel,
    Seq,
    SetOp,
    Sym,
    Words,
    children,
    free_symbols,
    has_shape,
    walk,
)

ZERO = Num(0)
_PLAIN = frozenset([Num, Sym, Const, Add, Mul, Div, Pow, Neg, Call])
"""Shapes that are scalars unless something inside them is not."""


def match(ref: Node, pred: Node, context: Context) -> bool:
    """Whether `pred` is an acceptable form of `ref` under the context's policies.

    Raises:
        OutOfSteps: If the budget is used up.
        NeedsWorker: If only sympy can go on.
    """
    context.steps.take()
    if ref == pred:
        context.rule = "same expression"
        return True
    kinds = (type(ref), type(pred))
    if kinds[0] in _PLAIN and kinds[1] in _PLAIN:
        return _scalars(ref, pred, context)
    if (same := over_integers(ref, pred, context)) is not None:
        return same
    if Words in kinds and not (Rel in kinds or Seq in kinds):
        return words_match(ref, pred, context)
    if Rel in kinds or _states(ref) or _states(pred):
        return relations_match(ref, pred, context)
    if Builder in kinds or SetOp in kinds or NamedSet in kinds:
        return _sets(ref, pred, context)
    if (shaped := _shaped(ref, pred, context)) is not None:
        return shaped
    if Quantity in kinds:
        return measures_match(ref, pred, context)
    if Percent in kinds:
        return _percent(ref, pred, context)
    if Based in kinds:
        return _based(ref, pred, context)
    if Ratio in kinds:
        return _ratio(ref, pred, context)
    return _scalars(ref, pred, context)


def _states(node: Node) -> bool:
    """Whether a list holds statements; a bracketed one is compared as a tuple."""
    return type(node) is Seq and node.kind not in BRACKETED and any(type(item) is Rel for item in node.items)


def _shaped(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare lists, ± and matrices, and sums of quantities; `None` if both sides are scalars."""
    if has_shape(ref) or has_shape(pred):
        if Seq in (type(ref), type(pred)) or _has_signs(ref) or _has_signs(pred):
            return sequences_match(ref, pred, context)
        if is_matrix_like(ref) or is_matrix_like(pred):
            return matrices_match(ref, pred, context)
    if _sum_of_quantities(ref) or _sum_of_quantities(pred):
        return measures_match(ref, pred, context)
    return None


def _scalars(ref: Node, pred: Node, context: Context) -> bool:
    """Compare two scalars, or what turns out not to be scalar inside."""
    context.rule = ""
    equal = algebraically(ref, pred, context)
    if equal is None:
        infinite = _infinite(ref), _infinite(pred)
        if infinite != _FINITE:
            context.rule = "infinity"
            return infinite[0] == infinite[1]
        if (shaped := _shaped(ref, pred, context)) is not None:
            return shaped
        equal = numerically(ref, pred, context)
    if equal:
        if context.options.unreduced == "reject" and _complexity(pred) > _complexity(ref):
            context.rule = "equal, but not as simple as the reference (unreduced=reject)"
            return False
        return True
    if prints_double(ref, pred, context):
        return True
    if context.rule is not EXACT and (found := _renamed(ref, pred, context)) is not None:
        return found
    return bool(context.options.rounding != "exact" and rounds_to(ref, pred, context))


def _renamed(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare once more with another name for the arbitrary constant or i, or without letters that are a unit."""
    if (renamed := with_constant(pred, ref) or with_imaginary(pred, ref)) is not None:
        return _scalars(ref, renamed, context)
    if (renamed := with_imaginary(ref, pred)) is not None:
        return _scalars(renamed, pred, context)
    if (bare := without_unit(pred)) is not None and not free_symbols(ref):
        return _scalars(ref, bare, context)
    return None


_FINITE = (0, 0)


def _infinite(node: Node) -> int:
    if type(node) is Neg:
        return -_infinite(node.item)
    return int(type(node) is Const and node.name == "inf")


def _complexity(node: Node) -> int:
    return 1 + sum(_complexity(child) for child in children(node))


def _has_signs(node: Node) -> bool:
    return any(type(item) is PlusMinus for item in walk(node))


def _sum_of_quantities(node: Node) -> bool:
    return type(node) is Add and all(type(item) is Quantity for item in node.items)


def _percent(ref: Node, pred: Node, context: Context) -> bool:
    policy = context.options.percent
    if any(type(side) is Percent and type(side.item) is Percent for side in (ref, pred)):
        context.rule = "a percentage of a percentage"
        return False
    if type(ref) is Percent and type(pred) is Percent:
        return match(ref.item, pred.item, context)
    bare_ref = ref.item if type(ref) is Percent else ref
    bare_pred = pred.item if type(pred) is Percent else pred
    if policy == "strict":
        context.rule = "a percentage against a bare number (percent=strict)"
        return False
    by_value = policy in ("either", "value") and _scalars(ref, pred, context)
    if by_value:
        context.rule = "percentage by its value"
        return True
    if policy in ("either", "number") and _scalars(bare_ref, bare_pred, context):
        if type(ref) is not Percent and policy == "either" and not _above_one(ref, context):
            context.rule = "a percentage of the same digits as a bare number of at most 1"
            return False
        context.rule = "percentage by its number"
        return True
    return False


def _above_one(node: Node, context: Context) -> bool:
    value = real_value(node, context)
    return value is not None and abs(value) > 1


def _based(ref: Node, pred: Node, context: Context) -> bool:
    if type(ref) is Based and type(pred) is Based:
        context.rule = "digits and base"
        return ref.base == pred.base and ref.digits.upper() == pred.digits.upper()
    context.rule = "a number in a stated base against one without"
    return False


def _ratio(ref: Node, pred: Node, context: Context) -> bool:
    context.rule = "ratio"
    if type(ref) is Ratio and type(pred) is Ratio:
        if len(ref.items) != len(pred.items):
            return False
        first_ref, first_pred = ref.items[0], pred.items[0]
        if any(scalars_equal(item, ZERO, context) for item in (*ref.items, *pred.items)):
            return all(scalars_equal(a, b, context) for a, b in zip(ref.items, pred.items, strict=True))
        return all(
            scalars_equal(Mul((first_ref, b)), Mul((first_pred, a)), context)
            for a, b in zip(ref.items[1:], pred.items[1:], strict=True)
        )
    ratio, other = (ref, pred) if type(ref) is Ratio else (pred, ref)
    if type(ratio) is Ratio and len(ratio.items) == 2:
        return match(Div(*ratio.items), other, context)
    return False


def _sets(ref: Node, pred: Node, context: Context) -> bool:
    """Compare sets of real numbers, and builders that are only structure (2k pi, k in Z)."""
    if type(ref) is NamedSet and type(pred) in (NamedSet, Sym) and ref.name == pred.name:  # type: ignore[union-attr]
        context.rule = "named sets"  # R without its double stroke too, where R is wanted
        return True
    if (both := explicit_sets(ref, pred, context)) is not None:
        return both
    if type(ref) is SetOp and type(pred) is SetOp and ref.op == pred.op:
        context.rule = "the same set operation on equal sets"
        return pairwise(ref.items, pred.items, context) or (
            ref.op != "minus" and pairwise(ref.items, pred.items[::-1], context)
        )
    if type(ref) is Builder and type(pred) is Builder:
        context.rule = "sets in builder notation, part by part"
        return match(ref.body, pred.body, context) and match(ref.condition, pred.condition, context)
    context.rule = "a set against something else"
    return False
