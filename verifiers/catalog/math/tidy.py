r"""Rewrite rare notations as common ones before an answer is read: `\textcolor{red}{5}`, `+/-3`, `np.sqrt(2)`, `10C3`.

Only layout is dropped and only synonyms are exchanged. Every rewriting is one pass of one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

_SUB = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_RARE = re.compile(
    r"\\(?:tag|label|hspace|vspace|textcolor|color|colorbox|tiny|small|normalsize|large|Large|LARGE|huge|Huge"
    r"|ensuremath|math(?:bin|rel|ord|op|open|close|punct|inner)|underline|surd|mod|degree|texteuro|euro|EUR|pounds"
    r"|textsterling|textdollar|yen|textperthousand|perth?ousand|permille?|textdegree|left\s*+\.|right\s*+\.|right\s*+$"
    r"|prime|textpercent|mathchoice|smash|mathsurround|dots[bcimo]|limits|nonumber|notag|unicode|left\s*+\\lbrace"
    r"|left\s*+\\\{\s*+\\begin|begin\{(?:aligned|align|split|eqnarray|alignedat|gathered)|\\\[|text\s*+\{\s*+[\\,]|checkmark"
    r"|hat|bar|vec|tilde|overline|over(?:right|left)arrow|widehat|widetilde|dot|operatorname\*|dfrac\s*+\{\\text)"
)
_ACCENT = r"hat|bar|vec|dot|ddot|tilde|overline|overrightarrow|overleftarrow|widehat|widetilde"
_LATEX: tuple[_SUB, ...] = (
    (re.compile(r"\\left\s*+\\[{]\s*+\\begin\{(?:array|aligned|matrix|gathered)\}(?:\s*+\{[lcr |]*\})?"),
     r"\\begin{cases}"),
    (re.compile(r"\\end\{(?:array|aligned|matrix|gathered)\}\s*+\\right\s*+(?:\.|\Z)"), r"\\end{cases}"),
    (re.compile(r"\\left\s*+\.|\\right\s*+(?:\.|\Z)"), ""),
    (re.compile(r"\\(?:tag\*?|label|[hv]space\*?|color|notag|nonumber)\s*+\{[^{}]*\}"), " "),
    (re.compile(r"\\textcolor\s*+\{[^{}]*\}"), ""),
    (re.compile(r"\\(?:tiny|small|normalsize|large|Large|LARGE|huge|Huge|ensuremath|smash|underline)(?![A-Za-z])"), ""),
    (re.compile(r"\\math(?:bin|rel|ord|op|open|close|punct|inner)\s*+\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\\\\s*+\[[\d.]{1,5}\s*+(?:pt|em|ex|mm|cm)\]"), r"\\\\"),
    (re.compile(r"&\s*+(?==|<|>|\\(?:le|ge|ne|leq|geq|neq|approx|equiv)(?![A-Za-z]))|(?<==)\s*+&"), ""),
    (re.compile(r"\^\s*+\{?\s*+((?:\\prime\s*+){1,3})\}?"), lambda m: "'" * m[1].count("prime")),
    (re.compile(r"\^\s*+\{?\s*+\\(?:text)?degree(?![A-Za-z])\s*+\}?|\\(?:text)?degree(?![A-Za-z])"), r"^\\circ "),
    (re.compile(r"\\surd(?![A-Za-z])"), r"\\sqrt"),
    (re.compile(r"\\text\s?\{\s*+,\s*+(and|or)\s*+\}"), r", \\text{\1}"),
    (re.compile(r"\\text\s*+\{\s*+\\(\$|%|textperthousand)\s*+\}"), r"\\\1"),
    (re.compile(r"\\textpercent(?![A-Za-z])"), r"\\%"),
    (re.compile(r"\\(?:textdollar)(?![A-Za-z])(?:\{\})?"), r"\\$"),
    (re.compile(r"\\(?:texteuro|euro|EUR)(?![A-Za-z])(?:\{\})?"), "€"),
    (re.compile(r"\\(?:textsterling|pounds)(?![A-Za-z])(?:\{\})?"), "£"),
    (re.compile(r"\\yen(?![A-Za-z])(?:\{\})?"), "¥"),
    (re.compile(r"\\(?:textperthousand|permille?|perthousand)(?![A-Za-z])(?:\{\})?"), r"‰"),
    (re.compile(rf"\\({_ACCENT})\s*+\{{\s*+\\(?:mathbf|mathrm|boldsymbol|bm|text|mathit)\s*+\{{([^{{}}]*)\}}\s*+\}}"),
     r"\\\1{\2}"),
    (re.compile(rf"\\({_ACCENT})\s+([A-Za-z])(?![A-Za-z])"), r"\\\1{\2}"),
)  # fmt: skip
_OHMS = re.compile(r"(?<=\d)(?:\s|~|\\[,; ])*+([kM]?)\\Omega(?![A-Za-z])")
_DOUBLE_STROKE = re.compile(r"\\(?:Bbb|mathds|mathbb)\s*+(?:\{\s*+([A-Z])\s*+\}|([A-Z])(?![A-Za-z]))")
_REPEATING: tuple[_SUB, ...] = (
    (re.compile(r"\.(\d{0,40})\\dot\s?\{?(\d)\}?(\d{0,40})\\dot\s?\{?(\d)\}?"), r".\1\\overline{\2\3\4}"),
    (re.compile(r"\.(\d{0,40})\{?\\(?:overline|bar|dot)\s?(?:\{(\d{1,40})\}|(\d)(?!\d))\}?"),
     lambda m: f".{m[1]}\\overline{{{m[2] or m[3]}}}"),
    (re.compile(r"(?<![\d.])\.(?=\d{0,40}\\overline)"), "0."),
)  # fmt: skip
_ENDLESS = re.compile(r"(-?)(\d{0,20})\.(\d{3,60})\s?(?:\.{3}|\\(?:l|c)?dots\s?)")
_MINUTES = re.compile(r"(?<=[\d}])\s*+min\b(?!\s*+[A-Za-z({\[\\_^])")
_CHANCE = re.compile(r"(\d{1,9})\s+(?:out\s+of|in)\s+(\d{1,9})")
_ORDINAL = re.compile(r"(\d{1,9})(?:st|nd|rd|th)")
_TO = re.compile(r"(\d{1,9})\s+to\s+(\d{1,9})")
_INCHES = re.compile(r"(?<=\d)(?:\s|~|\\,)*+in(?![A-Za-z])(?=\s*+(?:\^|\.?\s*+\Z))")
_APART = re.compile(r"\n|\\q?quad(?![A-Za-z])")
_MOD = re.compile(r"\\mod(?![A-Za-z])")

_NUMBER = r"\d++(?:\.\d++)?+"
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_CHOOSE = re.compile(
    r"(?<![\w.}])(?:\{\})?(?:[_^]\s*+(?:\{(\w{1,6})\}|(\w))|(\d{1,6}))\s?(?:C|\\mathrm\{C\}|\\binom)"
    r"\s?_?(?:\{(\w{1,6})\}|(\d{1,6}|[a-z]))(?![\w.({^])"
)
_PLAIN: tuple[_SUB, ...] = (
    (re.compile(r"(?<![A-Za-z])(?:np|math|numpy|sympy|sp|cmath|mpmath)\.(?=[a-z])"), ""),
    (re.compile(r"\+\s?/\s?-|(?:^|(?<==))\s*+\+-(?=\s*+[\d\\a-z(])"), r"\\pm "),
    (re.compile(r"(?<=\d)\s*+[xX]\s*+(?=10\s*+\^)"), r"\\times "),
    (re.compile(r"(?<![A-Za-z])log(2|10)\s?(?=\()"), r"log_{\1}"),
    (re.compile(r"(?<![A-Za-z])nCr\s?(?=\()"), "binom"),
    (re.compile(r"(?<![\w'.])\d{1,3}(?:'\d{3})+(?![\w'])"), lambda m: m[0].replace("'", "")),
    (re.compile(r"(?<![\w.])\d{1,3}(?:_\d{3})+(?![\w])"), lambda m: m[0].replace("_", "")),
    (re.compile(r"\A([A-Za-z])\s?=>(?=\s?-?\d)"), r"\1\\ge "),
    (re.compile(r"\A(?:USD|US\s?\\?\$)\s?(?=\d)"), r"\\$"),
    (re.compile(r"\ARs\.?\s?(?=\d)|\AINR\s?(?=\d)"), "₹"),
    (re.compile(r"\A(?:RMB|CNY)\s?(?=\d)"), "¥"),
    (re.compile(r"\AEUR\s?(?=\d)"), "€"),
    (re.compile(r"\AGBP\s?(?=\d)"), "£"),
    (
        re.compile(rf"(?<![\d.])({_NUMBER})[\s~]*+(?:\\text\s?\{{\s*+)?\b({'|'.join(_SCALES)})s?\b(\s*+\}})?"),
        lambda m: _scaled(m),
    ),
    (_CHOOSE, lambda m: f"\\binom{{{m[1] or m[2] or m[3]}}}{{{m[4] or m[5]}}}"),
)  # fmt: skip
_PLAIN_GATE = re.compile(
    r"[a-z]\.[a-z]|\+\s?[/-]|\d\s*+[xX]\s*+10|log(?:2|10)|nCr|\d['_]\d|=>|\A(?:US|Rs|INR|EUR|GBP|RMB|CNY)|illion|thousand"
    r"|[\d}]\s?(?:C|\\mathrm\{C)"
)
_SET_BRACES = re.compile(r"\A\{(\s*+[^{}|]{1,60}(?:\||\\mid|:(?!=))[^|]*)\}\Z")
_BARE_BUILDER = re.compile(r"\A([a-z])\s*+(?:\||\\mid|:)\s*+(?=\1\s*+(?:[<>]|\\[lg]e|\\in))([^{}|]{1,120})\Z")
_WITHOUT = re.compile(
    r"(?:\\mathbb\s?\{R\}|(?<![A-Za-z\\])R)\s*+(?:\\(?:setminus|backslash|smallsetminus)|\\\s|\\(?=\{[^{}]*\}?\Z)|-)"
    r"\s*+\\?\{([^{}]*?)\\?\}"
)
_INTEGERS = re.compile(
    r"[,;]?(?:\\q?quad|~|\\[,; ]|\s)*+\(?(?:\\text\s?\{)?[,\s]*+(?:for|where|with)?\s*+"
    r"(?:any|all|every|each|some|an)?\s*+"
    r"integers?(?![a-z])\s*+(?:values? of\s*+)?\}?\s*+\$?([a-z])\$?\s*+\}?\)?\Z"
    r"|[,;]?\s*+(?:\\text\s?\{)?\s*+(?:for|where|with)?\s*+\}?\s*+\$?([a-z])\$?\s*+(?:\\text\s?\{)?\s*+"
    r"(?:(?:is )?an(?:y)? integer|are integers|为整数|是整数)\s*+\}?\Z"
    r"|(?:\\[,; ]|\\q?quad|\s)*+(?:\(|\\text\s?\{\s*+(?:for|where|with)(?: (?:all|any|every|each|some))?\s*+\})\s*+"
    r"([a-z])\s*+\\in\s*+(?:\\math(?:bb|bf|rm)\s?\{Z\}|Z)\s*+\)?\Z"
)
_TAIL_CHARS = 80
"""A condition such as "for any integer k" is looked for this close to the end."""


def tidy(text: str) -> str:
    """Rewrite rare notations of an answer as common ones.

    Args:
        text: The answer; its length is bounded by the caller.
    """
    if text[:1] == "=":  # what is left of a calculation: = 42
        text = text[1:].lstrip()
    if "\\" in text and _RARE.search(text):
        text = _each(text, _LATEX)
        if "." in text and ("\\overline" in text or "\\bar" in text or "\\dot" in text):
            text = _each(text, _REPEATING)
        if "\\mod" in text:
            text = _MOD.sub(r"\\pmod" if "\\equiv" in text or "=" in text else r"\\bmod", text)
    if "\\Omega" in text:
        text = _OHMS.sub(r"\\text{ \1ohm}", text)
    if "bb" in text or "mathds" in text:
        text = _DOUBLE_STROKE.sub(lambda m: f"\\mathbb{{{m[1] or m[2]}}}", text)
    if "\\!:" in text or ":\\!" in text:
        text = text.replace("\\!:", ":").replace(":\\!", ":")
    if "\n" in text or "quad" in text:
        text = _lines_joined(text)
    if text[-3:] in ("...", "ots", "ts ") and (match := _ENDLESS.fullmatch(text)):
        text = _periodic(match)
    if " to " in text and (match := _TO.fullmatch(text)):
        text = f"{match[1]}:{match[2]}"
    if "in" in text:
        text = _INCHES.sub(" inch", text)
        text = _MINUTES.sub(" minutes", text) if "min" in text else text
    if text[-2:] in ("st", "nd", "rd", "th") and (match := _ORDINAL.fullmatch(text)):
        text = match[1]
    if text[:1].isdigit() and (" in " in text or " of " in text) and (match := _CHANCE.fullmatch(text)):
        text = f"{match[1]}/{match[2]}"
    if _PLAIN_GATE.search(text):
        text = _each(text, _PLAIN)
    if text[:1] == "{" and (match := _SET_BRACES.match(text)):
        text = f"\\{{{match[1]}\\}}"
    elif text[1:4].lstrip()[:1] in ("|", "\\", ":") and (match := _BARE_BUILDER.match(text)):
        text = f"\\{{{match[1]} \\mid {match[2]}\\}}"
    if "R" in text and "{" in text:
        text = _WITHOUT.sub(lambda m: f"\\mathbb{{R}}\\setminus\\{{{m[1]}\\}}", text)
    if "integer" in text or "整数" in text or text[-1:] == ")" or ("\\in" in text and "\\text" in text):
        cut = max(0, len(text) - _TAIL_CHARS)
        text = text[:cut] + _INTEGERS.sub(lambda m: f", {m[1] or m[2] or m[3]}\\in\\mathbb{{Z}}", text[cut:])
    return text


def _each(text: str, rules: tuple[_SUB, ...]) -> str:
    for pattern, new in rules:
        text = pattern.sub(new, text)
    return text


def _lines_joined(text: str) -> str:
    r"""Put commas between equations that stand on lines of their own or apart by \quad."""
    parts = [part.strip() for part in _APART.split(text)]
    parts = [part.rstrip(",;") for part in parts if part]
    if len(parts) < 2 or not all("=" in part and _balanced(part) for part in parts):
        return text
    return ", ".join(parts)


def _balanced(part: str) -> bool:
    return all(part.count(left) == part.count(right) for left, right in ("{}", "()", "[]")) and "&" not in part


def _periodic(match: re.Match[str]) -> str:
    """Read the dots after a decimal as its period if at least three digits and two periods show it."""
    digits = match[3]
    for size in range(1, len(digits) // 2 + 1):
        shown = size
        while shown < len(digits) and digits[-shown - 1] == digits[-shown - 1 + size]:
            shown += 1
        if shown >= max(3, 2 * size):
            return f"{match[1]}{match[2] or '0'}.{digits[:-shown]}\\overline{{{digits[-shown:][:size]}}}"
    return match[0]


def _scaled(match: re.Match[str]) -> str:
    value = Fraction(match[1]) * _SCALES[match[2]]
    opened, closed = "{" in match[0], match[3] is not None
    if value.denominator != 1 or (opened and not closed):
        return match[0]
    return str(value.numerator) + ("}" if closed and not opened else "")
