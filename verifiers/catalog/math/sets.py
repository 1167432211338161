"""Sets against sets: explicit ones span by span, conditions by testing, values over the integers by their body."""

from __future__ import annotations

from verifiers.catalog.math.equal import Context
from verifiers.catalog.math.realsets import NotASet, RealSet, describes, explicit, same_set, union
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.relations import stated
from verifiers.catalog.math.tree import Apply, Builder, NamedSet, Node, Rel, Seq, Sym, free_symbols

LIST_KINDS = frozenset([",", "or", "and", "{,}"])
"""Kinds of `Seq` that are no more than values written side by side."""


def explicit_sets(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare through explicit sets; `None` if neither side has one."""
    sides: list[RealSet | None] = []
    for node in (ref, pred):
        node = _named_simply(node)
        try:
            sides.append(explicit(node, context))
        except NotASet:
            sides.append(None)
    left, right = sides
    if left is not None and right is not None:
        context.rule = "sets of real numbers"
        return same_set(union(left), union(right))
    known, other = (left, pred) if left is not None else (right, ref)
    if known is not None and _single_variable(other):
        context.rule = "a condition tested at the ends of a set, beside and between them"
        return describes(other, known, context)
    return None


def _named_simply(node: Node) -> Node:
    """Read f(x) in a condition such as 0 < f(x) < 1 as one variable."""
    if type(node) is not Rel:
        return node
    return rebuilt(node, lambda item: Sym(item.name) if type(item) is Apply else None)


def _single_variable(node: Node) -> bool:
    return type(node) in (Rel, Seq, Builder) and len(free_symbols(node)) == 1


def body_over_integers(node: Node) -> Node | None:
    """Return the body of `{body | k in Z}` or of "body, k in Z", its parameter renamed."""
    kind = type(node)
    if kind is not Seq and kind is not Builder:
        return None
    if type(node) is Builder and (name := _integer_name(node.condition)) is not None:
        return _renamed(node.body, name)
    if type(node) is Seq and node.kind in LIST_KINDS and len(node.items) >= 2:
        name = _integer_name(node.items[-1])
        if name is not None:
            body = node.items[0] if len(node.items) == 2 else Seq(node.kind, node.items[:-1])
            found = stated(body)
            return _renamed(found.value if found is not None else body, name)
    return None


def _integer_name(node: Node) -> str | None:
    match node:
        case Rel(first=Sym(name=name), links=(("in", NamedSet(name=domain)),)) if domain[0] in "ZN":
            return name
    return None


def _renamed(node: Node, name: str) -> Node:
    return rebuilt(node, lambda item: Sym("k over integers") if item == Sym(name) else None)
