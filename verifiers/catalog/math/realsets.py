"""Sets of real numbers: intervals, unions, inequalities in one variable, set-builder notation, R and the empty set.

Relations between rational functions and absolute values are solved (irrational ends as 240-bit rationals). Any other
relation is compared with an explicit set by asking, at that set's ends, beside them and between them, whether it holds.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.equal import real_value
from verifiers.catalog.math.polynomials import NotPolynomial
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.relations import signs_written_out
from verifiers.catalog.math.solving import cells, turning_points
from verifiers.catalog.math.spans import (
    ALL,
    CLOSE,
    MAX_SPANS,
    NotASet,
    RealSet,
    Span,
    complement,
    contains,
    intersection,
    less,
    same_end,
    span_of,
    union,
)
from verifiers.catalog.math.steps import OutOfSteps, Steps
from verifiers.catalog.math.tree import (
    Add,
    Builder,
    Const,
    Div,
    Mul,
    NamedSet,
    Neg,
    Node,
    Num,
    Rel,
    Seq,
    SetOp,
    Sym,
    free_symbols,
)

SOLVING_STEPS = 6_000
"""Steps that the search for the roots of one relation may take; a quarter is charged to the comparison."""
NEAR = (Fraction(1, 10**6), Fraction(1, 10**16))
"""Relative distances of the test points beside an end."""
_ABOVE, _BELOW = Span(Fraction(0), False, None, False), Span(None, False, Fraction(0), False)
_PARTS_OF_R: dict[str, RealSet] = {
    "R+": (_ABOVE,), "R>0": (_ABOVE,), "R-": (_BELOW,), "R<0": (_BELOW,), "R*": (_BELOW, _ABOVE),
    "R\\ge0": (Span(Fraction(0), True, None, False),), "R\\le0": (Span(None, False, Fraction(0), True),),
}  # fmt: skip
_ORDERS = frozenset(["<", ">", "<=", ">=", "!=", "="])
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_FAR = (Fraction(-10**9), Fraction(-1234567, 1000), Fraction(-37, 10), Fraction(-1, 1000), Fraction(1, 1000),
        Fraction(29, 10), Fraction(9876543, 1000), Fraction(10**9),
        *(sign * Fraction(3, 7) * Fraction(7, 4) ** power for power in range(-4, 12) for sign in (-1, 1)))  # fmt: skip


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
        case NamedSet(name=name) if name in _PARTS_OF_R:
            return _PARTS_OF_R[name]
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
    return all(len(part) == 1 and part[0].low is not None and same_end(part[0].low, part[0].high) for part in parts)


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
    if first is not None and last is not None and not less(first, last):
        raise NotASet("ends the wrong way round")
    return span_of(first, kind[0] == "[" and first is not None, last, kind[1] == "]" and last is not None)


def _built(body: Node, condition: Node, context: Context) -> RealSet:
    if type(body) is Rel and body.links[0][0] == "in":  # {x in R | ...}
        inner = _built(body.first, condition, context)
        domain = body.links[0][1]
        if type(domain) is NamedSet and domain.name in _LEAST:
            return _integers(inner, _LEAST[domain.name])
        return intersection(explicit(domain, context), inner)
    if type(body) is Sym and free_symbols(condition) == {body.name}:
        if type(condition) is Rel and len(condition.links) == 1 and condition.links[0][0] == "=":
            return _turning(condition.first, "=", condition.links[0][1], body.name, context)
        return explicit(condition, context)
    raise NotASet("a builder that is not a condition on its variable")


_LEAST = {"Z": None, "Z+": 1, "Z^+": 1, "N*": 1, "N^*": 1, "N+": 1, "N^+": 1}


def _integers(one: RealSet, least: int | None) -> RealSet:
    """Return the integers, from `least` on, of a bounded set."""
    found: list[Span] = []
    for span in one:
        low = least if span.low is None else math.ceil(span.low)
        if low is None or span.high is None or math.floor(span.high) - low > MAX_SPANS:
            raise NotASet("too many integers")
        for value in range(max(low, least if least is not None else low), math.floor(span.high) + 1):
            if contains(one, Fraction(value)):
                found.append(Span(Fraction(value), True, Fraction(value), True))
    return tuple(found)


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
        found = intersection(found, _where(left, op, right, name, context))
        left = right
    return found


def _where(left: Node, op: str, right: Node, name: str, context: Context) -> RealSet:
    try:
        return _linear(left, op, right, name, context)
    except NotASet:
        if op == "=":
            raise
        return _turning(left, op, right, name, context)


def _turning(left: Node, op: str, right: Node, name: str, context: Context) -> RealSet:
    """Solve a relation between rational functions and absolute values."""
    context.steps.take(SOLVING_STEPS // 4)
    try:
        points, poles = turning_points(Add((left, Neg(right))), name, Steps(SOLVING_STEPS))
    except (NotPolynomial, OutOfSteps) as error:
        raise NotASet(str(error)) from error
    found = cells(points, lambda at: _holds_once(left, op, right, name, at, context), poles)
    return union(*((Span(*cell),) for cell in found)) if found else ()


def _linear(left: Node, op: str, right: Node, name: str, context: Context) -> RealSet:
    if right == Const("inf") or right == Neg(Const("inf")) or left == Const("inf") or left == Neg(Const("inf")):
        return ALL
    if not _is_linear(left, name) or not _is_linear(right, name):
        raise NotASet("not linear")
    start, step = (_difference(left, right, name, Fraction(x), context) for x in (0, 1))
    slope = step - start
    if slope == 0:
        raise NotASet("constant")
    root = -start / slope
    if slope < 0:
        op = _FLIPPED[op]
    if op == "=":
        return (Span(root, True, root, True),)
    if op == "!=":
        return complement((Span(root, True, root, True),))
    closed = op.endswith("=")
    return (Span(None, False, root, closed),) if op[0] == "<" else (Span(root, closed, None, False),)


def _is_linear(node: Node, name: str) -> bool:
    """Whether the variable stands in sums and at most one factor of a product."""
    if name not in free_symbols(node):
        return True
    match node:
        case Sym():
            return True
        case Add(items=items):
            return all(_is_linear(item, name) for item in items)
        case Mul(items=items):
            return sum(name in free_symbols(item) for item in items) == 1 and all(_is_linear(i, name) for i in items)
        case Neg(item=item):
            return _is_linear(item, name)
        case Div(top=top, bottom=bottom):
            return name not in free_symbols(bottom) and _is_linear(top, name)
    return False


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
        case Builder(body=Sym(), condition=condition):
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
        points += [end, end + Fraction(1, 3), end - Fraction(1, 3)]
        points += [end + sign * near * (1 + abs(end)) for near in NEAR for sign in (-1, 1)]
    ordered = sorted(ends)
    points += [(a + b) / 2 for a, b in itertools.pairwise(ordered)]
    return all(bool(holds(condition, point, context)) == contains(one, point) for point in points)
