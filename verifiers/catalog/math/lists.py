"""Lists, tuples, sets of elements and intervals against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.matrices import as_matrix, as_vector, is_matrix_like
from verifiers.catalog.math.piecewise import is_piecewise, piecewise_match
from verifiers.catalog.math.realsets import is_set_like
from verifiers.catalog.math.relations import signs_written_out
from verifiers.catalog.math.sets import LIST_KINDS, explicit_sets
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.tree import Builder, NamedSet, Neg, Node, Num, Seq, SetOp, free_symbols

MAX_ITEMS = 200
"""Most items of a list that are compared free of order."""
SAME_VALUES = "the same values"
BRACKETED = frozenset(["()", "[]", "<>", "(]", "[)"])
"""Kinds of `Seq` that keep their order."""
Key = str | int | Fraction


def pairwise(left: Sequence[Node], right: Sequence[Node], context: Context) -> bool:
    """Compare two sequences entry by entry."""
    return len(left) == len(right) and all(context.match(a, b, context) for a, b in zip(left, right, strict=True))


def sequences_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare lists, tuples, sets of elements and intervals."""
    ref, pred = _only_point(ref, pred), _only_point(pred, ref)
    if not (_is_tuple(ref) and _is_tuple(pred)) and (found := _other_shapes(ref, pred, context)) is not None:
        return found
    ref_kind, ref_items = _listed(ref)
    pred_kind, pred_items = _listed(pred)
    if len(ref_items) > MAX_ITEMS or len(pred_items) > MAX_ITEMS:
        raise OutOfSteps(f"a list of more than {MAX_ITEMS} items")
    if _other_nesting(ref_items, pred_items):
        context.rule = "sets in a set against elements"
        return False
    if {ref_kind, pred_kind} == {"or", "and"} and free_symbols(ref):
        context.rule = "both against either"
        return False
    context.rule = "number of items"
    if ref_kind in BRACKETED or pred_kind in BRACKETED:
        return _tuples(ref_kind, ref_items, pred_kind, pred_items, context)
    if pred_kind == "or":
        pred_items = _distinct(pred_items, context)
    ordered = ref_kind != "{}" and context.options.order == "strict"
    if "{}" in (ref_kind, pred_kind) and not ordered and set(map(_key, ref_items)) == set(map(_key, pred_items)):
        context.rule = SAME_VALUES
        return True
    if "{}" in (ref_kind, pred_kind) or all(type(item) is Seq for item in ref_items):
        ref_items, pred_items = _distinct(ref_items, context), _distinct(pred_items, context)
    if len(ref_items) != len(pred_items):
        context.rule = f"{len(pred_items)} values where the reference has {len(ref_items)}"
        return False
    return values_match(ref_items, pred_items, context, ordered)


def _only_point(node: Node, other: Node) -> Node:
    """Return the point of a set that holds nothing else, {(1, 2)}, where the other side is a point; else the node."""
    if type(node) is Seq and node.kind == "{}" and len(node.items) == 1 and _is_tuple(node.items[0]):
        return node.items[0] if _is_tuple(other) else node
    return node


def _is_tuple(node: Node) -> bool:
    return type(node) is Seq and node.kind == "()"


def _other_shapes(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare sets of reals, functions by cases and matrices; `None` where neither side is one."""
    if _looks_real_set(ref, pred) and (both := explicit_sets(ref, pred, context)) is not None:
        return both
    if is_piecewise(ref) or is_piecewise(pred):
        return piecewise_match(ref, pred, context)
    if is_matrix_like(ref) or is_matrix_like(pred):
        return matrices_match(ref, pred, context)
    return None


def _other_nesting(ref: Sequence[Node], pred: Sequence[Node]) -> bool:
    """Whether one list holds more sets than the other: {1, {2}} is not {1, 2}."""
    return _sets_in(ref) != _sets_in(pred)


def _sets_in(items: Sequence[Node]) -> int:
    return len([item for item in items if type(item) is Seq and item.kind == "{}"])


def _looks_real_set(ref: Node, pred: Node) -> bool:
    """Whether one side can only be a set of reals, so that (2, 5) on the other side is an interval."""
    return any(
        type(node) in (SetOp, NamedSet, Builder) or (type(node) is Seq and node.kind in ("(]", "[)"))
        for node in (ref, pred)
    ) or (is_set_like(ref) and is_set_like(pred) and not (type(ref) is Seq and type(pred) is Seq))


def _listed(node: Node) -> tuple[str, tuple[Node, ...]]:
    """Return a node's kind and items, ± written out."""
    if type(node) is Seq and node.kind in BRACKETED:
        return node.kind, node.items
    if type(node) is Seq:
        return node.kind, tuple(value for item in node.items for value in spread(item))
    values = tuple(signs_written_out(node))
    return ("" if len(values) == 1 else ","), values


def spread(item: Node) -> list[Node]:
    """Return a list's values flat, ± written out."""
    if type(item) is Seq and item.kind in LIST_KINDS:
        return [value for inner in item.items for value in spread(inner)]
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
    both = ref_kind in BRACKETED and pred_kind in BRACKETED
    if both and ref_kind != pred_kind and len(ref) == 2 and "<>" not in (ref_kind, pred_kind):
        context.rule = "brackets of an interval"
        return False
    return pairwise(ref, pred, context)


def _distinct(items: Sequence[Node], context: Context) -> tuple[Node, ...]:
    known = {_key(item): item for item in items}
    items = tuple(known.values())
    if all(type(key) is not str for key in known):
        return items
    kept: list[Node] = []
    for item in items:
        if not any(context.match(item, other, context) for other in kept):
            kept.append(item)
    return tuple(kept)


def values_match(ref: Sequence[Node], pred: Sequence[Node], context: Context, ordered: bool) -> bool:
    """Compare the values of two lists as multisets, named ones by name."""
    if ordered or len(ref) == 1:
        return pairwise(ref, pred, context)
    ref, left = _without_shared(ref, pred)
    for item in ref:
        place = next((i for i, other in enumerate(left) if context.match(item, other, context)), None)
        if place is None:
            context.rule = "a value of the reference is missing"
            return False
        del left[place]
    context.rule = SAME_VALUES
    return True


def _key(item: Node) -> Key:
    """Return what only equal items share, so that long lists are not compared each with each."""
    if type(item) is Neg and type(item.item) is Num:
        return -item.item.value
    return item.value if type(item) is Num else repr(item)


def _without_shared(left: Sequence[Node], right: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Return both lists without the items that are written alike in both."""
    left_keys, right_keys = [_key(item) for item in left], [_key(item) for item in right]
    shared = Counter(left_keys) & Counter(right_keys)
    if not shared:
        return list(left), list(right)
    return _without(left, left_keys, shared.copy()), _without(right, right_keys, shared)


def _without(items: Sequence[Node], keys: Sequence[Key], dropped: Counter[Key]) -> list[Node]:
    kept: list[Node] = []
    for item, key in zip(items, keys, strict=True):
        if dropped[key] > 0:
            dropped[key] -= 1
        else:
            kept.append(item)
    return kept


def matrices_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare matrices and vectors."""
    left, right = as_matrix(ref, context), as_matrix(pred, context)
    if left is None or right is None:
        vectors = as_vector(ref, context), as_vector(pred, context)
        context.rule = "vector" if None not in vectors else "a matrix against something else"
        return vectors[0] is not None and vectors[1] is not None and pairwise(vectors[0], vectors[1], context)
    context.rule = "matrix, entry by entry"
    if len(left) != len(right) or len(left[0]) != len(right[0]):
        context.rule = "matrices of different shape"
        return False
    return all(pairwise(a, b, context) for a, b in zip(left, right, strict=True))
