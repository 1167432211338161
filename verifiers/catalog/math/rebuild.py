"""Rebuild a tree with some of its nodes replaced."""

from __future__ import annotations

from collections.abc import Callable

from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Big,
    Builder,
    Call,
    Div,
    Matrix,
    Mul,
    Neg,
    Node,
    Percent,
    PlusMinus,
    Pow,
    Quantity,
    Ratio,
    Rel,
    Seq,
    SetOp,
)


def rebuilt(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """Return the tree with each node for which `change` gives one replaced by that, from the top down.

    Integrals, limits and derivatives are left as they are: their variable is bound.
    """
    new = change(node)
    if new is not None:
        return new
    match node:
        case Add(items=items):
            return Add(tuple(rebuilt(item, change) for item in items))
        case Mul(items=items):
            return Mul(tuple(rebuilt(item, change) for item in items))
        case Div(top=top, bottom=bottom, bar=bar):
            return Div(rebuilt(top, change), rebuilt(bottom, change), bar)
        case Pow(base=base, exponent=exponent):
            return Pow(rebuilt(base, change), rebuilt(exponent, change))
        case Neg(item=item):
            return Neg(rebuilt(item, change))
        case Percent(item=item):
            return Percent(rebuilt(item, change))
        case Quantity(item=item, unit=unit, text=text):
            return Quantity(rebuilt(item, change), unit, text)
        case Call(name=name, args=args):
            return Call(name, tuple(rebuilt(arg, change) for arg in args))
        case Apply(name=name, args=args):
            return Apply(name, tuple(rebuilt(arg, change) for arg in args))
        case Big(kind=kind, index=index, low=low, high=high, body=body):
            return Big(kind, index, rebuilt(low, change), rebuilt(high, change), rebuilt(body, change))
        case Seq(kind=kind, items=items):
            return Seq(kind, tuple(rebuilt(item, change) for item in items))
        case SetOp(op=op, items=items):
            return SetOp(op, tuple(rebuilt(item, change) for item in items))
        case Ratio(items=items):
            return Ratio(tuple(rebuilt(item, change) for item in items))
        case Matrix(rows=rows, det=det):
            return Matrix(tuple(tuple(rebuilt(item, change) for item in row) for row in rows), det)
        case Rel(first=first, links=links):
            return Rel(rebuilt(first, change), tuple((op, rebuilt(item, change)) for op, item in links))
        case Builder(body=body, condition=condition):
            return Builder(rebuilt(body, change), rebuilt(condition, change))
        case PlusMinus(left=left, right=right, upper=upper):
            return PlusMinus(None if left is None else rebuilt(left, change), rebuilt(right, change), upper)
    return node
