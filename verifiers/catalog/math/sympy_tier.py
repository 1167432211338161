"""The last tier: sympy evaluates the operators that nothing cheaper can, in a worker process that can be killed.

It only ever sees expressions built here from our own tree, never text. Its work is counted in function calls, so that
the outcome does not depend on the machine; the worker's deadline is the backstop.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import sympy

from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.tree import (
    Add,
    Big,
    Call,
    Const,
    Derivative,
    Div,
    Integral,
    Limit,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Sym,
)

MAX_CALLS = 3_000_000
"""Python function calls that sympy may make for one operator."""

_FUNCTIONS: dict[str, Any] = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "arccot": sympy.acot, "arcsec": sympy.asec,
    "arccsc": sympy.acsc, "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh, "arcsinh": sympy.asinh,
    "arccosh": sympy.acosh, "arctanh": sympy.atanh, "ln": sympy.log, "log": sympy.log, "sqrt": sympy.sqrt,
    "root": sympy.root,
    "abs": sympy.Abs, "factorial": sympy.factorial, "binom": sympy.binomial, "floor": sympy.floor,
    "ceil": sympy.ceiling,
}  # fmt: skip
_NAMES = {value: key for key, value in _FUNCTIONS.items() if key not in ("log", "sqrt", "root")}
_CONSTANTS: dict[str, Any] = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}


class Untranslatable(ValueError):
    """The expression has a part that sympy does not get, or that cannot be brought back."""


def resolve(node: Node) -> Node:
    """Return the tree with its integrals, limits, derivatives and infinite sums evaluated where sympy can.

    Raises:
        OutOfSteps: If sympy needs more than `MAX_CALLS` calls.
    """

    def change(item: Node) -> Node | None:
        if type(item) not in (Integral, Limit, Derivative, Big):
            return None
        try:
            return _from_sympy(_counted(lambda: _evaluated(item)))
        except Untranslatable:
            return item

    return rebuilt(node, change)


def _counted(work: Callable[[], Any]) -> Any:
    """Run sympy's work under a budget of function calls."""
    left = MAX_CALLS

    def tick(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event == "call":
            left -= 1
            if left < 0:
                raise OutOfSteps(f"sympy needs more than {MAX_CALLS} calls")

    sympy.core.cache.clear_cache()
    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        return work()
    except RecursionError as error:
        raise OutOfSteps("sympy recursed too deeply") from error
    finally:
        sys.setprofile(before)


def _evaluated(node: Node) -> Any:
    expression = _to_sympy(node)
    found = expression.doit()
    if found.has(sympy.Integral, sympy.Limit, sympy.Derivative, sympy.Sum, sympy.Product):
        raise Untranslatable("not evaluated")
    return found


def _to_sympy(node: Node) -> Any:
    match node:
        case Num(value=value):
            return sympy.Rational(value.numerator, value.denominator)
        case Sym(name=name):
            return sympy.Symbol(name, real=True)
        case Const(name=name):
            return _CONSTANTS[name]
        case Add(items=items):
            return sympy.Add(*map(_to_sympy, items))
        case Mul(items=items):
            return sympy.Mul(*map(_to_sympy, items))
        case Neg(item=item):
            return -_to_sympy(item)
        case Div(top=top, bottom=bottom):
            return _to_sympy(top) / _to_sympy(bottom)
        case Pow(base=base, exponent=exponent):
            return _to_sympy(base) ** _to_sympy(exponent)
        case Call(name=name, args=args) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_to_sympy, args))
    return _operator(node)


def _operator(node: Node) -> Any:
    match node:
        case Derivative(variable=variable, order=order, body=body):
            return sympy.Derivative(_to_sympy(body), (sympy.Symbol(variable, real=True), order))
        case Limit(variable=variable, to=to, body=body):
            return sympy.Limit(
                _to_sympy(body), sympy.Symbol(variable, real=True), _to_sympy(to), "+-" if to != Const("inf") else "-"
            )
        case Integral(variable=variable, low=low, high=high, body=body):
            symbol = sympy.Symbol(variable, real=True)
            bounds = symbol if low is None or high is None else (symbol, _to_sympy(low), _to_sympy(high))
            return sympy.Integral(_to_sympy(body), bounds)
        case Big(kind=kind, index=index, low=low, high=high, body=body):
            symbol = sympy.Symbol(index, integer=True)
            inner = _to_sympy(body).subs(sympy.Symbol(index, real=True), symbol)
            maker = sympy.Sum if kind == "sum" else sympy.Product
            return maker(inner, (symbol, _to_sympy(low), _to_sympy(high)))
    raise Untranslatable(type(node).__name__)


def _from_sympy(expression: Any) -> Node:
    if expression.is_Rational:
        top, bottom = int(expression.p), int(expression.q)
        return Num(top) if bottom == 1 else Div(Num(top), Num(bottom))
    if expression.is_Symbol:
        return Sym(expression.name)
    for name, constant in _CONSTANTS.items():
        if expression == constant:
            return Const(name)  # type: ignore[arg-type]
    if expression == -sympy.oo:
        return Neg(Const("inf"))
    if expression == sympy.EulerGamma or expression.is_Float:
        raise Untranslatable(str(expression))
    args = tuple(_from_sympy(arg) for arg in expression.args) if not expression.is_Atom else ()
    if expression.is_Add:
        return Add(args)
    if expression.is_Mul:
        return Mul(args)
    if expression.is_Pow:
        return Pow(*args)
    known = _NAMES.get(expression.func)
    if known is None and expression.func is sympy.exp:
        return Pow(Const("e"), args[0])
    if known is None:
        raise Untranslatable(str(expression.func))
    return Call(known, args)
