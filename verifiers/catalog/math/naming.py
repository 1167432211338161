"""Names that may differ between two equal answers: a function's argument, an antiderivative's arbitrary constant."""

from __future__ import annotations

from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.tree import Add, Apply, Const, Mul, Node, Sym, walk

ARBITRARY = frozenset(["C", "c", "C_1", "c_1", "C_0", "c_0", "K"])
"""Names of the constant of integration."""


def arguments_of(name: Node) -> tuple[str, list[str]] | None:
    """Return a function's name and its arguments' names: f(x), C(m); `None` for anything else."""
    match name:
        case Apply(name=function, args=args) if all(type(arg) is Sym for arg in args):
            return function, [arg.name for arg in args if type(arg) is Sym]
        case Mul(items=(Sym(name=function), Sym(name=argument))) if function[0].isupper() and argument[0].islower():
            return function, [argument]
    return None


def same_name(left: Node, right: Node) -> bool:
    """Whether two names name the same thing: f(n) and f(x) do, f(2) and f(3) do not; y = x^2 states f(x) = x^2."""
    if left == right:
        return True
    first, second = arguments_of(left), arguments_of(right)
    if first is not None and second is not None:
        return first[0] == second[0] and len(first[1]) == len(second[1])
    function, other = (left, right) if first is not None else (right, left)
    return type(function) is Apply and len(function.args) == 1 and other in (Sym("y"), Sym(function.name))


def with_arguments(value: Node, given: Node | None, wanted: Node | None) -> Node:
    """Return a function's value with its arguments renamed as in `wanted`."""
    if given is None or wanted is None or given == wanted:
        return value
    first, second = arguments_of(given), arguments_of(wanted)
    if first is None or second is None or first[1] == second[1] or len(set(first[1])) < len(first[1]):
        return value
    table = dict(zip(first[1], second[1], strict=True))
    clashing = set(second[1]) - set(first[1])  # f(t) = x^2 is no function of its argument

    def renamed(item: Node) -> Node | None:
        if type(item) is not Sym:
            return None
        if item.name in table:
            return Sym(table[item.name])
        return Sym(item.name + " elsewhere") if item.name in clashing else None

    return rebuilt(value, renamed)


def with_constant(node: Node, like: Node) -> Node | None:
    """Return `node` with its arbitrary constant named as in `like`, if each has just one, added; else `None`."""
    given, wanted = _arbitrary(node), _arbitrary(like)
    if given is None or wanted is None or given == wanted:
        return None
    return rebuilt(node, lambda item: Sym(wanted) if item == Sym(given) else None)


def _arbitrary(node: Node) -> str | None:
    if type(node) is not Add:
        return None
    names = [item.name for item in node.items if type(item) is Sym and item.name in ARBITRARY]
    return names[0] if len(names) == 1 and _count(node, names[0]) == 1 else None


def _count(node: Node, name: str) -> int:
    return [item.name for item in walk(node) if type(item) is Sym].count(name)


def with_imaginary(node: Node, like: Node) -> Node | None:
    """Return `node` with its variable I read as i, if it has no i of its own and `like` has i and no I; else `None`."""
    if not _count(node, "I") or has_imaginary(node) or not has_imaginary(like) or _count(like, "I"):
        return None
    return rebuilt(node, lambda item: Const("i") if item == Sym("I") else None)


def has_imaginary(node: Node) -> bool:
    """Whether i stands in a tree."""
    return any(type(item) is Const and item.name == "i" for item in walk(node))
