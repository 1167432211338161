"""Sets against sets: explicit ones span by span, conditions by testing, values over the integers by their body."""

from __future__ import annotations

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.families import same_families
from verifiers.catalog.math.realsets import describes, explicit
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.relations import signs_written_out, stated
from verifiers.catalog.math.spans import NotASet, RealSet, same_set, union
from verifiers.catalog.math.tree import Apply, Builder, Const, NamedSet, Neg, Node, Rel, Seq, Sym, free_symbols

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


def as_interval(node: Node) -> Node:
    """Return a < x <= b as the interval (a, b], x > a as (a, infinity); any other node as it is."""
    match node:
        case Rel(first=low, links=((("<" | "<=") as left, Sym()), (("<" | "<=") as right, high))):
            return Seq(("[" if left == "<=" else "(") + ("]" if right == "<=" else ")"), (low, high))
        case Rel(first=high, links=(((">" | ">=") as left, Sym()), ((">" | ">=") as right, low))):
            return Seq(("[" if right == ">=" else "(") + ("]" if left == ">=" else ")"), (low, high))
        case Rel(first=Sym(), links=(((">" | ">=") as op, low),)):
            return Seq("[)" if op == ">=" else "()", (low, Const("inf")))
        case Rel(first=Sym(), links=((("<" | "<=") as op, high),)):
            return Seq("(]" if op == "<=" else "()", (Neg(Const("inf")), high))
    return node


def over_integers(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare values that run over the integers (2k pi, k in Z); `None` unless both sides do."""
    if type(ref) not in (Seq, Builder) or type(pred) not in (Seq, Builder):
        return None
    left, right = body_over_integers(ref), body_over_integers(pred)
    if left is None or right is None:
        return None
    bodies = _bodies(left), _bodies(right)
    if all(free_symbols(body) == {_ALL_INTEGERS} for side in bodies for body in side):
        found = same_families(*bodies, _ALL_INTEGERS, context)
        if found is not None:
            return found
    context.rule = "values over the same integers"
    return context.match(left, right, context)


def _bodies(node: Node) -> list[Node]:
    """Return the families of a union, ± written out, names dropped."""
    if type(node) is Seq and node.kind in LIST_KINDS:
        return [body for item in node.items for body in _bodies(item)]
    found = stated(node)
    return signs_written_out(found.value if found is not None else node)


def body_over_integers(node: Node) -> Node | None:
    """Return the body of `{body | k in Z}` or of "body, k in Z", its parameter renamed after its domain."""
    if type(node) is Builder and (domain := _integer_name(node.condition)) is not None:
        return _renamed(node.body, *domain)
    if type(node) is Builder and type(node.condition) is Seq and node.condition.kind == "and":
        return body_over_integers(Seq(",", node.condition.items))  # {x | x = 2k pi, k in Z}
    if type(node) is Seq and node.kind in LIST_KINDS and len(node.items) >= 2:
        domain = _integer_name(node.items[-1])
        if domain is not None:
            body = node.items[0] if len(node.items) == 2 else Seq(node.kind, node.items[:-1])
            found = stated(body)
            return _renamed(found.value if found is not None else body, *domain)
    return None


def _integer_name(node: Node) -> tuple[str, str] | None:
    match node:
        case Rel(first=Sym(name=name), links=(("in", NamedSet(name=domain)),)) if domain[0] in "ZN":
            return name, domain
    return None


_ALL_INTEGERS = "k over Z"


def _renamed(node: Node, name: str, domain: str) -> Node:
    return rebuilt(node, lambda item: Sym(f"k over {domain}") if item == Sym(name) else None)
