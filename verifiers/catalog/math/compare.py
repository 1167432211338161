"""Whether an answer matches the reference: dispatch over the shapes of the tree.

`match` is the one door. It sets `context.rule` to the rule that decided. Order of the questions: names and chains, text,
sets of numbers, lists and tuples, matrices, quantities, percentages, ratios, and scalars last.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifiers.catalog.math.decimals import prints_double, rounds_to
from verifiers.catalog.math.equal import Context, real_value, scalars_equal
from verifiers.catalog.math.matrices import as_matrix, as_vector, is_matrix_like
from verifiers.catalog.math.measures import measures_match, without_unit
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.realsets import NotASet, describes, explicit, is_set_like, same_set, union
from verifiers.catalog.math.relations import (
    Stated,
    proportional,
    same_name,
    signs_written_out,
    stated,
    zero_form,
)
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.text import words_match
from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Based,
    Builder,
    Const,
    Div,
    Mul,
    NamedSet,
    Neg,
    Node,
    Num,
    Percent,
    PlusMinus,
    Quantity,
    Ratio,
    Rel,
    Seq,
    SetOp,
    Sym,
    Words,
    children,
    free_symbols,
)

MAX_ITEMS = 200
"""Most items of a list that are compared free of order."""
_LIST_KINDS = frozenset([",", "or", "and", "{,}"])
_BRACKETED = frozenset(["()", "[]", "<>", "(]", "[)"])


def match(ref: Node, pred: Node, context: Context) -> bool:
    """Whether `pred` is an acceptable form of `ref` under the context's policies.

    Raises:
        OutOfSteps: If the budget is used up.
        NeedsWorker: If only sympy can go on.
    """
    context.steps.take()
    if ref == pred:
        context.rule = "same expression"
        return True
    kinds = (type(ref), type(pred))
    left, right = _body_over_integers(ref), _body_over_integers(pred)
    if left is not None and right is not None:
        context.rule = "values over the same integers"
        return match(left, right, context)
    if Words in kinds and not (Rel in kinds or Seq in kinds):
        return words_match(ref, pred, context, match)
    if Rel in kinds or _states(ref) or _states(pred):
        return _relations(ref, pred, context)
    if Builder in kinds or SetOp in kinds or NamedSet in kinds:
        return _sets(ref, pred, context)
    if Seq in kinds or PlusMinus in kinds or _has_signs(ref) or _has_signs(pred):
        return _sequences(ref, pred, context)
    if is_matrix_like(ref) or is_matrix_like(pred):
        return _matrices(ref, pred, context)
    if Quantity in kinds or _sum_of_quantities(ref) or _sum_of_quantities(pred):
        return measures_match(ref, pred, context, match)
    if Percent in kinds:
        return _percent(ref, pred, context)
    if Based in kinds:
        return _based(ref, pred, context)
    if Ratio in kinds:
        return _ratio(ref, pred, context)
    return _scalars(ref, pred, context)


def _states(node: Node) -> bool:
    return type(node) is Seq and any(type(item) is Rel for item in node.items)


def _scalars(ref: Node, pred: Node, context: Context) -> bool:
    infinite = _infinite(ref), _infinite(pred)
    if infinite != (0, 0):
        context.rule = "infinity"
        return infinite[0] == infinite[1]
    if scalars_equal(ref, pred, context):
        if context.options.unreduced == "reject" and _complexity(pred) > _complexity(ref):
            context.rule = "equal, but not as simple as the reference (unreduced=reject)"
            return False
        return True
    if prints_double(ref, pred, context):
        return True
    if (bare := without_unit(pred)) is not None and not free_symbols(ref):
        return _scalars(ref, bare, context)
    if context.options.rounding != "exact" and rounds_to(ref, pred, context):
        return True
    return False


def _infinite(node: Node) -> int:
    if node == Const("inf"):
        return 1
    return -1 if node == Neg(Const("inf")) else 0


def _complexity(node: Node) -> int:
    return 1 + sum(_complexity(child) for child in children(node))


def _has_signs(node: Node) -> bool:
    if type(node) is PlusMinus:
        return True
    return any(_has_signs(child) for child in children(node)) if type(node) not in (Num, Sym, Const) else False


def _sum_of_quantities(node: Node) -> bool:
    return type(node) is Add and all(type(item) is Quantity for item in node.items)


def _percent(ref: Node, pred: Node, context: Context) -> bool:
    policy = context.options.percent
    if type(ref) is Percent and type(pred) is Percent:
        return match(ref.item, pred.item, context)
    bare_ref = ref.item if type(ref) is Percent else ref
    bare_pred = pred.item if type(pred) is Percent else pred
    if policy == "strict":
        context.rule = "a percentage against a bare number (percent=strict)"
        return False
    by_value = policy in ("either", "value") and _scalars(ref, pred, context)
    if by_value:
        context.rule = "percentage by its value"
        return True
    if policy in ("either", "number") and _scalars(bare_ref, bare_pred, context):
        if type(ref) is not Percent and policy == "either" and not _above_one(ref, context):
            context.rule = "a percentage of the same digits as a bare number of at most 1"
            return False
        context.rule = "percentage by its number"
        return True
    return False


def _above_one(node: Node, context: Context) -> bool:
    value = real_value(node, context)
    return value is not None and abs(value) > 1


def _based(ref: Node, pred: Node, context: Context) -> bool:
    if type(ref) is Based and type(pred) is Based:
        context.rule = "digits and base"
        return ref.base == pred.base and ref.digits.upper() == pred.digits.upper()
    context.rule = "a number in a stated base against one without"
    return False


def _ratio(ref: Node, pred: Node, context: Context) -> bool:
    context.rule = "ratio"
    if type(ref) is Ratio and type(pred) is Ratio:
        if len(ref.items) != len(pred.items):
            return False
        first_ref, first_pred = ref.items[0], pred.items[0]
        if any(item == Num(0) for item in (*ref.items, *pred.items)):
            return all(scalars_equal(a, b, context) for a, b in zip(ref.items, pred.items, strict=True))
        return all(
            scalars_equal(Mul((first_ref, b)), Mul((first_pred, a)), context)
            for a, b in zip(ref.items[1:], pred.items[1:], strict=True)
        )
    ratio, other = (ref, pred) if type(ref) is Ratio else (pred, ref)
    if type(ratio) is Ratio and len(ratio.items) == 2:
        return match(Div(*ratio.items), other, context)
    return False


def _matrices(ref: Node, pred: Node, context: Context) -> bool:
    left, right = as_matrix(ref, context), as_matrix(pred, context)
    if left is None or right is None:
        vectors = as_vector(ref, context), as_vector(pred, context)
        context.rule = "vector" if None not in vectors else "a matrix against something else"
        return vectors[0] is not None and vectors[1] is not None and _pairwise(vectors[0], vectors[1], context)
    context.rule = "matrix, entry by entry"
    if len(left) != len(right) or len(left[0]) != len(right[0]):
        context.rule = "matrices of different shape"
        return False
    return all(_pairwise(a, b, context) for a, b in zip(left, right, strict=True))


def _pairwise(left: Sequence[Node], right: Sequence[Node], context: Context) -> bool:
    return len(left) == len(right) and all(match(a, b, context) for a, b in zip(left, right, strict=True))


def _sets(ref: Node, pred: Node, context: Context) -> bool:
    """Compare sets of real numbers, and builders that are only structure (2k pi, k in Z)."""
    if type(ref) is NamedSet and type(pred) is NamedSet:
        context.rule = "named sets"
        return ref.name == pred.name
    if (both := _explicit_sets(ref, pred, context)) is not None:
        return both
    if type(ref) is SetOp and type(pred) is SetOp and ref.op == pred.op:
        context.rule = "the same set operation on equal sets"
        return _pairwise(ref.items, pred.items, context) or (
            ref.op != "minus" and _pairwise(ref.items, pred.items[::-1], context)
        )
    if type(ref) is Builder and type(pred) is Builder:
        context.rule = "sets in builder notation, part by part"
        return match(ref.body, pred.body, context) and match(ref.condition, pred.condition, context)
    return False


def _explicit_sets(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare through explicit sets; `None` if neither side has one."""
    sides = []
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


def _body_over_integers(node: Node) -> Node | None:
    """Return the body of `{body | k in Z}` or of "body, k in Z", its parameter renamed."""
    if type(node) is Builder and (name := _integer_name(node.condition)) is not None:
        return _renamed(node.body, name)
    if type(node) is Seq and node.kind in _LIST_KINDS and len(node.items) >= 2:
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


def _sequences(ref: Node, pred: Node, context: Context) -> bool:
    """Compare lists, tuples, sets of elements and intervals."""
    if _looks_real_set(ref, pred) and (both := _explicit_sets(ref, pred, context)) is not None:
        return both
    if is_matrix_like(ref) or is_matrix_like(pred):
        return _matrices(ref, pred, context)
    ref_kind, ref_items = _listed(ref)
    pred_kind, pred_items = _listed(pred)
    if len(ref_items) > MAX_ITEMS or len(pred_items) > MAX_ITEMS:
        raise OutOfSteps(f"a list of more than {MAX_ITEMS} items")
    context.rule = "number of items"
    if ref_kind in _BRACKETED or pred_kind in _BRACKETED:
        return _tuples(ref_kind, ref_items, pred_kind, pred_items, context)
    if pred_kind == "or":
        pred_items = _distinct(pred_items, context)
    if "{}" in (ref_kind, pred_kind) or all(type(item) is Seq for item in ref_items):
        ref_items, pred_items = _distinct(ref_items, context), _distinct(pred_items, context)
    if len(ref_items) != len(pred_items):
        context.rule = f"{len(pred_items)} values where the reference has {len(ref_items)}"
        return False
    return _values(ref_items, pred_items, context, ref_kind != "{}" and context.options.order == "strict")


def _looks_real_set(ref: Node, pred: Node) -> bool:
    """Whether one side can only be a set of reals, so that (2, 5) on the other side is an interval."""
    return any(
        type(node) in (SetOp, NamedSet, Builder) or (type(node) is Seq and node.kind in ("(]", "[)")) for node in (ref, pred)
    ) or (is_set_like(ref) and is_set_like(pred) and not (type(ref) is Seq and type(pred) is Seq))


def _listed(node: Node) -> tuple[str, tuple[Node, ...]]:
    """Return a node's kind and items, ± written out."""
    if type(node) is Seq and node.kind in _BRACKETED:
        return node.kind, node.items
    if type(node) is Seq:
        return node.kind, tuple(value for item in node.items for value in _spread(item))
    values = tuple(signs_written_out(node))
    return ("" if len(values) == 1 else ","), values


def _spread(item: Node) -> list[Node]:
    if type(item) is Seq and item.kind in _LIST_KINDS:
        return [value for inner in item.items for value in _spread(inner)]
    return signs_written_out(item)


def _tuples(ref_kind: str, ref: Sequence[Node], pred_kind: str, pred: Sequence[Node], context: Context) -> bool:
    """Compare ordered sequences; the brackets count where they can be an interval's."""
    context.rule = "tuple, entry by entry"
    if "{}" in (ref_kind, pred_kind) or "or" in (ref_kind, pred_kind):
        context.rule = "an ordered tuple against a set"
        return False
    if len(ref) != len(pred):
        context.rule = f"{len(pred)} entries where the reference has {len(ref)}"
        return False
    both = ref_kind in _BRACKETED and pred_kind in _BRACKETED
    if both and ref_kind != pred_kind and len(ref) == 2 and "<>" not in (ref_kind, pred_kind):
        context.rule = "brackets of an interval"
        return False
    return _pairwise(ref, pred, context)


def _distinct(items: Sequence[Node], context: Context) -> tuple[Node, ...]:
    kept: list[Node] = []
    for item in items:
        if not any(match(item, other, context) for other in kept):
            kept.append(item)
    return tuple(kept)


def _values(ref: Sequence[Node], pred: Sequence[Node], context: Context, ordered: bool) -> bool:
    """Compare the values of two lists as multisets, named ones by name."""
    if ordered or len(ref) == 1:
        return _pairwise(ref, pred, context)
    left = list(pred)
    for item in ref:
        place = next((i for i, other in enumerate(left) if match(item, other, context)), None)
        if place is None:
            context.rule = "a value of the reference is missing"
            return False
        del left[place]
    context.rule = "the same values"
    return True


def _relations(ref: Node, pred: Node, context: Context) -> bool:
    """Compare statements: assignments, chains, equations, inequalities."""
    if Seq in (type(ref), type(pred)) and (found := _systems(ref, pred, context)) is not None:
        return found
    left, right = stated(ref), stated(pred)
    if left is not None and right is not None and (type(ref) is Rel or type(pred) is Rel):
        return _statements(ref, pred, left, right, context)
    if _is_equation(ref) or _is_equation(pred):
        return _equations(ref, pred, context)
    if _other_variable(ref, pred):
        context.rule = "a condition on another variable"
        return False
    if (both := _explicit_sets(ref, pred, context)) is not None:
        return both
    return _inequalities(ref, pred, context)


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
    if type(pred) is Rel and _is_set_statement(pred) != _is_set_statement(ref) and left.name is not None:
        return match(left.value, right.value, context)
    return any(match(value, right.value, context) for value in left.values)


def _is_set_statement(node: Node) -> bool:
    return type(node) is Rel and node.links[0][0] == "in"


def _chain_is_true(found: Stated, context: Context) -> bool:
    values = found.values
    if all(_link_holds(a, b, context) for a, b in zip(values, values[1:], strict=False)):
        return True
    return found.name is not None and len(values) > 2 and _link_holds(values[0], values[-1], context)


def _link_holds(left: Node, right: Node, context: Context) -> bool:
    """Whether one link holds; a quantity against a bare number (5 km = 5000) cannot be refuted."""
    if (type(left) is Quantity) != (type(right) is Quantity) or Words in (type(left), type(right)):
        return True
    return match(left, right, context)


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
    same = [match(ref.first, pred.first, context)]
    same += [a[0] == b[0] and match(a[1], b[1], context) for a, b in zip(ref.links, pred.links, strict=True)]
    return all(same)


def _other_variable(ref: Node, pred: Node) -> bool:
    """Whether both are conditions, each on one variable, and the variables differ."""
    names = [free_symbols(node) if type(node) is Rel else set() for node in (ref, pred)]
    return len(names[0]) == len(names[1]) == 1 and names[0] != names[1]


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
        a[0] == b[0] and match(a[1], b[1], context) for a, b in zip(ref.links, pred.links, strict=True)
    ) and match(ref.first, pred.first, context)


def _systems(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare lists that contain statements: `x = 1, y = 2`; `x = 2 or x = 3`; `n = 1, 2, 3`."""
    left, right = _named_values(ref), _named_values(pred)
    if left is None or right is None:
        return _lists_of_relations(ref, pred, context)
    (ref_names, ref_values), (pred_names, pred_values) = left, right
    if ref_names is not None and pred_names is not None and len(set(map(repr, ref_names))) > 1:
        if sorted(map(repr, ref_names)) == sorted(map(repr, pred_names)) and len(set(map(repr, ref_names))) == len(ref_names):
            context.rule = "values by their names"
            by_name = dict(zip(map(repr, pred_names), pred_values, strict=True))
            return all(match(v, by_name[repr(n)], context) for n, v in zip(ref_names, ref_values, strict=True))
        if not all(same_name(a, b) for a, b in zip(ref_names, pred_names, strict=False)):
            context.rule = "values of other names"
            return False
    ordered = (ref_names is None) != (pred_names is None) and _distinct_names(ref_names or pred_names)
    if len(ref_values) != len(pred_values):
        context.rule = f"{len(pred_values)} values where the reference has {len(ref_values)}"
        return False
    return _values(ref_values, pred_values, context, ordered)


def _distinct_names(names: Sequence[Node] | None) -> bool:
    """Whether the names are of different quantities, so that an unnamed list must keep their order (x_1, x_2 are not)."""
    return names is not None and len({repr(name).split("_")[0] for name in names}) > 1


def _named_values(node: Node) -> tuple[Sequence[Node] | None, list[Node]] | None:
    """Return (names or None, values) of a list of statements or values; periodic names are folded into tuples."""
    if type(node) is Seq and node.kind in _BRACKETED:
        return None, [node]
    items = node.items if type(node) is Seq else (node,)
    names: list[Node | None] = []
    values: list[Node] = []
    for item in items:
        found = stated(item)
        if found is None or len(found.values) > 1:
            return None
        for value in _spread(found.value):
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


def _folded(names: list[Node], values: list[Node]) -> tuple[Sequence[Node], list[Node]] | tuple[None, list[Node]]:
    """Fold p=5, q=2, p=7, q=2 into (5, 2), (7, 2)."""
    period = next((i for i in range(1, len(names)) if names[i] == names[0]), len(names))
    if period in (1, len(names)) or len(names) % period or names != names[:period] * (len(names) // period):
        return names, values
    return None, [Seq("()", tuple(values[i : i + period])) for i in range(0, len(values), period)]


def _lists_of_relations(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare lists of equations or inequalities."""
    if (both := _explicit_sets(ref, pred, context)) is not None:
        return both
    if _is_alternatives(ref) and _is_alternatives(pred):
        left, right = zero_form(ref), zero_form(pred)
        names = free_symbols(ref) | free_symbols(pred)
        if left is not None and right is not None and len(names) == 1 and proportional(left, right, context):
            context.rule = "equations with the same solutions"
            return True
    if type(ref) is Seq and type(pred) is Seq and len(ref.items) == len(pred.items):
        return _values(ref.items, pred.items, context, ordered=False)
    return False


def _is_alternatives(node: Node) -> bool:
    return type(node) is Rel or (type(node) is Seq and node.kind in ("or", ",", "and"))

