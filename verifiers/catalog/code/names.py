"""Which names trusted test source defines, which it takes from elsewhere, and which imports it takes for granted."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Set
from typing import Final

BUILTINS: Final = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}

_FROM: Final[dict[str, str]] = {
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "collections": "Counter OrderedDict defaultdict deque namedtuple ChainMap",
    "copy": "deepcopy",
    "dataclasses": "dataclass field",
    "datetime": "date datetime timedelta",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "cache cmp_to_key lru_cache partial reduce wraps",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "itertools": "accumulate chain combinations combinations_with_replacement count cycle groupby islice pairwise "
    "permutations product repeat starmap takewhile zip_longest",
    "math": "ceil comb factorial floor gcd inf isclose isqrt lcm log log10 log2 pi sqrt",
    "operator": "itemgetter mul xor",
    "typing": "Any Callable Deque Dict FrozenSet Generator Iterable Iterator List Mapping Optional Sequence Set Tuple "
    "Type Union",
}
COMMON: Final[dict[str, str]] = {name: module for module, names in _FROM.items() for name in names.split()}
"""Names that harnesses of well-known data sets import for every program, and where they come from."""
_RUNNERS: Final = frozenset(
    "eval exec __import__ builtins.eval builtins.exec importlib.import_module pickle.loads marshal.loads os.system "
    "os.popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen".split()
)
_SHORT: Final[dict[str, str]] = {"np": "import numpy as np", "pd": "import pandas as pd"}


def defined_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return all names that statements bind anywhere, by assignment, definition, import, argument."""
    found: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.alias):
                found.add(node.asname or node.name.partition(".")[0])
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
    return found


def top_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements bind where they stand: not what functions and classes do inside."""
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(statement.name)
        else:
            found |= defined_names([statement])
    return found


def free_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements read, and that neither they nor Python define."""
    several = list(statements)
    loaded = {
        node.id
        for statement in several
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return loaded - defined_names(several) - BUILTINS


def imports_for(statements: Iterable[ast.stmt], names: Set[str]) -> list[tuple[str, str]]:
    """Return (name, import statement) of those names that are the standard library's, as harnesses import them.

    A module counts only where it is used as one (`math.pi`): the tests must never have it from the program.
    """
    used = {
        node.value.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return [(name, line) for name in sorted(names) if (line := import_line(name, name in used))]


def import_line(name: str, is_module: bool) -> str:
    """Return the statement that imports a commonly used name; empty = it is none."""
    if name in COMMON and not (is_module and name in sys.stdlib_module_names):
        return f"from {COMMON[name]} import {name}"
    if is_module and name in _SHORT:
        return _SHORT[name]
    return f"import {name}" if is_module and name in sys.stdlib_module_names else ""


def runs_text(statements: Iterable[ast.stmt]) -> str:
    """Return the name by which tests run text as code that they do not spell out themselves; empty = they do not.

    What the program returned would then run in the grader's own process.
    """
    for node in (node for statement in statements for node in ast.walk(statement)):
        if not isinstance(node, ast.Call) or _last_name(node.func) not in _RUNNERS:
            continue
        if not node.args or not isinstance(node.args[0], ast.Constant):
            return _last_name(node.func)
    return ""


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    owner = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    return f"{owner}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def looks_at_arguments(statements: Iterable[ast.stmt], functions: Set[str]) -> bool:
    """Whether tests look at what a function did to its argument: only then may a program change it.

    They call it for nothing else (`f(a)` alone), or compare the argument itself with a value (`a == [1, 2]`). If a
    program could always do so, emptying `a` would pass `f(a) == sorted(a)`.
    """
    nodes = [node for statement in statements for node in ast.walk(statement)]
    given = {name for node in nodes for name in _names_given(node, functions)}
    if any(isinstance(node, ast.Expr) and _names_given(node.value, functions) for node in nodes):
        return True
    compared = [node for node in nodes if isinstance(node, ast.Compare) and len(node.ops) == 1]
    return any(_is_of(one, given) and _is_value(other) for node in compared for one, other in _sides(node))


def _names_given(node: ast.AST, functions: Set[str]) -> list[str]:
    """Return the variables that a call of one of the functions gets."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in functions:
        return []
    return [each.id for each in node.args if isinstance(each, ast.Name)]


def _sides(node: ast.Compare) -> tuple[tuple[ast.expr, ast.expr], tuple[ast.expr, ast.expr]]:
    return (node.left, node.comparators[0]), (node.comparators[0], node.left)


def _is_of(node: ast.expr, names: Set[str]) -> bool:
    node = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(node, ast.Name) and node.id in names


def _is_value(node: ast.expr) -> bool:
    return not any(isinstance(each, ast.Name | ast.Call) for each in ast.walk(node))
