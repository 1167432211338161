"""Whether two queries are the same but for their spelling, where there is no database to run them on (sqlglot).

Brought to one form: letter case of names, brackets, aliases of tables that occur once, aliases of the result's
columns, the order of operands of AND, OR, =, <>, + and *, `a > b` as `b < a`, the order of an IN list, INNER JOIN.
Everything else counts, so that equal queries of different shape are told apart: this errs on the strict side.
"""

from __future__ import annotations

from typing import Any

from verifiers.catalog.sql.text import depth_of
from verifiers.errors import require

MAX_SYNTAX_CHARS = 10_000
MAX_SYNTAX_DEPTH = 20
"""Most brackets inside one another: sqlglot's parser tries several readings of each."""


class SyntaxFault(ValueError):
    """A query that cannot be read; its text says why.

    Attributes:
        limit: Whether it ran past a limit.
    """

    def __init__(self, reason: str, *, limit: bool = False) -> None:
        super().__init__(reason)
        self.limit = limit


def one_form(query: str, dialect: str) -> str:
    """Return a query in the form in which equal queries are equal.

    Raises:
        SyntaxFault: If it is not one query, or runs past a limit.
        MissingExtra: If sqlglot is not installed.
    """
    if len(query) > MAX_SYNTAX_CHARS or depth_of(query) > MAX_SYNTAX_DEPTH:
        reason = f"a query has at most {MAX_SYNTAX_CHARS:,} characters and {MAX_SYNTAX_DEPTH} levels of brackets"
        raise SyntaxFault(reason, limit=True)
    glot = require("sqlglot", "sql", "Comparing queries without a database")
    try:
        trees = [tree for tree in glot.parse(query, read=dialect) if tree is not None]
        if len(trees) != 1 or not isinstance(trees[0], glot.exp.Query):
            raise SyntaxFault("one query that reads is asked for")
        text = _shape(_unified(trees[0], glot.exp))
    except glot.errors.SqlglotError as error:
        raise SyntaxFault(str(error).splitlines()[0][:200]) from error
    except RecursionError as error:
        raise SyntaxFault("the query is nested too deeply", limit=True) from error
    return text


def _shape(value: Any) -> str:
    """Return a tree as text, brackets and all: sqlglot's own SQL leaves out those that it did not read."""
    if isinstance(value, list):
        return "[" + ", ".join(_shape(each) for each in value) + "]"
    if not hasattr(value, "args"):
        return repr(value)
    inner = (f"{name}={_shape(each)}" for name, each in sorted(value.args.items()) if each not in (None, False, []))
    return f"{type(value).__name__}({', '.join(inner)})"


def _unified(tree: Any, exp: Any) -> Any:
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.this.lower())
        name.set("quoted", False)
    _drop_column_aliases(tree, exp)
    _drop_table_aliases(tree, exp)
    for join in tree.find_all(exp.Join):
        if join.args.get("kind") == "INNER":
            join.set("kind", None)
    return tree.transform(lambda node: node.unnest() if isinstance(node, exp.Paren) else node).transform(_sorted, exp)


def _drop_column_aliases(tree: Any, exp: Any) -> None:
    """Put what the outermost aliases stand for in their place; the names of result columns do not count."""
    if not isinstance(tree, exp.Select):
        return
    meant = {each.alias: each.this for each in tree.expressions if isinstance(each, exp.Alias)}
    for clause in ("group", "having", "order"):
        part = tree.args.get(clause)
        for column in list(part.find_all(exp.Column)) if part is not None else ():
            if not column.table and column.name in meant:
                column.replace(meant[column.name].copy())
    tree.set("expressions", [each.this if isinstance(each, exp.Alias) else each for each in tree.expressions])


def _drop_table_aliases(tree: Any, exp: Any) -> None:
    tables = list(tree.find_all(exp.Table))
    names = [table.name for table in tables]
    aliases = [table.alias for table in tables if table.alias]
    meant = {}
    for table in tables:
        if table.alias and names.count(table.name) == 1 and aliases.count(table.alias) == 1:
            meant[table.alias] = table.name
            table.set("alias", None)
    for column in tree.find_all(exp.Column):
        if column.table in meant:
            column.set("table", exp.to_identifier(meant[column.table]))
        if len(tables) == 1 and column.table == names[0]:
            column.set("table", None)


def _sorted(node: Any, exp: Any) -> Any:
    """Return a node with its operands in one order, where their order means nothing."""
    if isinstance(node, (exp.GT, exp.GTE)):
        return (exp.LT if isinstance(node, exp.GT) else exp.LTE)(this=node.expression, expression=node.this)
    if isinstance(node, exp.In) and node.expressions:
        node.set("expressions", sorted(node.expressions, key=_shape))
    if isinstance(node, (exp.And, exp.Or, exp.Add, exp.Mul)) and type(node.parent) is not type(node):
        operands = sorted((each.transform(_sorted, exp) for each in node.flatten()), key=_shape)
        made = operands[0]
        for operand in operands[1:]:
            made = type(node)(this=made, expression=operand)
        return made
    if isinstance(node, (exp.EQ, exp.NEQ)) and _shape(node.expression) < _shape(node.this):
        return type(node)(this=node.expression, expression=node.this)
    return node
