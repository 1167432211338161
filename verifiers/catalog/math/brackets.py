"""What stands in brackets: groups, tuples, intervals, sets with conditions, absolute values, lists of items."""

from __future__ import annotations

from verifiers.catalog.math.atoms import AtomReader
from verifiers.catalog.math.lex import Unreadable
from verifiers.catalog.math.tree import Builder, Call, Node, Rel, Seq

CLOSERS = {"(": (")", "]"), "[": ("]", ")"), "]": ("[", "]"), "\\{": ("\\}",), "{": ("}",), "\\langle": ("\\rangle",)}


class BracketReader(AtomReader):
    """Reads brackets and the items between them; `parse.Parser` adds the operators."""

    __slots__ = ()

    def brackets(self, tok: str) -> Node:
        """Read a bracketed item or sequence; the opening bracket is consumed."""
        saved = (self.bars, self.in_set, self.french, self.angle)
        self.bars, self.in_set, self.french, self.angle = 0, tok == "\\{", tok == "]", False
        closers = CLOSERS[tok]
        items, joined = self.items(closers)
        close = self.toks[self.pos]
        if close == "\\mid" or (self.in_set and close in ("|", ":")):
            return self._finish(saved, self.builder(items))
        if self.in_set and close in (".", "") and len(items) == 1 and type(items[0]) is Seq and close not in closers:
            self.pos += close == "."  # \\left\\{ array \\right.
            return self._finish(saved, items[0])
        if close not in closers:
            raise Unreadable(f"{tok!r} is closed by {close!r}")
        self.pos += 1
        return self._finish(saved, _bracketed(tok, close, items, joined))

    def _finish(self, saved: tuple[int, bool, bool, bool], node: Node) -> Node:
        self.bars, self.in_set, self.french, self.angle = saved
        return node

    def builder(self, items: list[Node]) -> Node:
        """Read the condition of a set in builder notation."""
        if not items:
            raise Unreadable("a set without a body")
        body = items[0] if len(items) == 1 else Seq(",", tuple(items))
        self.pos += 1
        self.in_set = False
        conditions, joined = self.items(("\\}",))
        if self.toks[self.pos] != "\\}" or not conditions:
            raise Unreadable("a set's condition is not closed")
        self.pos += 1
        condition = conditions[0] if len(conditions) == 1 else Seq("and" if joined != "or" else "or", tuple(conditions))
        return Builder(body, condition)

    def items(self, closers: tuple[str, ...]) -> tuple[list[Node], str]:
        """Read items separated by commas, semicolons, `and`, `or`; returns them and the separator's kind."""
        found: list[Node] = []
        joined = ","
        signs: list[str] = []
        while self.toks[self.pos] not in closers:
            if self.toks[self.pos] == "":
                break
            found.append(self.expr(0))
            tok = self.toks[self.pos]
            if tok == "," or tok == ";":
                self.pos += 1
                if self.toks[self.pos] in ("and", "or"):
                    joined = self.toks[self.pos]
                    self.pos += 1
                signs.append(joined)
            elif tok == "and" or tok == "or":
                joined = tok
                self.pos += 1
                signs.append(joined)
            elif tok not in closers:
                break
        if "or" in signs and "and" in signs and len(signs) == len(found) - 1:
            return _by_precedence(found, signs), "or"
        return found, joined

    def bar(self, tok: str) -> Node:
        """Read |x| or a norm; the first bar is consumed."""
        saved = (self.bars, self.in_set, self.french, self.angle)
        self.bars, self.in_set, self.angle = self.bars + 1, False, False
        inner = self.expr(0)
        if self.toks[self.pos] != tok:
            raise Unreadable("an absolute value is not closed")
        self.pos += 1
        return self._finish(saved, Call("abs", (inner,)))

    def angles(self) -> Node:
        """Read <a, b>; the first angle is consumed."""
        saved = (self.bars, self.in_set, self.french, self.angle)
        self.bars, self.in_set, self.angle = 0, False, True
        items, _ = self.items((">",))
        if self.toks[self.pos] != ">" or len(items) < 2:
            raise Unreadable("'<' without a left side")
        self.pos += 1
        return self._finish(saved, Seq("<>", tuple(items)))


def _bracketed(tok: str, close: str, items: list[Node], joined: str) -> Node:
    if tok == "{":
        if len(items) == 1:
            return items[0]
        if not items:
            raise Unreadable("empty braces")
        return Seq(joined if joined != "," else "{,}", tuple(items))
    if tok == "\\{":
        return Seq("{}", tuple(items))
    if tok == "\\langle":
        return Seq("<>", tuple(items))
    if len(items) == 1 and (tok, close) in (("(", ")"), ("[", "]")):
        return items[0]
    if not items:
        raise Unreadable("empty brackets")
    if joined != "," and (tok, close) == ("(", ")") and any(type(item) in (Rel, Seq) for item in items):
        return Seq(joined, tuple(items))
    left = "[" if tok == "[" else "("
    right = "]" if close == "]" else ")"
    if tok == "]":
        left = "("
    return Seq(left + right, tuple(items))


def _by_precedence(items: list[Node], signs: list[str]) -> list[Node]:
    """Group what `and` joins, which binds tighter than `or`."""
    groups = [[items[0]]]
    for item, sign in zip(items[1:], signs, strict=True):
        if sign == "and":
            groups[-1].append(item)
        else:
            groups.append([item])
    return [group[0] if len(group) == 1 else Seq("and", tuple(group)) for group in groups]
