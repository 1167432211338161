"""What kind of functions two trees hold, which decides where and how they are compared by value."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifiers.catalog.math.points import Grid
from verifiers.catalog.math.tree import (
    Big,
    Call,
    Const,
    Derivative,
    Div,
    Integral,
    Limit,
    Neg,
    Node,
    Num,
    Pow,
    Sym,
    Words,
    children,
    free_symbols,
    walk,
)

_INTEGER_CALLS = frozenset(["factorial", "factorial2", "binom", "perm", "mod", "gcd", "lcm"])
_STEP_CALLS = frozenset(["floor", "ceil"])
_FOLD_CALLS = frozenset(["abs", "sqrt", "root", "max", "min", "sgn", "arg", "conj"])
_OPERATORS = frozenset([Integral, Limit, Derivative])


@dataclass(slots=True)
class Traits:
    """What was met in two trees.

    Attributes:
        symbols: Their free variables.
        imaginary: Whether i is there.
        grid: Which points to take.
        bare_log: Whether a logarithm without a base is there.
        unevaluated: Whether an operator must be evaluated first.
        folded: Whether an absolute value or a root of a variable makes a function that is not one formula everywhere.
        nested: Whether a power with a variable in its exponent is raised again.
    """

    symbols: set[str]
    imaginary: bool = False
    grid: Grid = "near"
    bare_log: bool = False
    unevaluated: bool = False
    folded: bool = False
    nested: bool = False


def traits_of(*nodes: Node) -> Traits:
    """Return the traits of some trees together, in one walk; variables are looked at again only where they count."""
    found = Traits(set())
    integers = steps = folds = nested = bound = False
    for node in walk(*nodes):
        if type(node) is Num:
            continue
        if type(node) is Sym:
            found.symbols.add(node.name)
        elif type(node) is Const:
            found.imaginary = found.imaginary or node.name == "i"
        elif type(node) is Call:
            integers = integers or node.name in _INTEGER_CALLS
            steps = steps or node.name in _STEP_CALLS
            folds = folds or node.name in _FOLD_CALLS
            found.bare_log = found.bare_log or (node.name == "log" and len(node.args) == 1)
        elif type(node) is Pow:
            base = node.base
            integers = integers or _is_negative(base)
            nested = nested or type(base) is Pow
            folds = folds or _is_fraction(node.exponent)
        elif type(node) in _OPERATORS:
            bound = found.unevaluated = True
        elif type(node) is Big:
            bound = True
            found.unevaluated = found.unevaluated or _is_open(node)
        elif type(node) is Words:
            bound = True
    if bound:
        found.symbols = {name for node in nodes for name in free_symbols(node)}
    found.grid = "integers" if integers else "wide" if steps else "near"
    if found.symbols:
        found.folded = folds and found.grid == "near" and any(map(_folds, nodes))
        found.nested = nested and any(map(_nested_powers, nodes))
    return found


def _is_negative(base: Node) -> bool:
    return (type(base) is Num and base.value < 0) or (type(base) is Neg and type(base.item) is Num)


def _is_fraction(exponent: Node) -> bool:
    return type(exponent) is Div or (type(exponent) is Num and type(exponent.value) is Fraction)


def _is_open(node: Big) -> bool:
    return type(node.high) is Const or bool(free_symbols(node.high) | free_symbols(node.low))


def _folds(node: Node) -> bool:
    """Whether an absolute value or a root of a variable makes a function that is not one formula everywhere."""
    if type(node) is Call and node.name in _FOLD_CALLS:
        return bool(free_symbols(node))
    if type(node) is Pow and _is_fraction(node.exponent):
        return bool(free_symbols(node.base))
    return any(map(_folds, children(node)))


def _nested_powers(node: Node) -> bool:
    """Whether a power with a variable in its exponent is raised again: (a^b)^c is not a^(bc) for negative a."""
    if type(node) is Pow and type(node.base) is Pow:
        inner = node.base
        if free_symbols(inner.base) and free_symbols(inner.exponent):
            return True
    return any(map(_nested_powers, children(node)))
