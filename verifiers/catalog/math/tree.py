"""The small typed tree that every answer is read into. Nodes are built once by the parser and never changed.

Scalars: Num Sym Const Add Mul Div Pow Neg Call Big Integral Limit Derivative. Around them: PlusMinus, Percent,
Quantity, Based. Shapes: Seq (tuple, set, interval, list), Matrix, Rel, SetOp, Builder, Ratio. Text: Words.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

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
    r"""A quotient; `bar` when it was written with \\frac."""

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


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node, in reading order."""
    match node:
        case Add() | Mul() | SetOp() | Ratio() | Seq():
            return node.items
        case Div():
            return (node.top, node.bottom)
        case Pow():
            return (node.base, node.exponent)
        case Neg() | Percent() | Quantity():
            return (node.item,)
        case Call() | Apply():
            return node.args
        case Big():
            return (node.low, node.high, node.body)
        case Integral():
            return tuple(x for x in (node.low, node.high, node.body) if x is not None)
        case Limit():
            return (node.to, node.body)
        case Derivative():
            return (node.body,)
        case PlusMinus():
            return (node.right,) if node.left is None else (node.left, node.right)
        case Matrix():
            return tuple(x for row in node.rows for x in row)
        case Rel():
            return (node.first, *(item for _, item in node.links))
        case Builder():
            return (node.body, node.condition)
    return ()


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
    stack: list[tuple[Node, frozenset[str]]] = [(node, frozenset())]
    while stack:
        item, bound = stack.pop()
        if type(item) is Sym:
            if item.name not in bound:
                found.add(item.name)
            continue
        name = bound_name(item)
        inner = bound | {name} if name is not None else bound
        stack.extend((child, inner) for child in children(item))
        if type(item) is Words and item.product is not None:
            stack.append((item.product, bound))
    return found
