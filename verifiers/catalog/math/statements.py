"""Statements against statements: assignments, chains, equations, inequalities, systems of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.exact import NotExact, rational
from verifiers.catalog.math.lists import BRACKETED, pairwise, spread, values_match
from verifiers.catalog.math.naming import same_name, with_arguments
from verifiers.catalog.math.relations import Stated, is_name, measured, proportional, stated, zero_form
from verifiers.catalog.math.sets import as_interval, explicit_sets
from verifiers.catalog.math.tree import Add, Neg, Node, Quantity, Rel, Seq, Sym, Words, free_symbols


def relations_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare statements: assignments, chains, equations, inequalities."""
    if _symbolic_intervals(ref, pred, context):
        return True
    ref, pred = _one_by_one(ref, pred), _one_by_one(pred, ref)
    if Seq in (type(ref), type(pred)) and (found := _systems(ref, pred, context)) is not None:
        return found
    left, right = stated(ref), stated(pred)
    if left is not None and right is not None and (type(ref) is Rel or type(pred) is Rel):
        return _statements(ref, pred, left, right, context)
    if (bare := _bare_values(ref, pred, context)) is not None:
        return context.match(*bare, context)
    if type(ref) is not Rel and type(pred) is Rel and _is_identity(pred, context):
        return context.match(ref, pred.links[-1][1], context)
    if _is_equation(ref) or _is_equation(pred):
        return _equations(ref, pred, context)
    if _memberships_of_others(ref, pred, context):
        context.rule = "a membership of something else"
        return False
    if _other_variable(ref, pred):
        context.rule = "a condition on another variable"
        return False
    if (both := explicit_sets(ref, pred, context)) is not None:
        return both
    return _inequalities(ref, pred, context)


def _one_by_one(node: Node, other: Node) -> Node:
    """Return (a, b) = (1, 2) as a = 1, b = 2 where the other side is a list; any other node as it is."""
    match node:
        case Rel(first=Seq(kind="()", items=names), links=(("=", Seq(kind="()", items=values)),)) if (
            len(names) == len(values) and type(other) is Seq and other.kind not in BRACKETED
        ):
            return Seq(",", tuple(Rel(a, (("=", b),)) for a, b in zip(names, values, strict=True)))
    return node


def _symbolic_intervals(ref: Node, pred: Node, context: Context) -> bool:
    """Whether one side is an interval and the other an inequality with the same ends: (a, b) and a < x < b."""
    if {type(ref), type(pred)} != {Rel, Seq}:
        return False
    left, right = as_interval(ref), as_interval(pred)
    if type(left) is not Seq or type(right) is not Seq or left.kind != right.kind or left.kind not in BRACKETED:
        return False
    context.rule = "the interval of an inequality"
    return pairwise(left.items, right.items, context)


def _statements(ref: Node, pred: Node, left: Stated, right: Stated, context: Context) -> bool:
    """Compare `name = value` with `name = value` or with a bare value."""
    if not _chain_is_true(right, context):
        context.rule = "a chain of equalities that does not hold"
        return False
    if left.name is not None and right.name is not None and not same_name(left.name, right.name):
        return _equations(ref, pred, context) if type(ref) is Rel and type(pred) is Rel else False
    if left.name is not None and right.name is None and type(pred) is Rel:
        context.rule = "an equality of numbers where a statement about a variable is asked"
        return False
    if context.options.names == "required" and left.name is not None and right.name is None:
        context.rule = "the answer does not name its variable (names=required)"
        return False
    value = with_arguments(right.value, right.name, left.name)
    if type(pred) is Rel and _is_set_statement(pred) != _is_set_statement(ref) and left.name is not None:
        return context.match(left.value, value, context)
    return any(context.match(one, value, context) for one in left.values)


def _bare_values(ref: Node, pred: Node, context: Context) -> tuple[Node, Node] | None:
    """Return both values where one side is bare and the other names it as a function's or angle's; else `None`."""
    if type(ref) is not Rel:
        value = measured(pred)
        return (ref, value) if value is not None else None
    value = measured(ref) if type(pred) is not Rel and context.options.names != "required" else None
    return (value, pred) if value is not None else None


def _is_identity(node: Rel, context: Context) -> bool:
    """Whether both sides of an equation are the same expression: x^2 - 4 = (x - 2)(x + 2)."""
    return len(node.links) == 1 and node.links[0][0] == "=" and context.match(node.first, node.links[0][1], context)


def _is_set_statement(node: Node) -> bool:
    return type(node) is Rel and node.links[0][0] == "in"


def _chain_is_true(found: Stated, context: Context) -> bool:
    values = found.values
    if all(_link_holds(a, b, context) for a, b in itertools.pairwise(values)):
        return True
    return found.name is not None and len(values) > 2 and _link_holds(values[0], values[-1], context)


def _link_holds(left: Node, right: Node, context: Context) -> bool:
    """Whether one link holds; a quantity against a bare number (5 km = 5000) cannot be refuted."""
    if (type(left) is Quantity) != (type(right) is Quantity) or Words in (type(left), type(right)):
        return True
    return context.match(left, right, context)


def _is_equation(node: Node) -> bool:
    return type(node) is Rel and any(op == "=" for op, _ in node.links)


def _equations(ref: Node, pred: Node, context: Context) -> bool:
    """Compare equations by their solutions: the zero forms are proportional."""
    context.rule = "equation"
    if type(ref) is Rel and type(pred) is Rel and len(ref.links) == len(pred.links) == 2 and ref.links[1][0] == "mod":
        return _congruences(ref, pred, context)
    left, right = zero_form(ref), zero_form(pred)
    if left is None or right is None:
        return False
    context.rule = "equations with the same solutions"
    return proportional(left, right, context)


def _congruences(ref: Rel, pred: Rel, context: Context) -> bool:
    context.rule = "congruence"
    same = [context.match(ref.first, pred.first, context)]
    (left, modulus), (right, other) = [(node.links[0][1], node.links[1][1]) for node in (ref, pred)]
    same += [ref.links[0][0] == pred.links[0][0], context.match(modulus, other, context)]
    return all(same) and (_congruent(left, right, modulus, context) or context.match(left, right, context))


def _congruent(left: Node, right: Node, modulus: Node, context: Context) -> bool:
    """Whether two numbers leave the same rest."""
    try:
        values = [rational(node, context.steps) for node in (left, right, modulus)]
    except NotExact:
        return False
    return values[2] != 0 and (values[0] - values[1]) % values[2] == 0


def _other_variable(ref: Node, pred: Node) -> bool:
    """Whether both are conditions, each on one variable, and the variables differ."""
    names = [free_symbols(node) if type(node) is Rel else set() for node in (ref, pred)]
    return len(names[0]) == len(names[1]) == 1 and names[0] != names[1]


def _memberships_of_others(ref: Node, pred: Node, context: Context) -> bool:
    """Whether both say that something lies in a set, but not the same thing: 2x in [0, 1] is not x in [0, 1]."""
    if not (type(ref) is Rel and type(pred) is Rel and ref.links[0][0] == pred.links[0][0] in ("in", "notin")):
        return False
    return not (is_name(ref.first) and is_name(pred.first)) and not context.match(ref.first, pred.first, context)


_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "~": "~"}


def _inequalities(ref: Node, pred: Node, context: Context) -> bool:
    """Compare inequalities that have no explicit set: the same chain, or proportional sides."""
    if type(ref) is not Rel or type(pred) is not Rel:
        context.rule = "a relation against something else"
        return False
    context.rule = "inequalities, part by part"
    if len(ref.links) != len(pred.links):
        return False
    if _same_chain(ref, pred, context) or _same_chain(ref, _mirrored(pred), context):
        return True
    if len(ref.links) != 1:
        return False
    (op, high), (other_op, other_high) = ref.links[0], pred.links[0]
    left, right = Add((ref.first, Neg(high))), Add((pred.first, Neg(other_high)))
    context.rule = "inequalities with proportional sides"
    if op == other_op and proportional(left, right, context, positive=op not in ("!=",)):
        return True
    return _MIRROR.get(op) == other_op and proportional(left, Neg(right), context, positive=True)


def _mirrored(node: Rel) -> Rel:
    items = [node.first, *(item for _, item in node.links)][::-1]
    ops = [_MIRROR.get(op, "?") for op, _ in node.links][::-1]
    return Rel(items[0], tuple(zip(ops, items[1:], strict=True)))


def _same_chain(ref: Rel, pred: Rel, context: Context) -> bool:
    return all(
        a[0] == b[0] and context.match(a[1], b[1], context) for a, b in zip(ref.links, pred.links, strict=True)
    ) and context.match(ref.first, pred.first, context)


def _systems(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare lists that contain statements: `x = 1, y = 2`; `x = 2 or x = 3`; `n = 1, 2, 3`."""
    if _same_alternatives(ref, pred, context):
        return True
    left, right = _named_values(ref), _named_values(pred)
    if left is None or right is None:
        return _lists_of_relations(ref, pred, context)
    (ref_names, ref_values), (pred_names, pred_values) = left, right
    if _is_either(ref, ref_names) != _is_either(pred, pred_names):
        context.rule = "both against either"
        return False
    if ref_names is not None and pred_names is not None and len(set(map(repr, ref_names))) > 1:
        if sorted(map(repr, ref_names)) == sorted(map(repr, pred_names)) and len(set(map(repr, ref_names))) == len(
            ref_names
        ):
            context.rule = "values by their names"
            by_name = dict(zip(map(repr, pred_names), pred_values, strict=True))
            return all(context.match(v, by_name[repr(n)], context) for n, v in zip(ref_names, ref_values, strict=True))
        numbered = {_without_index(name) for name in ref_names} == {repr(name) for name in pred_names}
        if not numbered and not all(same_name(a, b) for a, b in zip(ref_names, pred_names, strict=False)):
            context.rule = "values of other names"
            return False
    if ref_names is not None and _distinct_names(pred_names) and not _distinct_names(ref_names):
        context.rule = "values of several names where the reference has one"
        return False
    if (pair := _labelled(left, right)) is not None:
        return context.match(*pair, context)
    ordered = (ref_names is None) != (pred_names is None) and _distinct_names(ref_names or pred_names)
    if len(ref_values) != len(pred_values):
        context.rule = f"{len(pred_values)} values where the reference has {len(ref_values)}"
        return False
    return values_match(ref_values, pred_values, context, ordered)


def _is_either(node: Node, names: Sequence[Node] | None) -> bool:
    """Whether a list says `x = 1 or y = 2`, which leaves one of them open."""
    return type(node) is Seq and node.kind == "or" and _distinct_names(names)


def _same_alternatives(ref: Node, pred: Node, context: Context) -> bool:
    """Whether disjunctions of equations have the same solutions: `a = 0 or b = 0` and `ab = 0`."""
    sides = (ref, pred)
    if not any(type(side) is Seq and side.kind == "or" for side in sides):
        return False
    if not all(type(side) is Rel or (type(side) is Seq and side.kind == "or") for side in sides):
        return False
    left, right = zero_form(ref), zero_form(pred)
    context.rule = "equations with the same solutions"
    return left is not None and right is not None and proportional(left, right, context)


Named = tuple[Sequence[Node] | None, list[Node]]


def _labelled(left: Named, right: Named) -> tuple[Node, Node] | None:
    """Return both sides as tuples where one is `(1, 2)` and the other `x = 1, y = 2`, names in alphabetical order."""
    sides: list[Node] = []
    labelled = 0
    for names, values in (left, right):
        if names is None and len(values) == 1 and type(values[0]) is Seq and values[0].kind in ("()", "<>"):
            sides.append(values[0])
        elif names is not None and len({repr(name) for name in names}) == len(names) > 1:
            if not all(type(name) is Sym for name in names):
                return None
            labelled += 1
            order = sorted(range(len(names)), key=lambda place: repr(names[place]))
            sides.append(Seq("()", tuple(values[place] for place in order)))
    return (sides[0], sides[1]) if len(sides) == 2 and labelled == 1 else None


def _distinct_names(names: Sequence[Node] | None) -> bool:
    """Whether the names are of different quantities (unlike x_1, x_2), so that an unnamed list keeps their order."""
    return names is not None and len({_without_index(name) for name in names}) > 1


def _without_index(name: Node) -> str:
    return repr(Sym(name.name.partition("_")[0]) if type(name) is Sym else name)


def _named_values(node: Node) -> tuple[Sequence[Node] | None, list[Node]] | None:
    """Return (names or None, values) of a list of statements or values; periodic names are folded into tuples."""
    if type(node) is Seq and node.kind in BRACKETED:
        return None, [node]
    items = node.items if type(node) is Seq else (node,)
    names: list[Node | None] = []
    values: list[Node] = []
    for item in items:
        found = stated(item)
        if found is None or len(found.values) > 1:
            return None
        member = _is_set_statement(item) and type(found.value) is Seq and found.value.kind == "{}"
        for value in spread(Seq(",", found.value.items) if member and type(found.value) is Seq else found.value):
            names.append(found.name)
            values.append(value)
    if all(name is None for name in names):
        return None, values
    if names[0] is not None and all(name is None for name in names[1:]):
        return [names[0]] * len(values), values
    known = [name for name in names if name is not None]
    if len(known) != len(names):
        return None, values
    return _folded(known, values)


def _folded(names: list[Node], values: list[Node]) -> tuple[Sequence[Node] | None, list[Node]]:
    """Fold p=5, q=2, p=7, q=2 into (5, 2), (7, 2)."""
    period = next((i for i in range(1, len(names)) if names[i] == names[0]), len(names))
    if period in (1, len(names)) or len(names) % period or names != names[:period] * (len(names) // period):
        return names, values
    return None, [Seq("()", tuple(values[i : i + period])) for i in range(0, len(values), period)]


def _lists_of_relations(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare lists of equations or inequalities."""
    if (both := explicit_sets(ref, pred, context)) is not None:
        return both
    if _is_alternatives(ref) and _is_alternatives(pred):
        left, right = zero_form(ref), zero_form(pred)
        names = free_symbols(ref) | free_symbols(pred)
        if left is not None and right is not None and len(names) == 1 and proportional(left, right, context):
            context.rule = "equations with the same solutions"
            return True
    if type(ref) is Seq and type(pred) is Seq and len(ref.items) == len(pred.items):
        return values_match(ref.items, pred.items, context, ordered=False)
    return False


def _is_alternatives(node: Node) -> bool:
    return type(node) is Rel or (type(node) is Seq and node.kind in ("or", ",", "and"))
