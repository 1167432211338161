"""Random expressions with three renderings, and exact or numeric evaluation that owes nothing to the teacher.

A tree is a tuple: `("int", 3)`, `("sym", "x")`, `("const", "pi")`, `("add", a, b)`, `("sub", a, b)`, `("mul", a, b)`,
`("div", a, b)`, `("pow", a, 2)`, `("root", 2, a)`, `("call", "sin", a)`, `("neg", a)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

from hypothesis import strategies as st

Tree: TypeAlias = tuple[Any, ...]

CALLS: dict[str, Callable[[float], float]] = {"sin": math.sin, "cos": math.cos, "tan": math.tan, "ln": math.log}
CONSTANTS = {"pi": math.pi, "e": math.e}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LARGEST, SMALLEST = 1e9, 1e-6
"""Values beyond these are not worth testing: floats no longer tell them apart, or from zero."""


def rational_trees(symbols: tuple[str, ...] = ()) -> st.SearchStrategy[Tree]:
    """Trees over the rationals, with the given symbols."""
    leaves = [st.tuples(st.just("int"), st.integers(1, 40))]
    if symbols:
        leaves.append(st.tuples(st.just("sym"), st.sampled_from(symbols)))
    return st.recursive(st.one_of(leaves), _arithmetic, max_leaves=6)


def value_trees(symbols: tuple[str, ...] = ()) -> st.SearchStrategy[Tree]:
    """Trees that also hold roots, trigonometry, logarithms, pi and e."""
    leaves = [st.tuples(st.just("int"), st.integers(1, 20)), st.tuples(st.just("const"), st.sampled_from(["pi", "e"]))]
    if symbols:
        leaves.append(st.tuples(st.just("sym"), st.sampled_from(symbols)))
    return st.recursive(st.one_of(leaves), _transcendental, max_leaves=5)


def _arithmetic(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), inner, inner),
        st.tuples(st.just("pow"), inner, st.integers(2, 4)),
        st.tuples(st.just("neg"), inner),
    )


def _transcendental(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        _arithmetic(inner),
        st.tuples(st.just("root"), st.integers(2, 3), inner),
        st.tuples(st.just("call"), st.sampled_from(sorted(CALLS)), inner),
    )


def exact(tree: Tree, at: dict[str, Fraction]) -> Fraction | None:
    """Evaluate a rational tree; `None` where it is undefined."""
    kind = tree[0]
    if kind == "int":
        return Fraction(tree[1])
    if kind == "sym":
        return at[tree[1]]
    first = exact(tree[1], at)
    if first is None or kind == "neg":
        return None if first is None else -first
    if kind == "pow":
        return first ** int(tree[2])
    second = exact(tree[2], at)
    if second is None or (kind == "div" and second == 0):
        return None
    return Fraction(_BINARY[kind](first, second))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


def numeric(tree: Tree, at: dict[str, float]) -> float:
    """Evaluate a tree over the reals.

    Raises:
        ValueError: Where it is complex, undefined or too large, or so close to it that floats cannot tell.
    """
    kind = tree[0]
    if kind == "int":
        return float(tree[1])
    if kind in {"sym", "const"}:
        return at[tree[1]] if kind == "sym" else CONSTANTS[tree[1]]
    if kind in {"root", "call"}:
        inner = numeric(tree[2], at)
        if inner < SMALLEST and (kind == "root" or tree[1] == "ln"):
            raise ValueError("a root or logarithm of a number that is not positive")
        return _sane(inner ** (1 / tree[1]) if kind == "root" else CALLS[tree[1]](inner))
    first = numeric(tree[1], at)
    if kind == "neg":
        return -first
    if kind == "pow":
        return _sane(first ** int(tree[2]))
    second = numeric(tree[2], at)
    if kind == "div" and abs(second) < SMALLEST:
        raise ValueError("a division by zero")
    return _sane(float(_BINARY[kind](first, second)))


def _sane(value: float) -> float:
    if abs(value) > LARGEST:
        raise ValueError("too large to tell apart")
    return value


def latex(tree: Tree) -> str:
    """Render as LaTeX."""
    kind = tree[0]
    if kind == "const":
        return {"pi": "\\pi", "e": "e"}[tree[1]]
    if kind == "div":
        return f"\\frac{{{latex(tree[1])}}}{{{latex(tree[2])}}}"
    if kind == "pow":
        return f"{_held(latex, tree[1], 'left')}^{{{tree[2]}}}"
    if kind == "root":
        return f"\\sqrt{'' if tree[1] == 2 else '[3]'}{{{latex(tree[2])}}}"
    if kind == "call":
        return f"\\{tree[1]}\\left({latex(tree[2])}\\right)"
    return _common(latex, tree, "\\cdot ", "-", "left")


def plain(tree: Tree) -> str:
    """Render as a calculator or Python would have it."""
    kind = tree[0]
    if kind == "const":
        return str(tree[1])
    if kind == "div":
        return f"{_held(plain, tree[1])}/{_held(plain, tree[2])}"
    if kind == "pow":
        return f"{_held(plain, tree[1])}^{tree[2]}"
    if kind == "root":
        inner = plain(tree[2])
        return f"sqrt({inner})" if tree[1] == 2 else f"({inner})^(1/3)"
    if kind == "call":
        return f"{tree[1]}({plain(tree[2])})"
    return _common(plain, tree, "*", "-")


def unicode(tree: Tree) -> str:
    """Render with Unicode's signs."""
    kind = tree[0]
    if kind == "const":
        return {"pi": "π", "e": "e"}[tree[1]]
    if kind == "div":
        return f"{_held(unicode, tree[1])}÷{_held(unicode, tree[2])}"
    if kind == "pow":
        return _held(unicode, tree[1]) + str(tree[2]).translate(SUPERSCRIPTS)
    if kind == "root":
        return f"{'√' if tree[1] == 2 else '∛'}({unicode(tree[2])})"
    if kind == "call":
        return f"{tree[1]}({unicode(tree[2])})"
    return _common(unicode, tree, "×", "−")


RENDERINGS = {"latex": latex, "plain": plain, "unicode": unicode}


def _common(render: Callable[[Tree], str], tree: Tree, times: str, minus: str, sized: str = "") -> str:
    kind = tree[0]
    if kind in {"int", "sym"}:
        return str(tree[1])
    if kind == "neg":
        return minus + _held(render, tree[1], sized)
    if kind == "mul":
        return _held(render, tree[1], sized) + times + _held(render, tree[2], sized)
    sign = "+" if kind == "add" else minus
    return f"{render(tree[1])}{sign}{_held(render, tree[2], sized)}"


def _held(render: Callable[[Tree], str], tree: Tree, sized: str = "") -> str:
    """Put parentheses around anything but an atom."""
    text = render(tree)
    if tree[0] in {"int", "sym", "const"}:
        return text
    return f"\\left({text}\\right)" if sized else f"({text})"


OPPOSITE = {"add": "sub", "sub": "add", "mul": "div", "div": "mul"}


def perturbed(tree: Tree) -> Iterator[Tree]:
    """Yield every tree that differs from this one in one constant, sign, exponent or operator."""
    kind = tree[0]
    if kind == "int":
        yield ("int", tree[1] + 1)
        yield ("neg", tree)
        return
    if kind == "sym":
        yield ("neg", tree)
        return
    if kind == "pow":
        yield ("pow", tree[1], tree[2] + 1)
    elif kind == "neg":
        yield tree[1]
    else:
        yield (OPPOSITE[kind], *tree[1:])
    for place in (1,) if kind in {"pow", "neg"} else (1, 2):
        for other in perturbed(tree[place]):
            yield (*tree[:place], other, *tree[place + 1 :])
