"""Equations, assignments and chains: what is stated of which name, and which equations have the same solutions."""

from __future__ import annotations

from dataclasses import dataclass

from verifiers.catalog.math.cleared import cleared, coprime
from verifiers.catalog.math.context import Context
from verifiers.catalog.math.doubles import NotNumeric
from verifiers.catalog.math.exact import NotExact
from verifiers.catalog.math.longs import LongField
from verifiers.catalog.math.numeric import FloatField
from verifiers.catalog.math.points import FOLD_POINTS, POINTS
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.residues import PRIMES, Residues
from verifiers.catalog.math.steps import OutOfSteps, Steps
from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Call,
    Div,
    Mul,
    Neg,
    Node,
    Num,
    PlusMinus,
    Pow,
    Ratio,
    Rel,
    Seq,
    Sym,
    Words,
    free_symbols,
    walk,
)

_COMPLEX_NAMES = frozenset(["z", "w"])
"""Variables that are taken for complex numbers: |z| = 2 is a circle, z^2 = 4 is not."""
MAX_SIGNS = 3
"""Most independent ± signs that are written out (8 values)."""


@dataclass(slots=True)
class Stated:
    """A statement `name = value`, or a bare value; `tail` are the further values of its chain."""

    name: Node | None
    values: tuple[Node, ...]

    @property
    def value(self) -> Node:
        """The value that the statement ends in."""
        return self.values[-1]


def is_name(node: Node) -> bool:
    """Whether a node merely names a quantity: x, f(x), AB, |AB|, NO/BO, (x, y), S : T."""
    match node:
        case Sym() | Words():
            return True
        case Apply():
            return True
        case Mul(items=items):
            return all(type(item) is Sym or (type(item) is Seq and item.kind == "()") for item in items) or (
                len(items) == 2 and type(items[0]) is Sym and items[0].name[0].isupper() and type(items[1]) is Sym
            )
        case Call(name="abs" | "det" | "tr" | "arg" | "gcd" | "deg", args=(inner, *_)):
            return is_name(inner)
        case Div(top=top, bottom=bottom):
            return is_name(top) and is_name(bottom)
        case Seq(items=items, kind="()" | "<>" | ","):
            return all(is_name(item) for item in items)
        case Ratio(items=items):
            return all(is_name(item) for item in items)
    return False


def stated(node: Node) -> Stated | None:
    """Read `x = a = b ≈ c` as a name and its values; `None` for any other relation."""
    if type(node) is not Rel:
        return Stated(None, (node,))
    first, links = node.first, node.links
    if links and links[0][0] == "~" and is_name(first):
        links = (("=", links[0][1]), *links[1:])
    kept: list[Node] = []
    for op, item in links:
        if op == "~":
            if not kept and not _roughly(first, item):
                return None
            break
        if op not in ("=", "in"):
            return None
        kept.append(item)
    if not kept:
        return Stated(None, (first,))
    if is_name(first):
        return Stated(first, tuple(kept))
    if len(kept) == 1 and is_name(kept[0]) and not free_symbols(first):
        return Stated(kept[0], (first,))
    if all(not free_symbols(item) for item in (first, *kept)):
        return Stated(None, (first, *kept))
    if len(kept) > 1 and any(is_name(item) for item in kept):
        return Stated(first, (kept[-1],))
    return None


_ANGLES_OF = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])


def measured(node: Node) -> Node | None:
    """Return the value in `f^{-1}(x) = ..`, `A^{-1} = ..` and `sin A = ..`, for which the bare value may stand.

    `None` for what is rather an equation to be solved, as sin x = 1/2.
    """
    match node:
        case Rel(first=Mul(items=(Pow(base=Sym(), exponent=Num(value=-1)), Sym() | Num())), links=(("=", value),)):
            return value
        case Rel(first=Pow(base=Sym(name=name), exponent=Num(value=-1)), links=(("=", value),)) if name.isupper():
            return value
        case Rel(first=Call(name=name, args=(angle,)), links=(("=", value),)) if name in _ANGLES_OF:
            names = free_symbols(angle)
            named = bool(names) and all(each.isupper() or len(each) > 1 for each in names)
            return value if named and not free_symbols(value) else None
    return None


def _roughly(value: Node, estimate: Node) -> bool:
    """Whether an estimate is within a tenth of the value; what has no number passes."""
    try:
        field = FloatField(Steps(200), 0)
        exact, about = field.value(value), field.value(estimate)
        return bool(abs(exact - about) <= 0.1 * abs(exact) + 1e-9)
    except (NotNumeric, ArithmeticError, ValueError, TypeError):
        return True


def signs_written_out(node: Node) -> list[Node]:
    """Replace every ± by + and by -; signs vary independently unless a ∓ ties them together.

    Raises:
        OutOfSteps: If there are more than `MAX_SIGNS` signs.
    """
    count = 0
    tied = False
    for item in walk(node):
        if type(item) is PlusMinus:
            count += 1
            tied = tied or not item.upper
    if not count:
        return [node]
    if count > MAX_SIGNS and not tied:
        raise OutOfSteps(f"more than {MAX_SIGNS} ± signs")
    choices = [0, (1 << count) - 1] if tied else range(1 << count)
    return [_signed(node, [bool(choice >> place & 1) for place in range(count)]) for choice in choices]


def _signed(node: Node, minus: list[bool]) -> Node:
    """Build the node with its ± signs decided; `minus` is used up from its end, in reading order."""

    def decide(item: Node) -> Node | None:
        if type(item) is not PlusMinus:
            return None
        left = None if item.left is None else rebuilt(item.left, decide)
        negative = minus.pop() == item.upper
        right = rebuilt(item.right, decide)
        right = Neg(right) if negative else right
        return right if left is None else Add((left, right))

    return rebuilt(node, decide)


def zero_form(node: Node) -> Node | None:
    """Return f such that the equation (or the disjunction of equations) is f = 0; `None` if it is none."""
    match node:
        case Rel(first=Call(name="abs", args=(inner,)), links=(("=", Call(name="abs") | Num() as right),)):
            if not (type(right) is Num and right.value < 0) and not free_symbols(node) & _COMPLEX_NAMES:
                other = right.args[0] if type(right) is Call else right
                return Add((Pow(inner, Num(2)), Neg(Pow(other, Num(2)))))  # |f| = |g| just where f^2 = g^2
            return Add((Call("abs", (inner,)), Neg(right)))
        case Rel(first=first, links=(("=", right),)):
            factors = [
                Add((item.first, Neg(item.links[0][1])))
                for item in signs_written_out(Rel(first, (("=", right),)))
                if type(item) is Rel
            ]
            return factors[0] if len(factors) == 1 else Mul(tuple(factors))
        case Seq(kind="or" | "," | "and", items=items):
            parts = [zero_form(item) for item in items]
            if all(part is not None for part in parts):
                return Mul(tuple(part for part in parts if part is not None))
    return None


def proportional(left: Node, right: Node, context: Context, positive: bool = False) -> bool:
    """Whether left = c * right for a constant c that is not 0 (and positive, if asked): the same zeros.

    Tried as residues first, then with doubles and 77 digits at the fixed points.
    """
    symbols = free_symbols(left) | free_symbols(right)
    if not symbols:
        return False
    if not positive:
        try:
            return _same_zeros(left, right, context)
        except (NotExact, ValueError) as error:
            if isinstance(error, OutOfSteps):
                raise
    ratios: list[complex] = []
    for point in range(POINTS + FOLD_POINTS):
        try:
            bottom = FloatField(context.steps, point).value(right)
            top = FloatField(context.steps, point).value(left)
            if abs(bottom) < 1e-9 or abs(top) < 1e-9:
                continue
            ratios.append(top / bottom)
        except OutOfSteps:
            raise
        except (NotNumeric, ArithmeticError, ValueError, TypeError):
            continue
    if len(ratios) < 3 or (positive and not all(isinstance(r, float) and r > 0 for r in ratios)):
        return False
    if any(abs(ratio - ratios[0]) > 1e-9 * abs(ratios[0]) for ratio in ratios):
        return False
    return _confirmed(left, right, context)


def _residues_proportional(left: Node, right: Node, context: Context) -> bool:
    found: int | None = None
    for salt in (0, 1, 2):
        field = Residues(context.steps, 0, salt)
        top, bottom = field.value(left), field.value(right)
        if top == 0 or bottom == 0:
            return False
        ratio = top * pow(bottom, -1, PRIMES[0]) % PRIMES[0]
        if found is not None and ratio != found:
            return False
        found = ratio
    return True


def _same_zeros(left: Node, right: Node, context: Context) -> bool:
    """Whether two rational functions have proportional numerators, none with a factor of its denominator."""
    sides = [cleared(side) or (side, None) for side in (left, right)]
    if not _residues_proportional(sides[0][0], sides[1][0], context):
        return False
    return all(bottom is None or coprime((top, bottom), context.steps) for top, bottom in sides)


def _confirmed(left: Node, right: Node, context: Context) -> bool:
    ratios = []
    for point in range(POINTS):
        try:
            field = LongField(context.steps, point)
            ratios.append(field.value(left) / field.value(right))
            if field.hidden:
                return False
        except OutOfSteps:
            raise
        except (NotNumeric, ArithmeticError, ValueError, TypeError):
            continue
        if len(ratios) == 2:
            return bool(abs(ratios[0] - ratios[1]) <= abs(ratios[0]) * 2.0**-180)
    return False
