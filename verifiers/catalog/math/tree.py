"""The small typed tree that every answer is read into. Nodes are built once by the parser and never changed.

Scalars: Num Sym Const Add Mul Div Pow Neg Call Big Integral Limit Derivative. Around them: PlusMinus, Percent,
Quantity, Based. Shapes: Seq (tuple, set, interval, list), Matrix, Rel, SetOp, Builder, Ratio. Text: Words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from verifiers.catalog.math.units import Unit


@dataclass(slots=True)
class Num:
    """A rational literal; `places` = digits after the point if it was written as a decimal, else -1."""

    value: int | Fraction
    places: int = -1


@dataclass(slots=True)
class Sym:
    """A variable, subscript included (`x_1`)."""

    name: str


@dataclass(slots=True)
class Const:
    """pi, e, i or inf."""

    name: Literal["pi", "e", "i", "inf"]


@dataclass(slots=True)
class Add:
    """A sum of two or more terms."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Mul:
    """A product of two or more factors."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Div:
    r"""A quotient; `bar` when it was written with \frac."""

    top: Node
    bottom: Node
    bar: bool = False


@dataclass(slots=True)
class Pow:
    """A power."""

    base: Node
    exponent: Node


@dataclass(slots=True)
class Neg:
    """Minus something."""

    item: Node


@dataclass(slots=True)
class Call:
    """A function of arguments: sin, log (argument, base), sqrt, root (argument, index), abs, binom, factorial ..."""

    name: str
    args: tuple[Node, ...]


@dataclass(slots=True)
class Apply:
    """An unknown function applied: f(2)."""

    name: str
    args: tuple[Node, ...]


@dataclass(slots=True)
class Big:
    """A closed sum or product over an integer index."""

    kind: Literal["sum", "prod"]
    index: str
    low: Node
    high: Node
    body: Node


@dataclass(slots=True)
class Integral:
    """A definite (or, without bounds, indefinite) integral."""

    variable: str
    low: Node | None
    high: Node | None
    body: Node


@dataclass(slots=True)
class Limit:
    """A limit, left unevaluated."""

    variable: str
    to: Node
    body: Node


@dataclass(slots=True)
class Derivative:
    """d^n/dx^n of a body, left unevaluated."""

    variable: str
    order: int
    body: Node


@dataclass(slots=True)
class PlusMinus:
    """left ± right (`left` may be absent); `upper` False for ∓."""

    left: Node | None
    right: Node
    upper: bool = True


@dataclass(slots=True)
class Percent:
    """A percentage: 25% is Percent(25)."""

    item: Node


@dataclass(slots=True)
class Quantity:
    """A number with a unit, or with a label (`unit` None) such as "apples"."""

    item: Node
    unit: Unit | None
    text: str


@dataclass(slots=True)
class Based:
    """Digits in a stated base: 4210_5."""

    digits: str
    base: int


@dataclass(slots=True)
class Seq:
    """Items in brackets: `()` `[]` `(]` `[)` `{}` `<>`; in a bare list: `,`; joined by words: `or` `and`."""

    kind: str
    items: tuple[Node, ...]


@dataclass(slots=True)
class Matrix:
    """Rows of equal length; `det` when written between bars."""

    rows: tuple[tuple[Node, ...], ...]
    det: bool = False


@dataclass(slots=True)
class Rel:
    """A chain of relations: first op item op item ..., ops among = < > <= >= != ~ in notin -> mod."""

    first: Node
    links: tuple[tuple[str, Node], ...]


@dataclass(slots=True)
class SetOp:
    """A union, intersection or difference of sets; op is one of `cup` `cap` `minus`."""

    op: str
    items: tuple[Node, ...]


@dataclass(slots=True)
class Builder:
    """A set in builder notation: {body | condition}, or a bare "body, k in Z"."""

    body: Node
    condition: Node


@dataclass(slots=True)
class Ratio:
    """a : b : c."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Words:
    """A text answer, normalised; `product` is its reading as a product of one-letter variables, if it has one."""

    text: str
    product: Node | None = None


@dataclass(slots=True)
class NamedSet:
    """R, Q, Z, N, C or the empty set."""

    name: str


Node: TypeAlias = (
    Num | Sym | Const | Add | Mul | Div | Pow | Neg | Call | Apply | Big | Integral | Limit | Derivative | PlusMinus
    | Percent | Quantity | Based | Seq | Matrix | Rel | SetOp | Builder | Ratio | Words | NamedSet
)  # fmt: skip


def _items(node: Any) -> tuple[Node, ...]:
    items: tuple[Node, ...] = node.items
    return items


def _item(node: Any) -> tuple[Node, ...]:
    return (node.item,)


def _args(node: Any) -> tuple[Node, ...]:
    args: tuple[Node, ...] = node.args
    return args


_CHILDREN: dict[type, Callable[[Any], tuple[Node, ...]]] = {
    Add: _items, Mul: _items, SetOp: _items, Ratio: _items, Seq: _items, Neg: _item, Percent: _item, Quantity: _item,
    Call: _args, Apply: _args,
    Div: lambda node: (node.top, node.bottom),
    Pow: lambda node: (node.base, node.exponent),
    Big: lambda node: (node.low, node.high, node.body),
    Integral: lambda node: tuple(x for x in (node.low, node.high, node.body) if x is not None),
    Limit: lambda node: (node.to, node.body),
    Derivative: lambda node: (node.body,),
    PlusMinus: lambda node: (node.right,) if node.left is None else (node.left, node.right),
    Matrix: lambda node: tuple(x for row in node.rows for x in row),
    Rel: lambda node: (node.first, *(item for _, item in node.links)),
    Builder: lambda node: (node.body, node.condition),
}  # fmt: skip


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node, in reading order."""
    getter = _CHILDREN.get(type(node))
    return () if getter is None else getter(node)


def walk(*nodes: Node) -> list[Node]:
    """Return the nodes of some trees, the outer ones first; a binder's inside like any other."""
    found = [*nodes]
    for node in found:  # which grows on the way
        getter = _CHILDREN.get(type(node))
        if getter is not None:
            found += getter(node)
    return found


BASIS = ("e_i", "e_j", "e_k")
"""Names of the unit vectors i, j, k."""


def has_shape(node: Node) -> bool:
    """Whether a tree holds anything but scalars: signs to write out, matrices, brackets, unit vectors."""
    if type(node) in _SHAPED:
        return True
    nodes = walk(node)
    if not _SHAPED.isdisjoint(map(type, nodes)):
        return True
    return not {item.name for item in nodes if type(item) is Sym}.isdisjoint(BASIS)


_SHAPED = frozenset([PlusMinus, Matrix, Seq])


def bound_name(node: Node) -> str | None:
    """Return the variable that a node binds, if it binds one."""
    match node:
        case Big():
            return node.index
        case Integral() | Limit():
            return node.variable
    return None


def free_symbols(node: Node) -> set[str]:
    """Return the names of the variables that the value depends on."""
    found: set[str] = set()
    stack = [node]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is Sym:
            found.add(item.name)  # type: ignore[union-attr]
        elif kind is Num:
            continue
        elif kind in _BINDERS:
            inner = {name for child in children(item) for name in free_symbols(child)}
            found |= inner - {bound_name(item) or ""}
        elif kind is Words:
            if item.product is not None:  # type: ignore[union-attr]
                stack.append(item.product)  # type: ignore[union-attr]
        elif (getter := _CHILDREN.get(kind)) is not None:
            stack.extend(getter(item))
    return found


_BINDERS = frozenset([Big, Integral, Limit])
