"""One Pratt parser over the tokens: operators, brackets, lists. `atoms.py` reads macros, functions and matrices.

Linear in the number of tokens; depth, digits and nodes are bounded. It never evaluates anything.
"""

from __future__ import annotations

import re
from fractions import Fraction

from verifiers.catalog.math.brackets import CLOSERS, BracketReader
from verifiers.catalog.math.functions import flat_product
from verifiers.catalog.math.lex import TooLarge, Unreadable, split_run, tokens
from verifiers.catalog.math.literals import SMALL
from verifiers.catalog.math.tree import (
    Add,
    Call,
    Div,
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
)
from verifiers.catalog.math.units import is_label, parse_unit

MAX_DEPTH = 48
"""Deepest nesting that is read."""

SHORT = 16
"""Numbers of fewer digits need no check of their length."""
MAX_CHAIN = 200
"""Most operators, other than the signs of one sum, that follow each other on one level."""

RELATIONS = {
    "=": "=", "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "\\ne": "!=", "\\approx": "~", "\\equiv": "=",
    "\\in": "in",
    "\\notin": "notin", "->": "=", "\\propto": "propto", "\\subset": "subset", "\\subseteq": "subset",
}  # fmt: skip
_RELATION, _SET, _RATIO, _SUM, _PRODUCT, _UNARY, _POWER, _POSTFIX = 10, 20, 25, 30, 40, 45, 60, 70
BINDING = {
    **dict.fromkeys(RELATIONS, _RELATION), "\\pmod": _RELATION, "\\cup": _SET, "\\cap": _SET, "\\setminus": _SET,
    ":": _RATIO,
    "+": _SUM, "-": _SUM, "\\pm": _SUM, "\\mp": _SUM, "*": _PRODUCT, "\\cdot": _PRODUCT, "\\times": _PRODUCT,
    "/": _PRODUCT,
    "\\div": _PRODUCT, "\\bmod": _PRODUCT, "\\choose": _PRODUCT, "\\over": 5, "^": _POWER, "!": _POSTFIX,
    "%": _POSTFIX, "‰": _POSTFIX, "'": _POSTFIX,
}  # fmt: skip
STOP = frozenset(
    ["", ",", ";", ")", "]", "}", "\\}", "\\rangle", "\\rfloor", "\\rceil", "and", "or", "&", "\\\\", "\\mid", "=>",
    "\\dd", '"',
     "?", ".", "`", "\\text{and}", "\\text{or}", "\\forall"]
)  # fmt: skip
_TEXT_MACROS = ("\\text", "\\mathrm", "\\mbox", "\\hbox", "\\operatorname", "\\mathsf", "\\mathit", "\\emph")
_NUMBER_GOES_ON = frozenset(["_", "\\frac"])
_NAME_GOES_ON = frozenset(["_", "'", "("])
_PREFIX_MACROS = frozenset(["\\pm", "\\mp", "\\|", *CLOSERS])
"""Tokens with a backslash that are signs or brackets."""
_LETTERS = {letter: Sym(letter) for letter in "abcdfghjklmnopqrstuvwxyz"}
"""The nodes of variables of one letter; e and i are constants."""
_GLUED = re.compile(r"(or|and)([A-Z][A-Za-z]*)\Z")
_SET_NAMES = {"cup": "cup", "cap": "cap", "setminus": "minus"}
_BASIS_POINTS = frozenset(["basis points", "basis point", "bp", "bps"])
_LONE_SETS = {name: NamedSet(name) for name in "RQZN"}
_LONE_SETS |= {
    f"\\{macro}{{{name}}}": NamedSet(name) for name in "RQZNC" for macro in ("mathbf", "mathrm", "text", "bf")
}
PERCENT_WORDS = frozenset(["percent", "pct", "percentage", "percents"])


_STRENGTH = {**dict.fromkeys(STOP, 0), **BINDING}
"""How tightly a token binds; what ends an expression does not bind at all."""


class Parser(BracketReader):
    """Reads one list of tokens."""

    __slots__ = ()

    def expr(self, binding: int) -> Node:
        """Read an expression whose operators bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge(f"the answer is nested deeper than {MAX_DEPTH} levels")
        toks = self.toks
        tok = toks[self.pos]
        left: Node | None = _LETTERS.get(tok)
        if left is not None:
            if toks[self.pos + 1] in _NAME_GOES_ON:
                left = self.prefix()
            else:
                self.pos += 1
        elif tok.isdigit() and len(tok) < SHORT and toks[self.pos + 1] not in _NUMBER_GOES_ON:
            self.pos += 1
            left = SMALL.get(tok) or Num(int(tok))
        elif tok == "\\frac":
            self.pos += 1
            left = self.fraction()
        else:
            left = self.prefix()
        chain = 0
        while True:
            tok = toks[self.pos]
            power = _STRENGTH.get(tok)
            if power is None:
                if binding >= _PRODUCT or self.stops_here(tok):
                    break
                left = self.juxtaposed(left)
            elif power <= binding or (tok == ":" and self.in_set) or (tok == ">" and self.angle):
                break
            else:
                self.pos += 1
                left = self.sum(left, tok) if power == _SUM else self.infix(left, tok, power)
                chain += 1
                if chain > MAX_CHAIN:
                    raise TooLarge(f"the answer chains more than {MAX_CHAIN} operators")
        self.depth -= 1
        return left

    def stops_here(self, tok: str) -> bool:
        """Whether a bar closes an absolute value or separates a set's condition, or `[` closes a French interval."""
        if tok == "|" or tok == "\\|":
            return self.bars > 0 or self.in_set
        return (tok == "[" and self.french) or tok.startswith("\\end")

    def infix(self, left: Node, tok: str, power: int) -> Node:
        """Combine `left` with what follows the operator `tok`, which is no sign and already consumed."""
        if power == _PRODUCT:
            return self.product(left, tok)
        if tok == "^":
            return self.superscript(left)
        if power == _RELATION:
            return self.chain(left, tok)
        if power == _POSTFIX:
            return self.postfix(left, tok)
        if power == _SET:
            right = self.expr(_SET)
            return SetOp(_SET_NAMES[tok[1:]], (left, right))
        if tok == ":":
            return self.ratio(left)
        return Div(left, self.expr(5), bar=True)  # {a \over b}

    def superscript(self, left: Node) -> Node:
        """Read what follows `^`: a power, degrees, primes."""
        tok = self.toks[self.pos]
        braced = tok == "{" and self.toks[self.pos + 1] in ("\\circ", "\\prime") and self.toks[self.pos + 2] == "}"
        if braced:
            self.toks[self.pos : self.pos + 3] = [self.toks[self.pos + 1]]
            tok = self.toks[self.pos]
        if tok == "\\circ":
            self.pos += 1
            return self.degrees(left)
        if tok == "\\prime":
            self.pos += 1
            return self.postfix(left, "'")
        return Pow(left, self.argument())

    def sum(self, left: Node, tok: str) -> Node:
        """Read the terms of a sum from its first operator on."""
        if tok == "\\pm" or tok == "\\mp":
            return PlusMinus(left, self.expr(_SUM), tok == "\\pm")
        items = [left]
        while True:
            right = self.expr(_SUM)
            items.append(right if tok == "+" else Neg(right))
            tok = self.toks[self.pos]
            if tok != "+" and tok != "-":
                return _common_unit(items)
            self.pos += 1

    def product(self, left: Node, tok: str) -> Node:
        """Read one explicit product, quotient, remainder or binomial."""
        right = self.expr(_PRODUCT)
        if tok == "/" or tok == "\\div":
            return Div(left, right)
        if tok == "\\bmod":
            return Call("mod", (left, right))
        if tok == "\\choose":
            return Call("binom", (left, right))
        return flat_product(left, right)

    def chain(self, left: Node, tok: str) -> Node:
        """Read a chain of relations."""
        links: list[tuple[str, Node]] = []
        while True:
            if tok == "\\pmod":
                links.append(("mod", self.argument()))
            else:
                op = RELATIONS[tok]
                if self.toks[self.pos] == "=" and op in "<>":
                    self.pos += 1
                    op += "="
                links.append((op, self.named_set() if op in ("in", "notin") else self.expr(_RELATION)))
            tok = self.toks[self.pos]
            if BINDING.get(tok) != _RELATION or (tok == ">" and self.angle):
                return Rel(left, tuple(links))
            self.pos += 1

    def named_set(self) -> Node:
        r"""Read what follows \in: R, Z, \mathbf{Z} on their own are the number sets."""
        named = _LONE_SETS.get(self.toks[self.pos])
        following = self.toks[self.pos + 1] if named is not None else ""
        if named is None or not (following in STOP or following in ("=", "\\cup", "\\cap", "\\setminus")):
            return self.expr(_RELATION)
        self.pos += 1
        return named

    def ratio(self, left: Node) -> Node:
        """Read a : b : c."""
        items = [left, self.expr(_RATIO)]
        while self.toks[self.pos] == ":" and not self.in_set:
            self.pos += 1
            items.append(self.expr(_RATIO))
        return Ratio(tuple(items))

    def postfix(self, left: Node, tok: str) -> Node:
        """Apply `!`, `%` or a prime."""
        if tok == "%":
            return Percent(left)
        if tok == "‰":
            return Percent(_over(left, 10))
        if tok == "'":
            if type(left) is Sym:
                return Sym(left.name + "'")
            raise Unreadable("a prime after something that is not a name")
        if self.toks[self.pos] == "!":
            self.pos += 1
            return Call("factorial2", (left,))
        if self.toks[self.pos] == "=" and type(left) is not Num:
            raise Unreadable("'!=' is ambiguous here")
        return Call("factorial", (left,))

    def juxtaposed(self, left: Node) -> Node:
        """Read what stands directly after an operand: a factor, a unit, a percent word, a union sign."""
        tok = self.toks[self.pos]
        first = tok[0]
        if (first.isalpha() and len(tok) > 1) or tok == "U" or first > "\u2fff":
            if (glued := _GLUED.match(tok)) is not None:
                self.spread((glued[1], glued[2]))
                return left
            if tok.lower() in PERCENT_WORDS:
                self.pos += 1
                return Percent(left)
            if tok == "U" and type(left) in (Seq, SetOp) and self.toks[self.pos + 1] in CLOSERS:
                self.pos += 1
                return SetOp("cup", (left, self.expr(_SET)))
            if first > "\u2fff" or self.is_unit_word(tok):
                return self.quantity(left)
            self.spread(split_run(tok))
            if self.toks[self.pos] in BINDING or self.toks[self.pos] in STOP:
                return left
        elif tok.startswith(_TEXT_MACROS) and tok[-1] == "}":
            inside = self.text_inside(tok)
            if inside.lower() in PERCENT_WORDS:
                self.pos += 1
                return Percent(left)
            if len(inside) > 1 or parse_unit(inside) is not None:
                return self.quantity(left)
        elif first.isdigit() and type(left) is Num:
            raise Unreadable("two numbers side by side")
        elif first in "€£¥₹" or tok == "\\$":
            return self.quantity(left)
        return flat_product(left, self.expr(_PRODUCT))

    def prefix(self) -> Node:
        """Read an operand, or a sign and its operand."""
        toks = self.toks
        tok = toks[self.pos]
        self.pos += 1
        first = tok[:1]
        if first == "\\" and tok not in _PREFIX_MACROS:
            return self.atom(tok)
        if first.isdigit() or (first == "." and len(tok) > 1 and tok[1].isdigit()):
            return self.number(tok)
        if first.isalpha() and first < "\u3000":
            return self.letters(tok)
        if tok == "-":
            return _negative(self.expr(_UNARY if toks[self.pos] not in ("-", "+") else _SUM))
        if tok == "+":
            return self.expr(_UNARY)
        if tok == "\\pm" or tok == "\\mp":
            return PlusMinus(None, self.expr(_SUM), tok == "\\pm")
        if tok in CLOSERS:
            return self.brackets(tok)
        if tok == "|" or tok == "\\|":
            return self.bar(tok)
        if tok == "<":
            return self.angles()
        return self.atom(tok)

    def quantity(self, left: Node) -> Node:
        """Read the rest up to the next separator as a unit or a label of `left`."""
        start = self.pos
        text, end = self.unit_text(start)
        if text.lower() in PERCENT_WORDS:
            self.pos = end
            return Percent(left)
        if text.lower() in _BASIS_POINTS:
            self.pos = end
            return Percent(_over(left, 100))
        unit = parse_unit(text)
        if unit is None and not is_label(text):
            raise Unreadable(f"{text!r} is not a unit")
        self.pos = end
        return Quantity(left, unit, text)

    def degrees(self, left: Node) -> Node:
        """Read an angle in degrees, or a temperature; the degree sign is consumed."""
        scale = self.toks[self.pos]
        letter = (
            self.text_inside(scale).strip()
            if (scale.endswith("}") and scale[:2] == "\\t") or scale.startswith("\\mathrm")
            else scale
        )
        if letter in ("C", "F"):
            self.pos += 1
            return Quantity(left, parse_unit("°" + letter), "°" + letter)
        return Quantity(left, parse_unit("degree"), "degree")

    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.toks[self.pos] == ""


def _negative(node: Node) -> Node:
    """Put a sign inside a number, a percentage or a quantity."""
    match node:
        case Num():
            return Num(-node.value, node.places)
        case Percent():
            return Percent(_negative(node.item))
        case Quantity():
            return Quantity(_negative(node.item), node.unit, node.text)
    return Neg(node)


def _over(node: Node, divisor: int) -> Node:
    """Divide by a whole number; a plain number at once."""
    return Num(Fraction(node.value) / divisor) if type(node) is Num else Div(node, Num(divisor))


def _common_unit(items: list[Node]) -> Node:
    """Add terms; a unit behind the last one alone belongs to the sum."""
    last = items[-1].item if type(items[-1]) is Neg else items[-1]
    if type(last) is not Quantity or last.text == "degree" or any(type(item) is Quantity for item in items[:-1]):
        return Add(tuple(items))
    end = Neg(last.item) if type(items[-1]) is Neg else last.item
    return Quantity(Add((*items[:-1], end)), last.unit, last.text)


def parse(text: str) -> Node:
    """Read a whole text as one expression, relation or list.

    Args:
        text: ASCII/LaTeX text as `lex.plain` and `lex.joined_thousands` leave it.

    Raises:
        Unreadable: If it is outside the grammar.
        TooLarge: If it is past a bound.
    """
    return parse_tokens(tokens(text))


def parse_tokens(toks: list[str]) -> Node:
    """Read tokens; see `parse`. The list is changed."""
    parser = Parser(toks)
    items, joined = parser.items(("",))
    if not parser.at_end():
        raise Unreadable(f"unexpected {parser.toks[parser.pos]!r}")
    if not items:
        raise Unreadable("nothing to read")
    if len(items) == 1:
        return items[0]
    return Seq(joined, tuple(items))
