"""Sets of real numbers: intervals, unions, inequalities in one variable, set-builder notation, R and the empty set.

An explicit set is a sorted tuple of disjoint spans with exact ends (irrational ends as 256-bit rationals). A relation
that is not linear has no explicit form here; it is compared with an explicit set by asking, at that set's ends, beside
them and between them, whether the relation holds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

from verifiers.catalog.math.equal import Context, real_value
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.relations import signs_written_out
from verifiers.catalog.math.tree import (
    Add,
    Builder,
    Const,
    NamedSet,
    Neg,
    Node,
    Num,
    Rel,
    Seq,
    SetOp,
    Sym,
    children,
    free_symbols,
)

CLOSE = Fraction(1, 10**50)
"""Relative distance below which two ends are the same point."""
NEAR = Fraction(1, 10**6)
"""Relative distance of the test points beside an end."""
MAX_SPANS = 64
"""Most spans of an explicit set."""
_ORDERS = frozenset(["<", ">", "<=", ">=", "!=", "="])
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_FAR = (Fraction(-10**9), Fraction(-1234567, 1000), Fraction(-37, 10), Fraction(-1, 1000), Fraction(1, 1000),
        Fraction(29, 10), Fraction(9876543, 1000), Fraction(10**9))  # fmt: skip


class NotASet(ValueError):
    """The node is no explicit set of real numbers."""


@dataclass(frozen=True, slots=True)
class Span:
    """One interval or point; an end of `None` is infinite."""

    low: Fraction | None
    low_closed: bool
    high: Fraction | None
    high_closed: bool


RealSet = tuple[Span, ...]
ALL: RealSet = (Span(None, False, None, False),)


def _same(a: Fraction | None, b: Fraction | None) -> bool:
    if a is None or b is None:
        return a is b
    if a == b:
        return True
    if a.denominator == b.denominator == 1:
        return False
    return abs(a - b) <= CLOSE * (1 + abs(a))


def _less(a: Fraction, b: Fraction) -> bool:
    return a < b and not _same(a, b)


def _span(low: Fraction | None, low_closed: bool, high: Fraction | None, high_closed: bool) -> RealSet:
    if low is not None and high is not None:
        if _same(low, high):
            return (Span(low, True, low, True),) if low_closed and high_closed else ()
        if low > high:
            return ()
    return (Span(low, low_closed, high, high_closed),)


def union(*sets: RealSet) -> RealSet:
    """Unite sets, merging spans that touch."""
    spans = sorted(
        (span for one in sets for span in one),
        key=lambda s: (s.low is not None, s.low or 0, not s.low_closed),
    )
    if len(spans) > MAX_SPANS:
        raise NotASet(f"more than {MAX_SPANS} intervals")
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last is None or not _touches(last, span):
            merged.append(span)
            continue
        high, closed = last.high, last.high_closed
        if high is not None and (span.high is None or not _less(span.high, high)):
            closed = (closed if _same(high, span.high) else False) or span.high_closed
            high = span.high
        low_closed = last.low_closed or (span.low_closed and _same(last.low, span.low))
        merged[-1] = Span(last.low, low_closed, high, closed)
    return tuple(merged)


def _touches(left: Span, right: Span) -> bool:
    if left.high is None or right.low is None:
        return True
    if _same(left.high, right.low):
        return left.high_closed or right.low_closed
    return right.low < left.high


def complement(one: RealSet) -> RealSet:
    """Return the real numbers outside a set."""
    found: list[Span] = []
    low: Fraction | None = None
    closed = False
    for span in one:
        if span.low is not None:
            found.extend(_span(low, closed, span.low, not span.low_closed))
        if span.high is None:
            return tuple(found)
        low, closed = span.high, not span.high_closed
    found.extend(_span(low, closed, None, False))
    return tuple(found)


def intersection(*sets: RealSet) -> RealSet:
    """Intersect sets."""
    return complement(union(*(complement(one) for one in sets)))


def same_set(left: RealSet, right: RealSet) -> bool:
    """Whether two explicit sets are equal."""
    return len(left) == len(right) and all(
        _same(a.low, b.low)
        and _same(a.high, b.high)
        and a.low_closed == b.low_closed
        and a.high_closed == b.high_closed
        for a, b in zip(left, right, strict=True)
    )


def contains(one: RealSet, value: Fraction) -> bool:
    """Whether a point lies in a set."""
    for span in one:
        above = span.low is None or (span.low_closed if _same(value, span.low) else value > span.low)
        below = span.high is None or (span.high_closed if _same(value, span.high) else value < span.high)
        if above and below:
            return True
    return False


def is_set_like(node: Node) -> bool:
    """Whether a node can only be meant as a set of numbers: a union, an interval, R, a builder, an inequality."""
    match node:
        case SetOp() | NamedSet() | Builder():
            return True
        case Seq(kind=kind, items=items):
            return (kind in ("()", "(]", "[)", "[]") and len(items) == 2) or kind == "{}"
        case Rel(links=links):
            return any(op in ("<", ">", "<=", ">=", "!=", "in") for op, _ in links)
    return False


def explicit(node: Node, context: Context) -> RealSet:
    """Return a node's explicit set.

    Raises:
        NotASet: If it has none (symbolic ends, a relation that is not linear).
    """
    context.steps.take(5)
    match node:
        case NamedSet(name="R"):
            return ALL
        case NamedSet(name="empty"):
            return ()
        case NamedSet(name="R+" | "R^+"):
            return (Span(Fraction(0), False, None, False),)
        case SetOp(op=op, items=(left, right)):
            return _combined(op, explicit(left, context), explicit(right, context))
        case Add(items=(left, Neg(item=right))):
            return _combined("minus", explicit(left, context), explicit(right, context))
        case Seq(kind="{}", items=items):
            return union(*(_points(item, context) for item in items))
        case Seq(kind=kind, items=(low, high)) if len(kind) == 2 and kind[0] in "([" and kind[1] in ")]":
            return _interval(kind, low, high, context)
        case Seq(kind="or", items=items) if len(free_symbols(node)) <= 1:
            return union(*(explicit(item, context) for item in items))
        case Seq(kind="and" | ",", items=items) if all(type(item) is Rel for item in items):
            if len(free_symbols(node)) > 1:
                raise NotASet("conditions on several variables")
            parts = [explicit(item, context) for item in items]
            return intersection(*parts) if not _only_points(parts) else union(*parts)
        case Builder(body=body, condition=condition):
            return _built(body, condition, context)
        case Rel():
            return _solved(node, context)
    raise NotASet(type(node).__name__)


def _only_points(parts: list[RealSet]) -> bool:
    return all(len(part) == 1 and part[0].low is not None and _same(part[0].low, part[0].high) for part in parts)


def _combined(op: str, left: RealSet, right: RealSet) -> RealSet:
    if op == "cup":
        return union(left, right)
    return intersection(left, right if op == "cap" else complement(right))


def _points(node: Node, context: Context) -> RealSet:
    found: list[RealSet] = []
    for value in signs_written_out(node):
        number = real_value(value, context)
        if number is None:
            raise NotASet("an element that is not a real number")
        found.append((Span(number, True, number, True),))
    return union(*found)


def _end(node: Node, context: Context) -> Fraction | None:
    if node == Const("inf") or node == Neg(Const("inf")):
        return None
    value = real_value(node, context)
    if value is None:
        raise NotASet("an end that is not a real number")
    return value


def _interval(kind: str, low: Node, high: Node, context: Context) -> RealSet:
    first, last = _end(low, context), _end(high, context)
    if (first is None and low != Neg(Const("inf"))) or (last is None and high != Const("inf")):
        raise NotASet("infinite ends the wrong way round")
    if first is not None and last is not None and not _less(first, last):
        raise NotASet("ends the wrong way round")
    return _span(first, kind[0] == "[" and first is not None, last, kind[1] == "]" and last is not None)


def _built(body: Node, condition: Node, context: Context) -> RealSet:
    if type(body) is Rel and body.links[0][0] == "in":  # {x in R | ...}
        return intersection(explicit(body.links[0][1], context), _built(body.first, condition, context))
    if type(body) is Sym and free_symbols(condition) == {body.name}:
        return explicit(condition, context)
    raise NotASet("a builder that is not a condition on its variable")


def variable_of(node: Node) -> str | None:
    """Return the one variable of a relation, if it has just one."""
    names = free_symbols(node)
    return next(iter(names)) if len(names) == 1 else None


def _solved(node: Rel, context: Context) -> RealSet:
    """Solve a chain of relations that are linear in one variable."""
    if len(node.links) == 1 and node.links[0][0] == "in" and type(node.first) is not Num:
        return explicit(node.links[0][1], context)
    if len(node.links) == 1 and node.links[0][0] == "notin":
        return complement(explicit(node.links[0][1], context))
    name = variable_of(node)
    if name is None:
        raise NotASet("not one variable")
    found = ALL
    left = node.first
    for op, right in node.links:
        if op not in _ORDERS:
            raise NotASet(op)
        found = intersection(found, _linear(left, op, right, name, context))
        left = right
    return found


def _linear(left: Node, op: str, right: Node, name: str, context: Context) -> RealSet:
    if right == Const("inf") or right == Neg(Const("inf")) or left == Const("inf") or left == Neg(Const("inf")):
        return ALL
    at = [_difference(left, right, name, Fraction(x), context) for x in (0, 1, 2, 5)]
    slope = at[1] - at[0]
    if slope == 0 or not (_same(at[2], at[0] + 2 * slope) and _same(at[3], at[0] + 5 * slope)):
        raise NotASet("not linear")
    if not _is_polynomial(left, name) or not _is_polynomial(right, name):
        raise NotASet("not linear")
    root = -at[0] / slope
    if slope < 0:
        op = _FLIPPED[op]
    if op == "=":
        return (Span(root, True, root, True),)
    if op == "!=":
        return complement((Span(root, True, root, True),))
    closed = op.endswith("=")
    return (Span(None, False, root, closed),) if op[0] == "<" else (Span(root, closed, None, False),)


def _is_polynomial(node: Node, name: str) -> bool:
    """Whether the variable stands in no function, exponent or denominator."""
    if name not in free_symbols(node):
        return True
    if type(node) is Sym:
        return True
    if type(node).__name__ not in ("Add", "Mul", "Neg", "Div"):
        return False
    if type(node).__name__ == "Div" and name in free_symbols(children(node)[1]):
        return False
    return all(_is_polynomial(child, name) for child in children(node))


def _difference(left: Node, right: Node, name: str, value: Fraction, context: Context) -> Fraction:
    number = real_value(put(Add((left, Neg(right))), name, value), context)
    if number is None:
        raise NotASet("no real value")
    return number


def put(node: Node, name: str, value: Fraction) -> Node:
    """Return the node with a variable replaced by a number."""
    return rebuilt(node, lambda item: Num(value) if type(item) is Sym and item.name == name else None)


def holds(node: Node, value: Fraction, context: Context) -> bool | None:
    """Whether a condition in one variable holds at a point; `None` where it has no value there."""
    match node:
        case Seq(kind="or", items=items):
            return any(holds(item, value, context) for item in items)
        case Seq(kind="and" | ",", items=items):
            return all(holds(item, value, context) for item in items)
        case Builder(condition=condition):
            return holds(condition, value, context)
        case Rel(first=first, links=links):
            name = variable_of(node)
            if name is None:
                return None
            left = first
            for op, right in links:
                if op not in _ORDERS:
                    return None
                if not _holds_once(left, op, right, name, value, context):
                    return False
                left = right
            return True
    return None


def _holds_once(left: Node, op: str, right: Node, name: str, value: Fraction, context: Context) -> bool:
    for side, infinite in ((right, Const("inf")), (left, Const("inf"))):
        if side == infinite or side == Neg(infinite):
            return True
    number = real_value(put(Add((left, Neg(right))), name, value), context)
    if number is None:
        return False
    zero = abs(number) <= CLOSE * (1 + abs(value))
    if op in ("=", "!="):
        return zero == (op == "=")
    if zero:
        return op.endswith("=")
    return (number < 0) == (op[0] == "<")


def describes(condition: Node, one: RealSet, context: Context) -> bool:
    """Whether a condition holds at just the points of an explicit set, tested at its ends, beside and between them."""
    ends = [end for span in one for end in (span.low, span.high) if end is not None]
    points: list[Fraction] = list(_FAR)
    for end in ends:
        points += [
            end,
            end - NEAR * (1 + abs(end)),
            end + NEAR * (1 + abs(end)),
            end + Fraction(1, 3),
            end - Fraction(1, 3),
        ]
    ordered = sorted(ends)
    points += [(a + b) / 2 for a, b in itertools.pairwise(ordered)]
    return all(bool(holds(condition, point, context)) == contains(one, point) for point in points)
