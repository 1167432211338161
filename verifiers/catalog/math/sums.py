"""Sums and products whose bounds hold variables: 1 + 2 + ... + n = n(n+1)/2 is tested at many integers n."""

from __future__ import annotations

from collections.abc import Iterator

from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.tree import Big, Const, Derivative, Integral, Limit, Node, Num, Sym, children, free_symbols

MAX_BOUNDS = 3
"""Most variables in bounds that are given integers."""
MIN_INSTANCES = 6
"""Integers at which two sides must agree at least; more are taken while steps last."""
_VALUES = (4, 2, 7, 3, 5, 6, 1, 9, 8, 12)


def bound_variables(*nodes: Node) -> set[str] | None:
    """Return the variables in the bounds of sums and products; `None` if another operator must be evaluated first."""
    found: set[str] = set()
    indices: set[str] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case Integral() | Limit() | Derivative() | Const(name="inf"):
                return None
            case Big(index=index, low=low, high=high):
                found |= free_symbols(low) | free_symbols(high)
                indices.add(index)
        stack.extend(children(node))
    found -= {name for name in found if name in indices}
    free = set().union(*(free_symbols(node) for node in nodes))
    return found if found and found <= free and not indices & free and len(found) <= MAX_BOUNDS else None


def instances(left: Node, right: Node, names: set[str]) -> Iterator[tuple[Node, Node]]:
    """Yield both sides with integers for `names`, a different one for each name."""
    for place in range(len(_VALUES)):
        chosen = {name: Num(_VALUES[(place + 3 * rank) % len(_VALUES)]) for rank, name in enumerate(sorted(names))}
        yield _put(left, chosen), _put(right, chosen)


def _put(node: Node, chosen: dict[str, Num]) -> Node:
    return rebuilt(node, lambda item: chosen.get(item.name) if type(item) is Sym else None)
