"""Functions given by cases: the same value wherever both conditions hold, and the same domain.

`Seq("cases")` holds one `Seq("case", (value, condition))` a line; "otherwise" is what the other lines leave over.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.realsets import explicit
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.spans import ALL, NotASet, RealSet, Span, complement, intersection, same_set, union
from verifiers.catalog.math.tree import Add, Div, Mul, Neg, Node, Num, Pow, Seq, Sym, Words, free_symbols

_REST = frozenset(["otherwise", "else", "elsewhere", "其他", "其它", "否则"])
Piece = tuple[Node, RealSet]


def is_piecewise(node: Node) -> bool:
    """Whether a node is a function given by cases."""
    return type(node) is Seq and node.kind == "cases"


def piecewise_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare two functions of which one at least is given by cases."""
    context.rule = "cases"
    names = _variables(ref) | _variables(pred)
    if len(names) == 1:
        name = names.pop()
        try:
            return _same_function(_pieces(ref, context), _pieces(pred, context), name, context)
        except NotASet:
            pass
    if not (is_piecewise(ref) and is_piecewise(pred)):
        return False
    left, right = _lines(ref), list(_lines(pred))
    for value, condition in left:
        place = next((i for i, line in enumerate(right) if _same_line((value, condition), line, context)), None)
        if place is None:
            context.rule = "a case of the reference is missing"
            return False
        del right[place]
    return not right


def _lines(node: Node) -> Sequence[tuple[Node, Node]]:
    return [(line.items[0], line.items[1]) for line in node.items if type(line) is Seq] if type(node) is Seq else []


def _same_line(left: tuple[Node, Node], right: tuple[Node, Node], context: Context) -> bool:
    if _is_rest(left[1]) != _is_rest(right[1]):
        return False
    same = _is_rest(left[1]) or context.match(left[1], right[1], context)
    return same and context.match(left[0], right[0], context)


def _is_rest(condition: Node) -> bool:
    return type(condition) is Words and condition.text.strip(" .,").lower() in _REST


def _variables(node: Node) -> set[str]:
    return {name for _, condition in _lines(node) for name in free_symbols(condition)} if is_piecewise(node) else set()


def _pieces(node: Node, context: Context) -> list[Piece]:
    """Return the values with the explicit sets on which they hold.

    Raises:
        NotASet: If a condition is no explicit set.
    """
    if not is_piecewise(node):
        return [(node, ALL)]
    found: list[Piece] = []
    covered: RealSet = ()
    for value, condition in _lines(node):
        where = complement(covered) if _is_rest(condition) else union(explicit(condition, context))
        found.append((value, where))
        covered = union(covered, where)
    return found


def _same_function(left: list[Piece], right: list[Piece], name: str, context: Context) -> bool:
    domains = [union(*(where for _, where in side)) for side in (left, right)]
    if not same_set(*domains):
        context.rule = "cases that cover other values of the variable"
        return False
    for value, where in left:
        for other, there in right:
            for span in intersection(where, there):
                if not _same_on(span, value, other, name, context):
                    context.rule = "cases of different value"
                    return False
    context.rule = "cases, span by span"
    return True


def _same_on(span: Span, left: Node, right: Node, name: str, context: Context) -> bool:
    """Compare two values on a span: at its one point, or with the variable moving inside it."""
    if span.low is not None and span.low == span.high:
        return context.match(_put(left, name, _number(span.low)), _put(right, name, _number(span.low)), context)
    if context.match(left, right, context):
        return True
    inside = _inside(span)
    return inside is not None and context.match(_put(left, name, inside), _put(right, name, inside), context)


def _inside(span: Span) -> Node | None:
    """Return an expression that takes just the values inside a span; `None` for the whole line."""
    square = Pow(Sym("u inside"), Num(2))
    if span.low is not None and span.high is not None:
        share = Div(square, Add((Num(1), square)))
        return Add((_number(span.low), Mul((_number(span.high - span.low), share))))
    if span.low is not None:
        return Add((_number(span.low), square))
    return Add((_number(span.high), Neg(square))) if span.high is not None else None


def _number(value: Fraction) -> Num:
    return Num(value.numerator if value.denominator == 1 else value)


def _put(node: Node, name: str, inside: Node) -> Node:
    return rebuilt(node, lambda item: inside if type(item) is Sym and item.name == name else None)
