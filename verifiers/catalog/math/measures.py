"""Quantities: numbers with units or labels, converted exactly; 5 km is not 5 m, and 6 ft 3 in is 75 in."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.tree import Add, Const, Div, Mul, Node, Num, Percent, Pow, Quantity, Sym
from verifiers.catalog.math.units import Unit, parse_unit, same_dimension

_DEGREE = "degree"
_ANGLES = tuple(unit.dims if (unit := parse_unit(name)) is not None else () for name in (_DEGREE, "rad"))


def measures_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare when at least one side has a unit or a label."""
    left, right = _measure(ref), _measure(pred)
    if left is None or right is None:
        context.rule = "units that cannot be added"
        return False
    (ref_value, ref_unit, ref_label), (pred_value, pred_unit, pred_label) = left, right
    policy = context.options.units
    percents = type(ref_value) is Percent, type(pred_value) is Percent
    if percents[0] != percents[1] and (ref_unit or ref_label if percents[1] else pred_unit or pred_label):
        context.rule = "a percentage against a quantity"
        return False
    if policy == "ignore":
        return context.match(ref_value, pred_value, context)
    if ref_unit is not None and pred_unit is not None:
        return _same_measure(ref_value, ref_unit, pred_value, pred_unit, context)
    if ref_unit is not None and pred_unit is None and not pred_label:
        return _bare_against_unit(pred_value, ref_value, ref_unit, context)
    if pred_unit is not None and not ref_label and ref_unit is None:
        if (split := _with_letter_unit(ref_value)) is not None and split[1].dims == pred_unit.dims:
            return _same_measure(split[0], split[1], pred_value, pred_unit, context)
        return context.match(ref_value, pred_value, context) or _as_angle(ref_value, pred, pred_unit, context)
    for label, unit in ((ref_label, pred_unit), (pred_label, ref_unit)):
        if label and unit is not None and not _may_count(label, unit):
            context.rule = f"{label!r} counted on one side, {unit.name!r} on the other"
            return False
    if ref_label and pred_label and not _same_label(ref_label, pred_label):
        context.rule = f"{pred_label!r} counted where the reference counts {ref_label!r}"
        return False
    return context.match(ref_value, pred_value, context)


def _measure(node: Node) -> tuple[Node, Unit | None, str] | None:
    """Return (number, unit, label); a sum of quantities of one dimension becomes one quantity."""
    if type(node) is Quantity:
        return node.item, node.unit, "" if node.unit is not None else node.text
    if type(node) is Add and all(type(item) is Quantity for item in node.items):
        quantities = [item for item in node.items if type(item) is Quantity]
        first = quantities[0].unit
        if first is None or any(q.unit is None or not same_dimension(q.unit, first) for q in quantities):
            return None
        terms = tuple(
            Mul((q.item, Num(_shortened(q.unit.factor / first.factor)))) for q in quantities if q.unit is not None
        )
        return Add(terms), first, ""
    return node, None, ""


def _shortened(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _same_measure(ref: Node, ref_unit: Unit, pred: Node, pred_unit: Unit, context: Context) -> bool:
    if (ref_unit.dims, pred_unit.dims) in (_ANGLES, _ANGLES[::-1]):
        values = [_radians(value, unit) for value, unit in ((ref, ref_unit), (pred, pred_unit))]
        equal = context.match(values[0], values[1], context)
        context.rule = f"degrees against radians; {context.rule}"
        return equal
    if not same_dimension(ref_unit, pred_unit):
        context.rule = f"units of different kind: {pred_unit.name!r} for {ref_unit.name!r}"
        return False
    if ref_unit.factor == pred_unit.factor and ref_unit.offset == pred_unit.offset:
        return context.match(ref, pred, context)
    scaled = Mul((pred, Num(_shortened(pred_unit.factor / ref_unit.factor))))
    shift = (pred_unit.offset - ref_unit.offset) / ref_unit.factor
    equal = context.match(ref, Add((scaled, Num(_shortened(shift)))) if shift else scaled, context)
    context.rule = f"converted from {pred_unit.name} to {ref_unit.name}; {context.rule}"
    return equal


def _radians(value: Node, unit: Unit) -> Node:
    scaled = Mul((value, Num(_shortened(unit.factor))))
    return Div(Mul((scaled, Const("pi"))), Num(180)) if unit.dims == _ANGLES[0] else scaled


def _bare_against_unit(pred: Node, ref: Node, ref_unit: Unit, context: Context) -> bool:
    if context.options.units == "required":
        context.rule = f"the unit {ref_unit.name!r} is missing (units=required)"
        return False
    if context.match(ref, pred, context):
        return True
    if (split := _with_letter_unit(pred)) is not None and split[1].dims == ref_unit.dims:
        return _same_measure(ref, ref_unit, split[0], split[1], context)
    return _as_angle(pred, Quantity(ref, ref_unit, _DEGREE), ref_unit, context)


def _as_angle(bare: Node, angle: Node, unit: Unit, context: Context) -> bool:
    """Compare a bare number with an angle in degrees as radians."""
    degree = parse_unit(_DEGREE)
    if degree is None or unit.dims != degree.dims or unit.factor != degree.factor or type(angle) is not Quantity:
        return False
    found = context.match(bare, Div(Mul((angle.item, Const("pi"))), Num(180)), context)
    context.rule = f"degrees against radians; {context.rule}"
    return found


def _with_letter_unit(node: Node) -> tuple[Node, Unit] | None:
    """Read the last letters of a product as a unit: `5m` where metres are asked, `9.8 m/s^2` where m/s^2 are."""
    over = _as_unit_text(node.bottom) if type(node) is Div else ""
    product = node.top if type(node) is Div else node
    if over is None or type(product) is not Mul or (text := _as_unit_text(product.items[-1])) is None:
        return None
    unit = parse_unit(f"{text}/{over}" if over else text)
    rest = product.items[:-1]
    return None if unit is None else (rest[0] if len(rest) == 1 else Mul(rest), unit)


def without_unit(node: Node) -> Node | None:
    """Return the number of `1000.99 m^2` or `5 m/s`, read as a product of letters; a lone letter is no unit."""
    over = None
    if isinstance(node, Div):
        over = _as_unit_text(node.bottom)
        node = node.top
        if over is None:
            return None
    if type(node) is not Mul:
        return None
    text = _as_unit_text(node.items[-1])
    rest = node.items[:-1]
    if text is None or (over is None and len(text) == 1) or parse_unit(f"{text}/{over}" if over else text) is None:
        return None
    return rest[0] if len(rest) == 1 else Mul(rest)


def _as_unit_text(node: Node) -> str | None:
    match node:
        case Sym(name=name) if len(name) == 1:
            return name
        case Pow(base=Sym(name=name), exponent=Num(value=2 | 3 as power)) if len(name) == 1:
            return f"{name}^{power}"
    return None


def _may_count(label: str, unit: Unit) -> bool:
    """Whether a label can stand for a unit: it names one of that kind (hours left), or just "units"."""
    words = [word.strip(".,").lower() for word in label.split()]
    known = [parse_unit(word) for word in words]
    return "units" in words or "unit" in words or any(same_dimension(one, unit) for one in known if one is not None)


def _same_label(left: str, right: str) -> bool:
    """Whether two labels share a word, singular or plural."""
    words = [{word.lower().rstrip("s.") for word in label.split()} for label in (left, right)]
    return bool(words[0] & words[1])
