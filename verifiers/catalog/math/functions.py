r"""The parser's functions, fractions, roots and units: `\sin^2 2x`, `\frac{d}{dx}`, `\log_2 8`, `m/s`."""

from __future__ import annotations

from verifiers.catalog.math.lex import FUNCTIONS, GREEK_NAMES, split_run
from verifiers.catalog.math.macros import MacroReader
from verifiers.catalog.math.tree import Call, Const, Derivative, Div, Matrix, Mul, Node, Num, Pow
from verifiers.catalog.math.units import parse_unit

_INVERSE = {name: "arc" + name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")}
_ENDS_UNIT = frozenset(
    ["", ",", ";", "and", "or", "=", "<", ">", "\\le", "\\ge", ")", "]", "\\}", "\\approx", "+", "&", "\\\\"]
)


def flat_product(left: Node, right: Node) -> Node:
    """Multiply, keeping one flat node."""
    return Mul((*left.items, right)) if type(left) is Mul else Mul((left, right))


class FunctionReader(MacroReader):
    """Reads functions with their arguments, fractions, roots, and the words of a unit."""

    __slots__ = ()

    def fraction(self) -> Node:
        r"""Read \frac's arguments; \frac{d}{dx} is a derivative."""
        order = self.derivative_order()
        if order is not None:
            variable, degree = order
            return Derivative(variable, degree, self.expr(35))
        top = self.argument(split=True)
        return Div(top, self.argument(split=True), bar=True)

    def derivative_order(self) -> tuple[str, int] | None:
        """Recognise `{d}{dx}` and `{d^2}{dx^2}`; consumes them if they are there."""
        end = self.pos
        if self.toks[end] != "{" or not self.toks[end + 1].startswith(("d", "\\partial", "\\mathrm{d")):
            return None
        depth = closed = 0
        while closed < 2:
            tok = self.toks[end]
            if tok == "" or end - self.pos > 14:
                return None
            depth += (tok == "{") - (tok == "}")
            end += 1
            if depth == 0:
                if tok != "}":
                    return None
                closed += 1
        joined = "".join(
            t.replace("\\mathrm{d}", "d").replace("\\partial", "d") for t in self.toks[self.pos : end] if t not in "{}"
        )
        top, _, bottom = joined.partition("dd") if not joined.startswith("d^") else (joined[:3], "", joined[4:])
        if (
            joined.startswith("d^")
            and joined[2:3].isdigit()
            and joined[3:4] == "d"
            and len(joined) == 7
            and joined[5] == "^"
        ):
            self.pos = end
            return joined[4], int(joined[2])
        if joined.startswith("dd") and len(joined) == 3 and joined[2].isalpha() and not top and bottom:
            self.pos = end
            return joined[2], 1
        return None

    def root(self) -> Node:
        r"""Read \sqrt[n]{x}."""
        index: Node | None = None
        if self.toks[self.pos] == "[":
            self.pos += 1
            index = self.expr(0)
            self.take("]")
        body = self.argument()
        return Call("sqrt", (body,)) if index is None else Call("root", (body, index))

    def function(self, name: str) -> Node:
        """Read a named function: its power, its base, its argument."""
        if name in ("sqrt", "cbrt"):
            return self.root() if name == "sqrt" else Call("root", (self.argument(), Num(3)))
        power: Node | None = None
        base: Node | None = None
        while self.toks[self.pos] in ("^", "_"):
            sign = self.toks[self.pos]
            self.pos += 1
            if sign == "^":
                power = self.argument()
            else:
                base = self.argument()
        if power == Num(-1) and name in _INVERSE:
            name, power = _INVERSE[name], None
        args = self.arguments() if self.toks[self.pos] == "(" else (self.bare_argument(),)
        node = self.called(name, args, base)
        return node if power is None else Pow(node, power)

    def called(self, name: str, args: tuple[Node, ...], base: Node | None) -> Node:
        """Build a call, with the logarithm's base as second argument."""
        if name == "lg":
            return Call("log", (args[0], Num(10)))
        if name == "log":
            if base is None and len(args) == 1:
                return Call("log", args)
            return Call("log", (args[0], base if base is not None else args[1]))
        if name == "exp":
            return Pow(Const("e"), args[0])
        if name == "det" and type(args[0]) is Matrix:
            return Matrix(args[0].rows, det=True)
        return Call(name, args)

    def bare_argument(self) -> Node:
        r"""Read `2x` in `\sin 2x`: factors up to the next sign, bracket or function."""
        if self.toks[self.pos] == "-":
            self.pos += 1
            inner = self.bare_argument()
            return Mul((Num(-1), inner))
        left = self.expr(45)
        if type(left) is Call and left.name not in ("sqrt", "root", "abs"):
            return left
        while self.continues():
            left = flat_product(left, self.expr(45))
        return left

    def continues(self) -> bool:
        """Whether the next token goes on with a function's bare argument."""
        tok = self.toks[self.pos]
        if tok[:1].isalpha() and tok.isascii():
            if tok in ("and", "or") or self.is_unit_word(tok):
                return False
            if len(tok) > 1:
                self.spread(split_run(tok))
                tok = self.toks[self.pos]
            if len(tok) == 1:
                return True
        if tok in ("\\frac", "\\sqrt", "\\pi"):
            return True
        return tok[:1].isdigit() or (tok[:1] == "\\" and tok[1:] in GREEK_NAMES)

    def is_unit_word(self, tok: str) -> bool:
        """Whether a run of letters after an operand is a unit or a label rather than variables."""
        if tok in ("deg", "bp", "bps") or (tok in ("sq", "cu") and self.is_unit_word(self.toks[self.pos + 1])):
            return self.toks[self.pos + 1] != "("
        if len(tok) < 2 or tok in FUNCTIONS or tok in GREEK_NAMES:
            return False
        parts = split_run(tok)
        if len(parts) == 1 and len(parts[0]) > 1:
            return False
        if parse_unit(tok) is not None:
            return True
        return len(parts) >= 4 and all(len(part) == 1 for part in parts)

    def unit_text(self, start: int) -> tuple[str, int]:
        """Join the tokens from `start` up to the next separator into a unit's text."""
        parts: list[str] = []
        pos = start
        while (tok := self.toks[pos]) not in _ENDS_UNIT or (tok == ")" and "(" in parts[-3:]):
            if tok == "}" and "{" not in parts[-3:]:
                break
            parts.append(self.text_inside(tok) if tok[-1] == "}" and "{" in tok[:-1] else tok)
            pos += 1
        joined = (
            " ".join(parts).replace("\\cdot", "·").replace("\\times", "·").replace("^ \\circ", "°").replace("\\", "")
        )
        return " ".join(joined.replace("- ", "-").split()).rstrip("."), pos
