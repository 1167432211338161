r"""Text to tokens: LaTeX, plain text and Unicode mathematics, Chinese punctuation included.

Linear time: one translation table, one regular expression without nested repetition. Tokens are plain strings; the
parser looks them up in tables. What only looks different becomes the same token here: `−` and `-`, `×` and `\times`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_CHARS = 6_000
"""Longest answer that is read, in characters."""
MAX_TOKENS = 3_000
"""Most tokens that are read."""


class TooLarge(ValueError):
    """The answer is past a bound on characters, tokens, digits, depth or nodes."""


class Unreadable(ValueError):
    """The answer is not in the grammar."""


_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ⁽⁾ˣ"
_SUPER_TO = "0123456789+-ni()x"
_SUBSCRIPT = "₀₁₂₃₄₅₆₇₈₉₊₋ₙₓᵢ"
_SUB_TO = "0123456789+-nxi"
_SUPER_RUN = re.compile(f"[{_SUPERSCRIPT}]+")
_SUB_RUN = re.compile(f"[{_SUBSCRIPT}]+")
_SUPER_TABLE = str.maketrans(_SUPERSCRIPT, _SUPER_TO)
_SUB_TABLE = str.maketrans(_SUBSCRIPT, _SUB_TO)

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "ϕ": "phi",
    "ϵ": "epsilon", "ϑ": "theta",
}  # fmt: skip

_CHARS: dict[str, str] = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": " \\times ", "✕": " \\times ", "⋅": " \\cdot ",
    "·": " \\cdot ", "∙": " \\cdot ", "•": " \\cdot ", "∗": "*", "÷": " \\div ", "∕": "/", "⁄": "/", "≤": "\\le ",
    "≥": "\\ge ",
    "⩽": "\\le ", "⩾": "\\ge ", "≦": "\\le ", "≧": "\\ge ", "≠": "\\ne ", "≈": "\\approx ", "≒": "\\approx ",
    "≡": "\\equiv ", "∈": "\\in ", "∉": "\\notin ", "∪": "\\cup ", "∩": "\\cap ", "∖": "\\setminus ",
    "∅": "\\emptyset ",
    "⌀": "\\emptyset ", "ø": "\\emptyset ", "Ø": "\\emptyset ", "∞": "\\infty ", "±": "\\pm ", "∓": "\\mp ",
    "√": "\\sqrt ", "∛": "\\sqrt[3] ", "∜": "\\sqrt[4] ",
    "π": "\\pi ", "∑": "\\sum ", "∏": "\\prod ", "∫": "\\int ", "°": "^\\circ ", "º": "^\\circ ", "˚": "^\\circ ",
    "℃": "\\text{°C}", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}",
    "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}", "ℂ": "\\mathbb{C}", "∀": "\\forall ", "⇒": "\\Rightarrow ",
    "→": "\\to ", "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "⟨": "\\langle ",
    "⟩": "\\rangle ", "〈": "\\langle ", "〉": "\\rangle ", "∣": "|", "∨": "\\lor ", "∧": "\\land ", "，": ",",
    "、": ",", "；": ";", "：": ":", "。": ". ", "．": ".",
    "（": "(", "）": ")", "【": "[", "】": "]", "「": "", "」": "",
    "“": '"', "”": '"', "‘": "'", "’": "'", "′": "'", "″": "''", "＝": "=", "％": "%", "＄": "\\$", "￥": "¥",
    "…": "\\ldots ", "⋯": "\\cdots ", "𝑖": "i", "ⅈ": "i", "ℯ": "e", "∂": "\\partial ", "∘": "\\circ ", "⊂": "\\subset ",
    "\u00a0": " ", "\u3000": " ", "\u2009": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ",
    **{char: f"\\{name} " for char, name in _GREEK.items()},
}  # fmt: skip
_TABLE = str.maketrans(_CHARS)
_VULGAR = re.compile("[¼½¾⅐-⅞↉]")
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u180e\ufe00-\ufe0f\U000e0000-\U000e007f]"
)
_CIRCLED = re.compile("[\u2460-\u24ff\u2776-\u2793\u3220-\u3247\U0001f100-\U0001f10c]")
_BIDI = re.compile("[\u202d\u202e\u2066-\u2069]")
_COMBINING_BAR = re.compile("((?:\\d[\u0304\u0305])+)")
_BARE_ROOT = re.compile(r"(\\sqrt(?:\[\d\])? )\s*(\d+(?:\.\d+)?)")


_NEGATED = re.compile(r"\\not\s*+(=|<|>|\\(?:in|leq?|geq?)(?![A-Za-z]))|\\n(less|gtr|leq|geq)(?:slant)?(?![A-Za-z])")
_OPPOSITE = {
    "=": "\\ne ", "\\in": "\\notin ", "<": "\\ge ", ">": "\\le ", "less": "\\ge ", "gtr": "\\le ",
    **dict.fromkeys(["\\le", "\\leq", "leq"], ">"), **dict.fromkeys(["\\ge", "\\geq", "geq"], "<"),
}  # fmt: skip


def plain(text: str) -> str:
    """Rewrite Unicode mathematics as ASCII and LaTeX.

    Raises:
        Unreadable: On characters that reorder the text on screen, which would show another answer than is read.
    """
    if "\\n" in text:
        text = _NEGATED.sub(lambda m: _OPPOSITE[m[1] or m[2]], text)
    if text.isascii():
        return text
    if _BIDI.search(text):
        raise Unreadable("the answer holds characters that reorder it on screen")
    if _CIRCLED.search(text):
        raise Unreadable("the answer holds enclosed numbers")
    text = _INVISIBLE.sub("", text)
    text = _COMBINING_BAR.sub(lambda m: "\\overline{" + re.sub("\\D", "", m[1]) + "}", text)
    text = _VULGAR.sub(_vulgar, text)
    text = _SUPER_RUN.sub(lambda m: "^{" + m[0].translate(_SUPER_TABLE) + "}", text)
    text = _SUB_RUN.sub(lambda m: "_{" + m[0].translate(_SUB_TABLE) + "}", text)
    text = text.translate(_TABLE)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _BARE_ROOT.sub(r"\1{\2}", text)


def _vulgar(match: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", match[0]).partition("⁄")
    return f"\\frac{{{top}}}{{{bottom}}}"


_TOKEN = re.compile(
    r"""[+^(){}\[\],_/|;]|\d++(?![\s.\\eE])
    |\\(?:begin|end)\s*\{[A-Za-z]+\*?\}
    |\\(?:text(?:bf|it|rm|normal|sf|tt|sc|up)?|mathrm|mbox|hbox|mathbf|mathit|mathsf|operatorname\*?|mathbb|mathcal|bm|boldsymbol
         |vec|hat|bar|overline|ddot|dot|tilde|widehat|widetilde|overrightarrow|underline|emph)\s*\{[^{}]*\}
    |\\q?quad|\\[A-Za-z]+|\\.
    |\d++(?:\.\d*+)?+\s*+\\(?:overline|bar|dot)\s*+\{\d++\}
    |\d++\.\d*+\(\d++\)(?![\w(^])
    |\d+\.(?=[/*])|\d+(?:\.\d+)?(?:[eE][-+]?\d+(?![.\d]))?|\.\d+
    |[A-Za-z]+|[\u3400-\u9fff]+
    |\*\*|<=|>=|!=|=<|==|:=|=>|->|\.\.\.+
    |\S""",
    re.VERBOSE,
)
_SKIP = frozenset(
    ["\\left", "\\right", "\\,", "\\;", "\\:", "\\!", "\\ ", "\\>", "\\quad", "\\qquad", "~", "$", "\\displaystyle",
     "\\textstyle", "\\big", "\\Big", "\\bigg", "\\Bigg", "\\bigl", "\\bigr", "\\Bigl", "\\Bigr", "\\biggl", "\\biggr",
     "\\limits", "\\nolimits", "\\middle", "\\hfill", "\\thinspace", "\\(", "\\)", "\\[", "\\]", "\\hline", "\\rm",
     "\\bf", "\\it",
     "\\mathstrut", "\\strut", "\\/", "\\phantom", "\\nonumber", "\\enspace", "\\hspace"]
)  # fmt: skip
_SAME = {
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\dbinom": "\\binom", "\\tbinom": "\\binom",
    "\\leq": "\\le", "\\leqslant": "\\le", "<=": "\\le", "=<": "\\le", "\\geq": "\\ge", "\\geqslant": "\\ge",
    ">=": "\\ge",
    "\\neq": "\\ne", "!=": "\\ne", "\\lt": "<", "\\gt": ">", ":=": "=", "\\lbrace": "\\{", "\\rbrace": "\\}",
    "**": "^", "\\cdotp": "\\cdot", "\\ast": "*", "\\vert": "|", "\\lvert": "|", "\\rvert": "|", "\\lVert": "\\|",
    "\\rVert": "\\|", "\\Vert": "\\|", "\\varnothing": "\\emptyset", "\\empty": "\\emptyset", "\\degree": "\\circ",
    "\\%": "%",
    "\\lor": "or", "\\vee": "or", "\\land": "and", "\\wedge": "and", "\\&": "and", "\\lbrack": "[", "\\rbrack": "]",
    "\\bigcup": "\\cup", "\\bigcap": "\\cap", "\\backslash": "\\setminus", "\\varphi": "\\phi",
    "\\varepsilon": "\\epsilon",
    "\\vartheta": "\\theta", "\\to": "->", "\\rightarrow": "->", "\\longrightarrow": "->", "\\thickapprox": "\\approx",
    "\\sim": "\\approx", "\\simeq": "\\approx", "\\doteq": "\\approx", "\\cong": "\\approx", "\\iff": "=>",
    "\\implies": "=>",
    "\\Rightarrow": "=>", "\\Leftrightarrow": "=>", "\\Longrightarrow": "=>", "\\dots": "\\ldots",
    "\\cdots": "\\ldots", "...": "\\ldots",
    "\\infinity": "\\infty", "\\space": " ", "\\tg": "\\tan", "\\ctg": "\\cot", "\\arctg": "\\arctan",
    "\\cosec": "\\csc",
    "\\iint": "\\int", "\\lg": "\\lg", "\\colon": ":",
}  # fmt: skip
_KEPT_AS: dict[str, str | None] = {**_SAME, **dict.fromkeys(_SKIP)}
"""What a token becomes; `None` = it is dropped."""
_SPACED = re.compile(r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?![\d])(?!\s*/)")
_JOINED_COMMA = re.compile(r"\{,\}\s*|,\s*\\!\s*|(?<=\d)\\!(?=\d)")
_MIXED = re.compile(r"(?<![\d.,^/\w}])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\d.])")


_DIGITS_APART = re.compile(r"\d\s+\d")


def joined_thousands(text: str) -> str:
    r"""Join digit groups whose separators can be nothing else: `1{,}234`, `1,\!234`, `1\,234`, `1 234 567`."""
    if "!" in text or "{,}" in text:
        text = _JOINED_COMMA.sub("", text)
    if "\\" in text and ("\\," in text or "\\;" in text or "\\:" in text or "\\ " in text):
        text = _GROUPED_MACRO.sub(lambda m: m[1] + re.sub(r"\D", "", m[2]), text)
    if " " in text and _DIGITS_APART.search(text):
        text = _SPACED.sub(lambda m: m[1] + m[2].replace(" ", ""), text)
        text = _MIXED.sub(r"\1\\frac{\2}{\3}", text)
    return text


_GROUPED_MACRO = re.compile(r"(?<!\d)(\d{1,3})((?:\\[,;: ]\d{3})+)(?!\d)")
_GROUPED_COMMA = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?![\d,])(?!,\d)")


def has_comma_groups(text: str) -> bool:
    """Whether the text holds digits such as `1,234`, which may be one number or two.

    Inside brackets they are two, unless a group begins with 0: nobody writes the number 0 as 000.
    """
    if "," not in text:
        return False
    bracketed = "(" in text or "[" in text or "\\{" in text
    return any(",0" in found[1] or not bracketed for found in _GROUPED_COMMA.finditer(text))


def without_commas(text: str) -> str:
    """Join digit groups written with commas: `1,234` becomes `1234`."""
    return _GROUPED_COMMA.sub(lambda m: m[1].replace(",", ""), text)


def tokens(text: str) -> list[str]:
    """Split text into tokens, layout dropped, synonyms unified, a "" at the end.

    Raises:
        TooLarge: If there are more than `MAX_TOKENS`.
    """
    get = _KEPT_AS.get
    found = [kept for token in _TOKEN.findall(text) if (kept := get(token, token)) is not None]
    if "\\text" in text or "\\m" in text or "\\o" in text:
        found = [_tidied(token) if token[-1] == "}" and len(token) > 2 else token for token in found]
    if len(found) > MAX_TOKENS:
        raise TooLarge(f"the answer has more than {MAX_TOKENS} tokens")
    found.append("")
    return found


def _tidied(token: str) -> str:
    r"""Trim a text macro's content; `\text{ and }` is `and`."""
    macro, _, inside = token[:-1].partition("{")
    inside = inside.replace("~", " ").strip()
    return inside if inside in ("and", "or") else f"{macro.strip()}{{{inside}}}"


FUNCTIONS = frozenset(
    ["sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "sinh",
    "cosh",
     "tanh", "coth", "sech", "csch", "arcsinh", "arccosh", "arctanh", "arsinh", "arcosh", "artanh", "ln", "log",
     "lg", "exp", "sgn", "sign", "Re",
     "Im", "arg", "det", "gcd", "lcm", "max", "min", "floor", "ceil", "abs", "sqrt", "cbrt", "asin", "acos", "atan",
     "asinh",
     "acosh", "atanh", "binom", "factorial", "gamma_function", "tr", "rank", "deg", "dim", "conj",
     "Abs", "ceiling", "conjugate", "acot", "asec", "acsc", "asech", "acsch", "acoth", "arcsech", "arccsch", "arccoth",
     "cosec"]
)  # fmt: skip
GREEK_NAMES = frozenset(_GREEK.values()) | {"pi"}
_NAMES = sorted(
    (FUNCTIONS - {"Re", "Im", "tr", "rank", "deg", "dim", "conj", "gamma_function", "sign"})
    | (GREEK_NAMES - {"eta", "nu", "mu", "xi", "Xi", "chi", "psi", "rho", "tau"})
    | {"infty", "infinity", "inf", "oo"},
    key=len, reverse=True,
)  # fmt: skip
_WORD_TOKENS = {
    "or": ("or",), "and": ("and",), "infinity": ("\\infty",), "infty": ("\\infty",), "inf": ("\\infty",),
    "oo": ("\\infty",),
    "union": ("\\cup",), "intersect": ("\\cap",), "in": ("\\in",), "mod": ("\\bmod",), "choose": ("\\choose",),
    "U": ("U",), "times": ("\\times",), "frac": ("\\frac",), "plus": ("+",), "minus": ("-",), "over": ("/",),
}  # fmt: skip
_RUN = re.compile("|".join(_NAMES) + "|[A-Za-z]")


@lru_cache(maxsize=4096)
def split_run(run: str) -> tuple[str, ...]:
    r"""Split a run of letters into function names, Greek names and one-letter variables: `sinx` -> `\sin`, `x`."""
    if run in _WORD_TOKENS:
        return _WORD_TOKENS[run]
    if run in GREEK_NAMES or run in FUNCTIONS:
        return ("\\" + run,)
    if len(run) == 1:
        return (run,)
    parts = _RUN.findall(run)
    return tuple(_WORD_TOKENS.get(p, ("\\" + p,))[0] if len(p) > 1 else p for p in parts)
