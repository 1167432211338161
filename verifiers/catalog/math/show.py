"""Print a tree on one line, for people: `1 - 1/2005`, `[2, 5) ∪ {7}`, `x = 5`."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Based,
    Big,
    Builder,
    Call,
    Const,
    Derivative,
    Div,
    Integral,
    Limit,
    Matrix,
    Mul,
    NamedSet,
    Neg,
    Node,
    Num,
    Percent,
    PlusMinus,
    Pow,
    Quantity,
    Ratio,
    Rel,
    Seq,
    SetOp,
    Sym,
    Words,
)

MAX_SHOWN = 2_000
"""Longest line, in characters."""
_LOWEST, _STATED, _RELATION, _SUM, _PRODUCT, _POWER, _ATOM = range(7)
_CONSTANTS = {"pi": "π", "e": "e", "i": "i", "inf": "∞"}
_RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "~": "≈", "in": "∈", "notin": "∉", "subset": "⊂", "propto": "∝"}
_SET_SIGNS = {"cup": "∪", "cap": "∩", "minus": "∖"}
_NAMED = {"empty": "∅", "R": "ℝ", "Q": "ℚ", "Z": "ℤ", "N": "ℕ", "C": "ℂ"}
_JOINED = {"or": " or ", "and": " and "}


def show(node: Node) -> str:
    """Return the tree on one line, cut at `MAX_SHOWN` characters."""
    line = _shown(node, _LOWEST)
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"


def _shown(node: Node, outer: int) -> str:
    """Return the text; in parentheses if it binds looser than what is around it."""
    text, inner = _scalar(node) or _operator(node) or (_structure(node), _ATOM)
    return f"({text})" if inner < outer else text


def _scalar(node: Node) -> tuple[str, int] | None:
    match node:
        case Num():
            return _number(node)
        case Sym(name=name) | Words(text=name):
            return name, _ATOM
        case Const(name=constant):
            return _CONSTANTS[constant], _ATOM
        case Add(items=items):
            return _sum(items), _SUM
        case Mul(items=items):
            first, rest = items[0], (_shown(item, _POWER) for item in items[1:])
            negative = isinstance(first, Num) and first.value < 0
            head = _number(first)[0] if isinstance(first, Num) and negative else _shown(first, _POWER)
            return "·".join((head, *rest)), _SUM if negative else _PRODUCT
        case Div(top=top, bottom=bottom):
            return f"{_shown(top, _PRODUCT)}/{_shown(bottom, _POWER)}", _PRODUCT
        case Pow(base=base, exponent=exponent):
            return f"{_shown(base, _ATOM)}^{_shown(exponent, _ATOM)}", _POWER
        case Neg(item=item):
            return f"-{_shown(item, _PRODUCT)}", _SUM
        case Call() | Apply():
            return f"{node.name}({_listed(node.args)})", _ATOM
    return None


def _operator(node: Node) -> tuple[str, int] | None:
    match node:
        case PlusMinus(left=left, right=right, upper=upper):
            sign = "±" if upper else "∓"
            before = "" if left is None else f"{_shown(left, _SUM)} "
            return f"{before}{sign}{' ' if before else ''}{_shown(right, _PRODUCT)}", _SUM
        case Percent(item=item):
            return f"{_shown(item, _POWER)}%", _POWER
        case Quantity(item=item, unit=unit, text=text):
            return f"{_shown(item, _POWER)} [{text or (unit.name if unit is not None else '')}]", _POWER
        case Rel(first=first, links=links):
            tail = "".join(f" {_RELATIONS.get(op, op)} {_shown(item, _RELATION)}" for op, item in links)
            return _shown(first, _RELATION) + tail, _STATED
        case SetOp(op=op, items=items):
            return f" {_SET_SIGNS[op]} ".join(_shown(item, _SUM) for item in items), _RELATION
        case Ratio(items=items):
            return " : ".join(_shown(item, _SUM) for item in items), _RELATION
        case Seq(kind=kind, items=items) if kind in _JOINED or kind == ",":
            return _JOINED.get(kind, ", ").join(_shown(item, _LOWEST + 1) for item in items), _LOWEST
    return None


def _structure(node: Node) -> str:
    match node:
        case Seq(kind=kind, items=items):
            inside = _listed(items)
            return f"{kind[0]}{inside}{kind[-1]}" if len(kind) == 2 else f"{kind}({inside})"
        case Matrix(rows=rows, det=det):
            inside = "; ".join(_listed(row) for row in rows)
            return f"|{inside}|" if det else f"[{inside}]"
        case Builder(body=body, condition=condition):
            return f"{{{_shown(body, _LOWEST)} | {_shown(condition, _LOWEST)}}}"
        case NamedSet(name=name):
            return _NAMED.get(name, name)
        case Based(digits=digits, base=base):
            return f"{digits} (base {base})"
        case Big(kind=kind, index=index, low=low, high=high, body=body):
            bounds = f"{index} = {_shown(low, _SUM)} .. {_shown(high, _SUM)}"
            return f"{kind}({_shown(body, _LOWEST)}, {bounds})"
        case Integral(variable=variable, low=low, high=high, body=body):
            ends = "" if low is None or high is None else f" = {_shown(low, _SUM)} .. {_shown(high, _SUM)}"
            return f"integral({_shown(body, _LOWEST)}, {variable}{ends})"
        case Limit(variable=variable, to=to, body=body):
            return f"limit({_shown(body, _LOWEST)}, {variable} → {_shown(to, _SUM)})"
        case Derivative(variable=variable, order=order, body=body):
            return f"derivative({_shown(body, _LOWEST)}, {variable}{f' {order} times' if order > 1 else ''})"
    raise TypeError(f"no way to show a {type(node).__name__}; add it to `_structure`")


def _listed(items: tuple[Node, ...]) -> str:
    return ", ".join(_shown(item, _LOWEST + 1) for item in items)


def _sum(items: tuple[Node, ...]) -> str:
    parts = [_shown(items[0], _SUM)]
    for item in items[1:]:
        parts.append(f"- {_shown(item.item, _PRODUCT)}" if type(item) is Neg else f"+ {_shown(item, _PRODUCT)}")
    return " ".join(parts)


def _number(node: Num) -> tuple[str, int]:
    value = node.value
    if node.places > 0:
        sign, digits = ("-" if value < 0 else ""), str(abs(int(value * 10**node.places))).rjust(node.places + 1, "0")
        return f"{sign}{digits[: -node.places]}.{digits[-node.places :]}", _SUM if sign else _ATOM
    text = str(value) if isinstance(value, int) else f"{value.numerator}/{value.denominator}"
    return text, _SUM if value < 0 else _PRODUCT if isinstance(value, Fraction) else _ATOM
