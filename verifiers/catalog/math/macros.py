"""The parser's larger operands: closed sums and products, limits, integrals, matrices and environments."""

from __future__ import annotations

from abc import ABC, abstractmethod

from verifiers.catalog.math.lex import FUNCTIONS, TooLarge, Unreadable
from verifiers.catalog.math.tree import Big, Builder, Integral, Limit, Matrix, Node, Num, Rel, Seq, Sym, Words

MAX_MATRIX = 400
"""Most entries of a matrix."""
_MATRIX = frozenset(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"])
_LISTS = frozenset(["aligned", "align", "align*", "gathered", "split"])
_CASES = frozenset(["cases", "dcases", "rcases"])
_JOINTS = frozenset(
    [
        "&",
        ",",
        "and",
        "if",
        "for",
        "when",
        *(f"\\text{{{word}}}" for word in ("if", "for", "when", "若", "当", "if ", "")),
    ]
)
"""What stands between a case's value and its condition."""


class MacroReader(ABC):
    """Reads the operands that span many tokens; `atoms.AtomReader` and `parse.Parser` give it the rest."""

    __slots__ = ("angle", "bars", "bound", "depth", "french", "in_set", "pos", "toks")

    def __init__(self, toks: list[str]) -> None:
        self.toks = toks
        self.pos = 0
        self.depth = 0
        self.bars = 0
        self.in_set = False
        self.french = False
        self.angle = False
        self.bound: tuple[str, ...] = ()

    @abstractmethod
    def expr(self, binding: int) -> Node:
        """Read an expression (in `Parser`)."""

    @abstractmethod
    def items(self, closers: tuple[str, ...]) -> tuple[list[Node], str]:
        """Read separated items (in `Parser`)."""

    @abstractmethod
    def argument(self, split: bool = False) -> Node:
        """Read a macro's argument (in `AtomReader`)."""

    @abstractmethod
    def arguments(self) -> tuple[Node, ...]:
        """Read a function's arguments in brackets (in `AtomReader`)."""

    @abstractmethod
    def subscript(self) -> str:
        """Read a subscript as text (in `AtomReader`)."""

    def take(self, wanted: str) -> None:
        """Consume one token that must be there."""
        if self.toks[self.pos] != wanted:
            raise Unreadable(f"expected {wanted!r}, found {self.toks[self.pos]!r}")
        self.pos += 1

    def spread(self, parts: tuple[str, ...]) -> None:
        """Put a token's parts in its place."""
        self.toks[self.pos : self.pos + 1] = parts

    def text_inside(self, tok: str) -> str:
        """Return what stands between the braces of a text macro."""
        _, brace, inside = tok.partition("{")
        if not brace:
            raise Unreadable(f"unexpected {tok!r}")
        return inside[:-1]

    def big(self, kind: str) -> Node:
        """Read a sum or product over an integer index."""
        low: Node | None = None
        high: Node | None = None
        for _ in range(2):
            tok = self.toks[self.pos]
            if tok == "_":
                self.pos += 1
                low = self.index_bound()
            elif tok == "^":
                self.pos += 1
                high = self.argument()
        if type(low) is not Rel or len(low.links) != 1 or high is None:
            raise Unreadable("a sum without closed bounds")
        index = _index_name(low.first)
        saved, self.bound = self.bound, (*self.bound, index)
        body = self.expr(30)
        self.bound = saved
        return Big("sum" if kind == "sum" else "prod", index, low.links[0][1], high, body)

    def big_union(self) -> Node:
        r"""Read \bigcup_{k=a}^{b} set as a set built over k."""
        self.take("_")
        under = self.index_bound()
        over: Node = Sym("...")
        if self.toks[self.pos] == "^":
            self.pos += 1
            over = self.argument()
        return Builder(self.expr(20), Seq("and", (under, over)))

    def index_bound(self) -> Node:
        """Read `{i=0}`, where i is an index and not the imaginary unit."""
        saved = self.bound
        self.bound = (*saved, "i")
        found = self.argument()
        self.bound = saved
        return found

    def limit(self) -> Node:
        r"""Read \lim_{x \to a} body."""
        self.take("_")
        under = self.argument()
        if type(under) is not Rel or len(under.links) != 1 or type(under.first) is not Sym:
            raise Unreadable("a limit without 'x -> a'")
        return Limit(under.first.name, under.links[0][1], self.expr(30))

    def integral(self) -> Node:
        r"""Read \int_a^b body dx."""
        low: Node | None = None
        high: Node | None = None
        for _ in range(2):
            tok = self.toks[self.pos]
            if tok in ("_", "^"):
                self.pos += 1
                bound = self.argument(split=True)
                low, high = (bound, high) if tok == "_" else (low, bound)
        variable = self.mark_differential()
        body = Num(1) if self.toks[self.pos] == "\\dd" else self.expr(20)
        self.take("\\dd")
        return Integral(variable, low, high, body)

    def mark_differential(self) -> str:
        """Find the `dx` that closes an integral, replace it by one stop token, and return its variable."""
        depth, pos = 0, self.pos
        while (tok := self.toks[pos]) != "":
            depth += (tok in ("(", "{", "[", "\\{")) - (tok in (")", "}", "]", "\\}"))
            if depth < 0:
                break
            if depth == 0 and tok in ("d", "\\mathrm{d}", "\\text{d}") and self.toks[pos + 1][-1:].isalpha():
                variable = self.toks[pos + 1].lstrip("\\")
                self.toks[pos : pos + 2] = ["\\dd"]
                return variable
            if (
                depth == 0
                and tok.isalpha()
                and len(tok) >= 2
                and tok[-2] == "d"
                and (len(tok) == 2 or tok not in FUNCTIONS)
            ):
                self.toks[pos : pos + 1] = [tok[:-2], "\\dd"] if len(tok) > 2 else ["\\dd"]
                return tok[-1]
            pos += 1
        raise Unreadable("an integral without its differential")

    def environment(self, tok: str) -> Node:
        """Read a matrix, or the lines of `cases` and `aligned` as a list."""
        name = self.text_inside(tok)
        end = f"\\end{{{name}}}"
        braced = self.pos > 1 and self.toks[self.pos - 2] == "\\{"
        if name == "array" and self.toks[self.pos] == "{":
            self.subscript_skip()
        if name in _CASES or (name == "array" and braced):
            return self.cases(end)
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        saved, self.bars = self.bars, 0
        while True:
            tok = self.toks[self.pos].replace(" ", "")
            if tok == end or tok == "\\\\":
                if row:
                    rows.append(tuple(row))
                row = []
                self.pos += 1
                if tok == end:
                    break
            elif tok in ("&", "and", ",", ";", "."):
                self.pos += 1
            else:
                row.append(self.expr(0))
                if sum(map(len, rows)) + len(row) > MAX_MATRIX:
                    raise TooLarge(f"a matrix with more than {MAX_MATRIX} entries")
        self.bars = saved
        if not rows:
            raise Unreadable("an empty environment")
        if name in _LISTS:
            return Seq("and", tuple(item for line in rows for item in line))
        if name not in _MATRIX or any(len(line) != len(rows[0]) for line in rows):
            raise Unreadable(f"a {name} whose rows differ in length")
        return Matrix(tuple(rows), det=name == "vmatrix")

    def cases(self, end: str) -> Node:
        """Read the lines of a function given by cases, or of a system."""
        values: list[Node] = []
        conditions: dict[int, Node] = {}
        saved, self.bars = self.bars, 0
        while (tok := self.toks[self.pos].replace(" ", "")) != end:
            if tok == "\\\\" or tok in _JOINTS or tok in (";", "."):
                self.pos += 1
                continue
            values.append(self.expr(0))
            if len(values) > MAX_MATRIX:
                raise TooLarge(f"cases of more than {MAX_MATRIX} lines")
            while self.toks[self.pos] in _JOINTS:
                self.pos += 1
            if type(values[-1]) is not Rel and self.toks[self.pos].replace(" ", "") not in ("\\\\", end):
                conditions[len(values) - 1] = self.condition(end)
        self.pos += 1
        self.bars = saved
        if not values:
            raise Unreadable("an empty environment")
        if not conditions:
            return Seq("and", tuple(values))
        rest = Words("otherwise")
        return Seq("cases", tuple(Seq("case", (v, conditions.get(i, rest))) for i, v in enumerate(values)))

    def condition(self, end: str) -> Node:
        """Read the condition of one line of cases."""
        found, joined = self.items(("\\\\", end))
        if not found:
            raise Unreadable("a case without its condition")
        return found[0] if len(found) == 1 else Seq("or" if joined == "or" else "and", tuple(found))

    def subscript_skip(self) -> None:
        """Skip a braced group."""
        self.subscript()


def _index_name(node: Node) -> str:
    if type(node) is Sym:
        return node.name
    raise Unreadable("an index that is not a variable")
