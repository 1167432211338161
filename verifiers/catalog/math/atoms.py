"""The parser's operands: numbers, names, LaTeX macros, functions, sums, integrals, matrices, text and units."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.functions import FunctionReader
from verifiers.catalog.math.lex import FUNCTIONS, GREEK_NAMES, Unreadable, split_run, tokens
from verifiers.catalog.math.literals import SMALL, decimal, integer
from verifiers.catalog.math.naming import has_imaginary
from verifiers.catalog.math.tree import (
    Apply,
    Based,
    Call,
    Const,
    Div,
    Mul,
    NamedSet,
    Neg,
    Node,
    Num,
    Quantity,
    Sym,
    Words,
)
from verifiers.catalog.math.units import parse_unit

MAX_NAMES = 3
"""Up to so many upright letters are a product of names: the segment AB."""
MAX_EVENT = 24
"""Most tokens of an event such as P(X = 1)."""
_EVENT_MARKS = frozenset(["=", "<", ">", "\\le", "\\ge", "|", "\\mid", "\\cap", "\\cup"])
_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh", "sign": "sgn",
    "tg": "tan", "ctg": "cot", "arctg": "arctan", "arcctg": "arccot", "cosec": "csc",
    "acot": "arccot", "asec": "arcsec", "acsc": "arccsc", "asech": "arcsech", "acsch": "arccsch", "acoth": "arccoth",
    "Abs": "abs", "ceiling": "ceil", "conjugate": "conj",
}  # fmt: skip
_NOT_NAMES = frozenset(
    [
        "cup",
        "cap",
        "setminus",
        "times",
        "cdot",
        "div",
        "over",
        "choose",
        "to",
        "circ",
        "end",
        "item",
        "label",
        "ref",
        "not",
    ]
)
_SETS = {"R": "R", "Q": "Q", "Z": "Z", "N": "N", "C": "C"}
_UNKNOWN_FUNCTIONS = frozenset("fghFGH") | {"phi", "psi"}
_BASIS = frozenset("ijk")
_BASE_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "sixteen": 16, "twenty": 20,
}  # fmt: skip
_SAME_ACCENT = {"overline": "bar", "widehat": "hat", "widetilde": "tilde", "overrightarrow": "vec"}
_ACCENTS = frozenset(
    ["overline", "bar", "vec", "hat", "dot", "ddot", "tilde", "widehat", "widetilde", "overrightarrow", "underline"]
)
_MACRO_CONSTANTS: dict[str, Node] = {
    "\\pi": Const("pi"), "\\infty": Const("inf"), "\\emptyset": NamedSet("empty"), "\\imath": Const("i"),
    "\\ldots": Sym("..."), "\\hbar": Sym("hbar"), "\\ell": Sym("l"), "\\aleph": Sym("aleph"), "\\nabla": Sym("nabla"),
    "\\partial": Sym("partial"), "\\triangle": Sym("triangle"), "\\angle": Sym("angle"), "\\square": Sym("square"),
    "\\prime": Sym("prime"),
    "\\star": Sym("star"), "\\top": Sym("T"), "\\Re": Sym("Re"), "\\Im": Sym("Im"),
}  # fmt: skip


class AtomReader(FunctionReader):
    """Reads operands; `parse.Parser` adds operators and brackets."""

    __slots__ = ()

    def argument(self, split: bool = False) -> Node:
        r"""Read a macro's argument: a braced group or one token (`\frac12` with `split`)."""
        toks = self.toks
        tok = toks[self.pos]
        if tok == "{":
            self.pos += 1
            inner = toks[self.pos]
            if inner.isdigit() and toks[self.pos + 1] == "}":
                self.pos += 2
                return SMALL.get(inner) or Num(integer(inner))
            node = self.expr(0)
            self.take("}")
            return node
        if split and len(tok) > 1:
            if tok.isdigit():
                self.spread((tok[0], tok[1:]))
            elif tok.isalpha() and tok.isascii():
                self.spread(split_run(tok))
            tok = toks[self.pos]
        if tok.isdigit():
            self.pos += 1
            return SMALL.get(tok) or Num(integer(tok))
        return self.expr(59)

    def number(self, tok: str) -> Node:
        """Read a number literal, with its base or its fraction if it has one."""
        following = self.toks[self.pos]
        if following == "_":
            return self.based(tok)
        if not tok.isdigit():
            return decimal(tok)
        value = integer(tok)
        if following == "\\frac":
            return self.mixed(value)
        return Num(value)

    def mixed(self, whole: int) -> Node:
        r"""Read `3\frac{1}{2}` as 7/2, and anything else in that place as a product."""
        self.pos += 1
        part = self.fraction()
        if type(part) is Div and type(part.top) is Num and type(part.bottom) is Num:
            top, bottom = part.top.value, part.bottom.value
            if isinstance(top, int) and isinstance(bottom, int) and 0 < top < bottom:
                return Num(Fraction(whole * bottom + top, bottom))
        return Mul((Num(whole), part))

    def based(self, tok: str) -> Node:
        """Read digits with a base as subscript; base ten is a plain number."""
        self.pos += 1
        sub = self.subscript()
        word = sub.strip().lower().removeprefix("base").strip()
        base = int(word) if word.isdigit() and len(word) < 3 else _BASE_WORDS.get(word, 0)
        if not 2 <= base <= 36:
            raise Unreadable(f"{sub!r} is not a base")
        if base == 10:
            return Num(integer(tok)) if tok.isdigit() else decimal(tok)
        if not tok.replace(".", "", 1).isdigit() or any(int(digit) >= base for digit in tok if digit != "."):
            raise Unreadable(f"{tok!r} has digits that base {base} lacks")
        whole, point, decimals = tok.partition(".")
        return Based((whole.lstrip("0") or "0") + point + decimals, base)

    def subscript(self) -> str:
        """Read a subscript as text."""
        tok = self.toks[self.pos]
        self.pos += 1
        if tok != "{":
            if tok in ("", "}", ")", ","):
                raise Unreadable("an empty subscript")
            return self.text_inside(tok) if tok.endswith("}") else tok
        parts: list[str] = []
        depth = 1
        while True:
            tok = self.toks[self.pos]
            self.pos += 1
            if tok == "":
                raise Unreadable("a subscript is not closed")
            depth += (tok == "{") - (tok == "}")
            if depth == 0:
                return "".join(parts)
            if tok not in ("{", "}"):
                parts.append(self.text_inside(tok) if tok.endswith("}") else tok)

    def letters(self, tok: str) -> Node:
        """Read a run of letters: a function, a constant, a variable, or a word."""
        if len(tok) > 1:
            parts = split_run(tok)
            if len(parts) >= 4 and all(len(part) == 1 for part in parts):
                return self.words(tok)
            self.pos -= 1
            self.spread(parts)
            tok = parts[0]
            self.pos += 1
            if len(tok) > 1:
                if tok in ("and", "or"):
                    raise Unreadable(f"{tok!r} without a left side")
                return self.atom(tok)
        return self.name(tok)

    def words(self, first: str) -> Node:
        """Read words up to the next separator."""
        parts = [first]
        while (tok := self.toks[self.pos]).isalpha() and tok not in ("and", "or"):
            parts.append(tok)
            self.pos += 1
        return Words(" ".join(parts))

    def name(self, name: str) -> Node:
        """Read what belongs to a name: subscript, primes, arguments of a function."""
        tok = self.toks[self.pos]
        if name == "e" and tok != "_":
            return Const("e")
        if name == "i" and tok != "_" and "i" not in self.bound:
            return Const("i")
        if tok == "_":
            self.pos += 1
            sub = self.subscript()
            if name in "CAP" and self.toks[self.pos] == "^":
                chosen = self.chosen(name, sub)
                if chosen is not None:
                    return chosen
            return Sym(f"{name}_{sub}")
        while self.toks[self.pos] == "'":
            name += "'"
            self.pos += 1
        if self.toks[self.pos] == "(":
            if name in ("P", "Pr") and (event := self.event()) is not None:
                return Sym(name + event)
            if name.rstrip("'") in _UNKNOWN_FUNCTIONS:
                return Apply(name, self.arguments())
            if name == "C" and (pair := self.pair()) is not None:
                return Call("binom", pair)
        return Sym(name)

    def event(self) -> str | None:
        """Read the event of a probability, `(X = 1)` or `(A | B)`, as text; nothing of plain arguments."""
        depth, end = 0, self.pos
        while (tok := self.toks[end]) != "":
            depth += (tok == "(") - (tok == ")")
            end += 1
            if depth == 0:
                break
        inside = self.toks[self.pos : end]
        if depth or len(inside) > MAX_EVENT or _EVENT_MARKS.isdisjoint(inside):
            return None
        self.pos = end
        return "".join(inside).replace("\\mid", "|")

    def chosen(self, name: str, sub: str) -> Node | None:
        """Read C_n^k (and A_n^k, P_n^k) as a number of choices."""
        start = self.pos
        self.pos += 1
        top = self.argument()
        bottom: Node = Num(int(sub)) if sub.isdigit() and len(sub) < 6 else Sym(sub)
        if type(top) in (Num, Sym) and (sub.isdigit() or len(sub) == 1):
            return Call("binom" if name == "C" else "perm", (bottom, top))
        self.pos = start
        return None

    def pair(self) -> tuple[Node, Node] | None:
        """Read `(n, k)`, or nothing at all."""
        start, depth, toks = self.pos, self.depth, list(self.toks)
        try:
            found = self.arguments()
        except Unreadable:
            found = ()
        if len(found) == 2:
            return (found[0], found[1])
        self.pos, self.depth, self.toks = start, depth, toks
        return None

    def arguments(self) -> tuple[Node, ...]:
        """Read `(a, b, ...)`."""
        self.take("(")
        saved, self.bars = self.bars, 0
        found, _ = self.items((")",))
        self.take(")")
        self.bars = saved
        if not found:
            raise Unreadable("a function without arguments")
        return tuple(found)

    def atom(self, tok: str) -> Node:
        """Read an operand that begins with a macro, a text or a sign."""
        constant = _MACRO_CONSTANTS.get(tok)
        if constant is not None:
            return self.subscripted(constant)
        if tok == "\\frac":
            return self.fraction()
        if tok == "\\sqrt":
            return self.root()
        if tok[:1] == "\\":
            return self.macro(tok)
        if tok in ("€", "£", "¥", "₹"):
            return self.currency(tok)
        if tok[:1] > "\u2fff" and tok.isalpha():
            return self.words(tok)
        raise Unreadable(f"unexpected {tok!r}" if tok else "the answer ends too early")

    def subscripted(self, node: Node) -> Node:
        """Add a subscript to a macro's name."""
        if type(node) is Sym and self.toks[self.pos] == "_":
            self.pos += 1
            return Sym(f"{node.name}_{self.subscript()}")
        return node

    def macro(self, tok: str) -> Node:
        """Read a backslash token that is neither a fraction nor a root."""
        name = tok[1:]
        if name == "binom":
            if self.toks[self.pos] == "(":
                return Call("binom", self.arguments())
            return Call("binom", (self.argument(split=True), self.argument(split=True)))
        if name in FUNCTIONS:
            return self.function(_ALIASES.get(name, name))
        if name in GREEK_NAMES:
            return self.name(name)
        if tok.endswith("}"):
            return self.environment(tok) if tok.startswith("\\begin") else self.text(tok)
        if tok == "\\$":
            return self.currency("$")
        if tok in ("\\sum", "\\prod"):
            return self.big("sum" if tok == "\\sum" else "prod")
        if tok == "\\int":
            return self.integral()
        if tok == "\\lim":
            return self.limit()
        if tok in ("\\lfloor", "\\lceil"):
            inner = self.expr(0)
            self.take("\\rfloor" if tok == "\\lfloor" else "\\rceil")
            return Call("floor" if tok == "\\lfloor" else "ceil", (inner,))
        if tok in ("\\mathbf", "\\vec", "\\hat", "\\bm"):
            following = self.argument(split=True)
            return (
                Sym("e_i")
                if following == Const("i")
                else Sym(f"e_{following.name}")
                if type(following) is Sym
                else following
            )
        if tok in ("\\mathrm", "\\boxed", "\\mathit", "\\fbox"):
            return self.argument(split=tok != "\\boxed")
        if tok in ("\\overline", "\\bar"):
            inner = self.argument(split=True)
            return Call("conj", (inner,)) if has_imaginary(inner) else inner
        if tok == "\\cup" and self.toks[self.pos] == "_":
            return self.big_union()
        if name.isalpha() and name not in _NOT_NAMES:
            return self.subscripted(Sym(name))
        raise Unreadable(f"unknown macro {tok!r}")

    def currency(self, sign: str) -> Node:
        """Read an amount after its currency sign."""
        return Quantity(self.expr(44), parse_unit(sign), sign)

    def text(self, tok: str) -> Node:
        """Read a text macro in an operand's place."""
        inside = self.text_inside(tok).strip()
        macro = tok[1 : tok.index("{")].strip()
        if macro == "mathbb" and inside in _SETS:
            return self.power_of_set(_SETS[inside])
        if macro in ("mathbf", "vec", "hat", "bm", "boldsymbol") and inside in _BASIS:
            return Sym(f"e_{inside}")
        named = inside in FUNCTIONS or inside in _ALIASES
        if named and (macro.startswith("operatorname") or macro in ("mathrm", "text", "rm")):
            return self.function(_ALIASES.get(inside, inside))
        if macro in ("overline", "bar") and (inner := self.conjugated(inside)) is not None:
            return inner
        accent = _SAME_ACCENT.get(macro, macro)
        if macro in _ACCENTS and not (accent == "vec" and (len(inside) == 1 or inside.isdigit())):
            return self.name(f"{accent} {inside}".replace("\\", ""))
        if len(inside) == 1 and inside.isalpha():
            return (
                self.name(inside)
                if inside in "eiCAP" and macro in ("mathrm", "mathit", "text")
                else self.upright(inside)
            )
        if inside.lstrip("-").replace(".", "", 1).isdigit():
            return Neg(self.number(inside[1:])) if inside[0] == "-" else self.number(inside)
        if not inside:
            return self.expr(59)
        if inside in ("and", "or"):
            raise Unreadable(f"{inside!r} without a left side")
        if macro in ("mathrm", "mathit", "mathbf") and inside.isalpha() and len(inside) <= MAX_NAMES:
            return Mul(tuple(Sym(letter) for letter in inside))
        return Words(inside)

    def conjugated(self, inside: str) -> Node | None:
        """Read the conjugate of a complex number that is written out; nothing where there is a name under the bar."""
        if not any(sign in inside for sign in "+-") or {char for char in inside if char.isalpha()} != {"i"}:
            return None
        reader = type(self)(tokens(inside))
        node = reader.expr(0)
        return Call("conj", (node,)) if reader.toks[reader.pos] == "" else None

    def upright(self, inside: str) -> Node:
        """Read one upright letter as a name."""
        if self.toks[self.pos] == "_":
            self.pos += 1
            return Sym(f"{inside}_{self.subscript()}")
        return Sym(inside)

    def power_of_set(self, name: str) -> Node:
        """Read R, R^+, R^2 ..."""
        if self.toks[self.pos] in ("^", "_"):
            self.pos += 1
            return NamedSet(name + self.subscript())
        return NamedSet(name)
