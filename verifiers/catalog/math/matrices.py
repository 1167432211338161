"""Matrices and vectors: read from every notation, with sums, scalar multiples and small products multiplied out."""

from __future__ import annotations

from collections.abc import Sequence

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.tree import (
    BASIS,
    Add,
    Div,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Seq,
    Sym,
    children,
    free_symbols,
)

MAX_PRODUCT = 12
"""Largest dimension of matrices that are multiplied."""
MAX_POWER = 8
"""Largest exponent of a matrix that is multiplied out."""
MAX_INVERSE = 4
"""Largest dimension of a matrix that is inverted."""
_TRANSPOSED = (Sym("T"), Sym("t"))
Rows = tuple[tuple[Node, ...], ...]


def is_matrix_like(node: Node) -> bool:
    """Whether a node is a matrix or a vector, or built from one."""
    match node:
        case Matrix(det=det):
            return not det
        case Seq(kind="[]", items=items):
            return len(items) > 0 and all(type(item) is Seq and item.kind == "[]" for item in items)
        case Pow(base=base):
            return is_matrix_like(base)
        case Add() | Mul() | Neg() | Div():
            return any(is_matrix_like(child) for child in children(node)) or _in_basis(node)
        case Sym(name=name):
            return name in BASIS
    return False


def _in_basis(node: Node) -> bool:
    return any((type(child) is Sym and child.name in BASIS) or _in_basis(child) for child in children(node))


def as_matrix(node: Node, context: Context) -> Rows | None:
    """Return a node's rows, or `None` if it is no matrix."""
    context.steps.take(3)
    match node:
        case Matrix(rows=rows, det=False):
            return rows
        case Seq(kind="[]", items=items) if is_matrix_like(node):
            rows = tuple(item.items for item in items if type(item) is Seq)
            return rows if len({len(row) for row in rows}) == 1 else None
        case Neg(item=item):
            return _scaled(Num(-1), as_matrix(item, context))
        case Add(items=items):
            return _sum([as_matrix(item, context) for item in items])
        case Div(top=top, bottom=bottom):
            return _scaled(Pow(bottom, Num(-1)), as_matrix(top, context))
        case Mul(items=items):
            return _product(items, context)
        case Pow(base=base, exponent=exponent):
            inner = as_matrix(base, context)
            return None if inner is None else _power(inner, exponent, context)
    return None


def _scaled(factor: Node, rows: Rows | None) -> Rows | None:
    return None if rows is None else tuple(tuple(Mul((factor, item)) for item in row) for row in rows)


def _sum(parts: Sequence[Rows | None]) -> Rows | None:
    known = [part for part in parts if part is not None]
    shapes = {(len(part), len(part[0])) for part in known}
    if len(known) != len(parts) or len(shapes) != 1:
        return None
    height, width = shapes.pop()
    return tuple(tuple(Add(tuple(part[r][c] for part in known)) for c in range(width)) for r in range(height))


def _product(items: Sequence[Node], context: Context) -> Rows | None:
    found: Rows | None = None
    factors: list[Node] = []
    for item in items:
        rows = as_matrix(item, context)
        if rows is None:
            factors.append(item)
        elif found is None:
            found = rows
        else:
            found = _times(found, rows, context)
            if found is None:
                return None
    return _scaled(Mul(tuple(factors)), found) if factors and found is not None else found


def _times(left: Rows, right: Rows, context: Context) -> Rows | None:
    if len(left[0]) != len(right):
        return None
    if max(len(left), len(right), len(right[0])) > MAX_PRODUCT:
        raise OutOfSteps(f"a product of matrices larger than {MAX_PRODUCT}")
    context.steps.take(len(left) * len(right) * len(right[0]))
    columns = list(zip(*right, strict=True))
    return tuple(
        tuple(Add(tuple(Mul((a, b)) for a, b in zip(row, column, strict=True))) for column in columns) for row in left
    )


def _power(rows: Rows, exponent: Node, context: Context) -> Rows | None:
    """Return a transpose, or a small power or inverse of a square."""
    if exponent in _TRANSPOSED:
        return tuple(zip(*rows, strict=True))
    if type(exponent) is not Num or not isinstance(exponent.value, int) or len(rows) != len(rows[0]):
        return None
    count = exponent.value
    if count < 0:
        rows, count = _inverse(rows, context), -count
    if not 1 <= count <= MAX_POWER:
        return None
    found: Rows | None = rows
    for _ in range(count - 1):
        found = None if found is None else _times(found, rows, context)
    return found


def _inverse(rows: Rows, context: Context) -> Rows:
    """Return the inverse by cofactors; where the determinant is 0 its entries have no value."""
    size = len(rows)
    if size > MAX_INVERSE:
        raise OutOfSteps(f"an inverse of a matrix larger than {MAX_INVERSE}")
    context.steps.take(size**4)
    whole = Matrix(rows, det=True)
    return tuple(tuple(Div(_cofactor(rows, c, r), whole) for c in range(size)) for r in range(size))


def _cofactor(rows: Rows, row: int, column: int) -> Node:
    kept = tuple(line[:column] + line[column + 1 :] for place, line in enumerate(rows) if place != row)
    minor: Node = Matrix(kept, det=True) if kept else Num(1)
    return Neg(minor) if (row + column) % 2 else minor


def as_vector(node: Node, context: Context) -> tuple[Node, ...] | None:
    """Return the entries of a column, a row, a tuple or a combination of i, j, k."""
    if type(node) is Seq and node.kind in ("()", "<>", "[]"):
        return node.items
    rows = as_matrix(node, context)
    if rows is not None:
        if len(rows[0]) == 1:
            return tuple(row[0] for row in rows)
        return rows[0] if len(rows) == 1 else None
    names = free_symbols(node) & set(BASIS)
    if not names:
        return None
    size = 3 if "e_k" in names else 2
    return tuple(_coefficient(node, axis) for axis in BASIS[:size])


def _coefficient(node: Node, axis: str) -> Node:
    return rebuilt(
        node,
        lambda item: Num(1 if item.name == axis else 0) if type(item) is Sym and item.name in BASIS else None,
    )
