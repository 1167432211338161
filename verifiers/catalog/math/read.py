"""An answer's text to a tree: unwrap, recognise the plain kinds (numbers, words, dates), else parse.

Never raises for what the text holds: what cannot be read as mathematics is `Words`, and what is neither is `Unread`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from verifiers.catalog.math.chinese import from_chinese
from verifiers.catalog.math.dates import parse_date, parse_time
from verifiers.catalog.math.forms import excepted, form_of, letters_of, option_name, phrase_of, reals_without
from verifiers.catalog.math.lex import (
    MAX_CHARS,
    TooLarge,
    Unreadable,
    has_comma_groups,
    joined_thousands,
    plain,
    split_run,
    without_commas,
)
from verifiers.catalog.math.parse import parse
from verifiers.catalog.math.quantities import compound_quantity
from verifiers.catalog.math.tidy import tidy
from verifiers.catalog.math.tree import Const, Mul, NamedSet, Node, Num, Percent, Quantity, Seq, Sym, Words
from verifiers.catalog.math.words import number_words, percent_words


@dataclass(slots=True)
class Answer:
    """An answer that was read.

    Attributes:
        text: The cleaned text.
        node: The main reading.
        others: Further readings that notation allows (1,234 as a list).
        letter: The option that it names, if it names one together with its text: `B` in "(B) 12".
        decimal: The value if a lone comma in it is a decimal comma (1,22); it only ever equals the same decimal.
    """

    text: str
    node: Node
    others: tuple[Node, ...] = ()
    letter: str = ""
    decimal: Num | None = None


@dataclass(slots=True)
class Unread:
    """A text that holds no answer; `limit` when it was past a bound rather than outside the grammar."""

    reason: str
    limit: bool = False


_INTEGER = re.compile(r"[-+]?\d{1,300}\Z")
_DECIMAL = re.compile(r"([-+]?)(\d{0,300})\.(\d{1,300})\Z")
_DECIMAL_COMMA = re.compile(r"([-+]?(?:0(?=,)|\d{1,12}(?=,\d\d))),(\d{1,12})\s*(?:\\?[$€£]|[$€£]|\\%|%)?")
MAX_FRAMES = 6
"""Most layers of framing that are taken off."""
_WRAPPERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"), ("**", "**"), ("`", "`"), ("*", "*"), ('"', '"'))
_STOPS = frozenset(".。,，;；!\\:")
_KEPT_ENDS = ("..", "\\,", "\\;", "\\!", "\\:")
_CLOSING = ("}", ")")
_WRAPPER_STARTS = frozenset('$\\*`"')
_FRAME_STARTS = frozenset('$\\*`"{~')
_FRAME_ENDS = _STOPS | frozenset('$*`"})')
_TEXT_MACRO = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|sf|tt|sc|up)?|mathrm|mbox|hbox|mathbf|mathit|mathsf|emph)\s*\{([^{}]*)\}"
)
_CHOICE = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf)\s?\{\s?\(([A-Z])\)\s?\}|\(\\(?:text|textbf|mathrm)\s?\{([A-Z])\}\)"
)
_LONE_WORD = re.compile(r"\s*[A-Za-z]+(?:[ -][A-Za-z]+)*\s*\Z")
_ABOUT = ("\\approx", "\\sim ", "~")
_APPROXIMATELY = re.compile(
    r"(?:\\q?quad|\s)*+(?:\\text\s?\{)?\s?\((?:or )?(?:approx|about|roughly)([^()]{0,60})\)?\}?\)?\Z"
)
_ESTIMATE = re.compile(r"(?:imately|imate|\.)?[:\s=]*+\$?([-+]?\d[\d.,]*+)\s?\$?\s?\Z")
APPROXIMATELY_CHARS = 200
"""Longest remark such as "(approximately 3.14)", layout before it included."""
_DIRECT = re.compile(
    r"""(?:\\(?:[dt]?frac|sqrt|pi|cdot|times|sin|cos|tan|sec|csc|cot|arcsin|arccos|arctan|ln|log|infty|cup|cap|pm|circ
        |alpha|beta|gamma|delta|theta|lambda|mu|sigma|rho|omega|phi|leq?|geq?|neq?|binom|left(?=[(\[|])|right(?=[)\]|])
        )(?![A-Za-z])
    |\d++(?:\.\d++)?+(?!\s*+[\d'_]|[box])
    |(?<![A-Za-z])[a-wyz](?![A-Za-z])|x(?![A-Za-z]|\s*+10)
    |\\[{}]|\\(?:begin|end)\{[bpvV]?matrix\}|\\\\(?!\[)|&|(?:(?<=[-+])|(?<=[-+][ ]))C(?![A-Za-z_^('])
    |[-*/^()\[\]{}|<]|(?<!=)>|(?<!\))_|\+(?!\s?[-/+])|=(?!>)|[ ](?![ ])|,(?=[\s\\(a-z-])|(?<!\b0),(?=\d(?!\d))
    )++""",
    re.VERBOSE,
)
"""Plain formulas, to which no rule of this file but the parser applies: two of three answers."""
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LAYOUT = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|big|Big|bigg|Bigg|,|;|:|!| |quad|qquad)(?![A-Za-z])|[\s$~]+"
)
_WORDLIKE = re.compile(r"[A-Za-z]{2,}(?:[ \-'’.,;:/()]+[A-Za-z0-9]+)*[.!?]?\Z")
_HAS_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}|[\u3400-\u9fff]")
_MACRO = re.compile(r"\\(?:begin|end)\s?\{[a-z]+\*?\}|\\[A-Za-z]+")
_MATHS = re.compile(r"\\[A-Za-z]+|[\^_{}]")
_DIGITS_APART = re.compile(r"\d\s+\d")
_SPACE = re.compile(r"\s+")
_WIDE_SPACE = re.compile(r"\s{2,}+")
_OPTION = re.compile(r"\(?([A-J])(?:\)|[.．、](?!\d)|\)?:(?=\s))\s*(\S.{0,200})\Z", re.DOTALL)
_LETTER = re.compile(r"(?:or|and|,|/|\s)*+\(?[A-J](?![A-Za-z])")
_OPTION_START = re.compile(r"\A\W{0,3}(?:\\(?:text|textbf|mathrm|mathbf)\s?\{)?\W{0,2}[A-J]\}?[).:．、]")
_BETWEEN_CIRCLED = " \t、,，和与及"
_CIRCLED = re.compile(
    rf"选?(?:\\text\s?\{{)?([\u2460-\u2473](?:[{_BETWEEN_CIRCLED}]{{0,3}}[\u2460-\u2473]){{0,19}})\}}?"
)
"""Numbers of statements: ①③, in any order."""
_EMPTY_SET = frozenset(
    ["no solution", "no solutions", "no real solution", "no real solutions", "empty set", "the empty set",
     "无解", "空集",
    "没有解",
     "无实数解", "there is no solution", "there are no solutions", "no such number exists"]
)  # fmt: skip
_REALS = frozenset(
    ["all real numbers", "all reals", "all real", "the set of all real numbers", "real numbers", "the real numbers",
    "any real number",
     "全体实数", "所有实数", "实数集", "一切实数", "任意实数"]
)  # fmt: skip
_ENDLESS = frozenset(["infinite", "无穷", "无穷大"])


def unwrap(text: str) -> str:
    """Strip what only frames an answer: spaces, dollars, bold marks, quotes, a final full stop."""
    text = text.strip()
    for _ in range(MAX_FRAMES):
        if not text or (text[0] not in _FRAME_STARTS and text[-1] not in _FRAME_ENDS):
            break
        before = text
        text = _without_stop(text)
        text = _unframed(text) if text else text
        if text == before:
            break
    return text


def _without_stop(text: str) -> str:
    """Drop one mark that ends a sentence; 5! and an ellipsis stay."""
    if text[-1] not in _STOPS or text.endswith(_KEPT_ENDS):
        return text
    cut = text[:-1].rstrip()
    return text if text[-1] == "!" and not _HAS_WORD.search(cut) else cut


def _unframed(text: str) -> str:
    """Take one layer of dollars, marks, braces, a text macro or a box off."""
    for opening, closing in _WRAPPERS if text[0] in _WRAPPER_STARTS else ():
        size = len(opening)
        if len(text) >= 2 * size and text.startswith(opening) and text.endswith(closing):
            inner = text[size:-size]
            if closing not in inner and not inner.endswith("\\"):
                text = inner.strip()
    if text.startswith("{") and text.endswith("}") and _closes_at_end(text):
        inner = text[1:-1].strip()
        text = inner if "," not in inner else text
    if text.startswith(_ABOUT):
        text = text.removeprefix("\\approx").removeprefix("\\sim").removeprefix("~").lstrip()
    if not text.endswith(_CLOSING):
        return text
    if "approx" in text or "about" in text or "roughly" in text:
        text = text[:-APPROXIMATELY_CHARS] + _APPROXIMATELY.sub(_estimated, text[-APPROXIMATELY_CHARS:])
    if text.startswith("\\"):
        if (match := _TEXT_MACRO.fullmatch(text)) and not _LONE_WORD.match(match[1]):
            text = match[1].strip()
        elif (match := _BOX.match(text)) and _closes_at_end(text[match.end() - 1 :]):
            text = text[match.end() : -1].strip()
    return text


def _estimated(remark: re.Match[str]) -> str:
    """Drop a remark; a number in it is kept as an estimate, which must be near the answer."""
    estimate = _ESTIMATE.match(remark[1])
    return "" if estimate is None else f" \\approx {estimate[1]}"


def _closes_at_end(text: str) -> bool:
    depth = 0
    for place, char in enumerate(text):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return place == len(text) - 1
    return False


def flat(text: str) -> str:
    r"""Return the text without layout (spaces, \left, thin spaces, dollars), for textual comparison.

    A text with a space between digits is returned as it is: 1 2 is not 12.
    """
    if "\\" not in text:
        if " " not in text and "$" not in text:
            return text
    elif "frac" in text:
        text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    return text if _DIGITS_APART.search(text) else _LAYOUT.sub("", text)


def read(text: str) -> Answer | Unread:
    """Read an answer.

    Args:
        text: The answer as it stands in the completion or the reference.
    """
    if len(text) > MAX_CHARS:
        return Unread(f"the answer is longer than {MAX_CHARS} characters", limit=True)
    try:
        if _INTEGER.match(text):
            return Answer(text, Num(int(text)))
        if _DIRECT.fullmatch(text) and (node := _parsed(text)) is not None:
            return Answer(text, node)
        if not text.isascii() and (statements := _CIRCLED.fullmatch(text.strip(" $.。"))):
            return Answer(text, Words("".join(sorted(set(statements[1]) - set(_BETWEEN_CIRCLED)))))
        text = plain(text)
        if "   " in text or "\n" in text:
            text = _WIDE_SPACE.sub(_narrow, text)
        if choice := _CHOICE.fullmatch(text.strip(" $.")):
            letter = choice[1] or choice[2]
            return Answer(text, Words(f"({letter})", Sym(letter)))
        text = unwrap(tidy(text if text.isascii() else from_chinese(text)))
        if not text:
            return Unread("the answer is empty")
        if _INTEGER.match(text):
            return Answer(text, Num(int(text)))
        if match := _DECIMAL.match(text):
            return Answer(text, _decimal(match))
        return _read_longer(text)
    except (Unreadable, TooLarge) as error:
        return Unread(str(error), limit=isinstance(error, TooLarge))
    except RecursionError:
        return Unread("the answer is nested too deeply", limit=True)


def _narrow(space: re.Match[str]) -> str:
    return "\n" if "\n" in space[0] else " "


def _decimal(match: re.Match[str]) -> Num:
    whole, decimals = match[2], match[3]
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    return Num(-value if match[1] == "-" else value, len(decimals))


def _read_option(text: str, option: re.Match[str]) -> Answer:
    """Read "(B) 12": the option B, or what it says."""
    rest = read(option[2].strip())
    another = isinstance(rest, Unread) or rest.letter or type(rest.node) is Sym or _LETTER.match(option[2])
    others = () if another or isinstance(rest, Unread) else (rest.node, *rest.others)
    return Answer(text, Words(words_of(text), Sym(option[1])), others, letter=option[1])


def _read_longer(text: str) -> Answer:
    form = form_of(text)
    if form is not None:
        return Answer(text, form)
    letters = letters_of(text)
    option = _OPTION.match(words_of(text)) if letters is None and _OPTION_START.search(text) else None
    if option is not None:
        return _read_option(text, option)
    words = _read_words(text)
    if words is not None:
        return Answer(text, words)
    joined = joined_thousands(text)
    others: list[Node] = [] if letters is None else [letters]
    if has_comma_groups(joined):
        bare = _parsed(joined) if ",0" not in joined else None
        if bare is not None:
            others.append(bare)
        joined = without_commas(joined)
    decimal = None
    if "," in text and not others and (match := _DECIMAL_COMMA.fullmatch(text)):
        decimal = Num(_short(Fraction(int(match[1] + match[2]), 10 ** len(match[2]))), len(match[2]))
    node = _parsed(joined)
    if node is None and others:
        node = others.pop()
    if node is None:
        node = _fallback(text)
    return Answer(text, node, tuple(others), decimal=decimal)


def _parsed(text: str) -> Node | None:
    try:
        return parse(text)
    except Unreadable:
        return None


def words_of(text: str) -> str:
    """Return a text answer without macros, layout and punctuation at its ends, spaces single, case kept."""
    for _ in range(3):
        bare = _TEXT_MACRO.sub(lambda m: " " + m[1] + " ", text)
        if bare == text:
            break
        text = bare
    text = _LAYOUT.sub(" ", text)
    return _SPACE.sub(" ", text).strip(" .。,，;；:!！\"'`*$")


def _read_words(text: str) -> Node | None:
    """Recognise answers that are words as a whole: special sets, spoken numbers, percentages, plain words."""
    if not _HAS_WORD.search(text):
        return None
    bare = words_of(text)
    lowered = bare.lower()
    if len(bare) <= 200 and (compound := compound_quantity(bare)) is not None:
        return Quantity(Num(_short(compound[0])), compound[1], compound[1].name)
    if lowered in _EMPTY_SET:
        return NamedSet("empty")
    if lowered in _REALS:
        return NamedSet("R")
    if lowered in _ENDLESS:
        return Words(bare, Const("inf"))
    if (phrase := phrase_of(lowered) or option_name(bare)) is not None:
        return phrase
    if (left_out := excepted(lowered)) is not None and (node := _parsed(left_out)) is not None:
        return reals_without(node.items if type(node) is Seq and node.kind in (",", "and", "or") else (node,))
    if len(bare) <= 200:
        percent = percent_words(bare)
        if percent is not None:
            return Percent(Num(percent))
        value = number_words(bare)
        if value is not None:
            return Num(value)
    if _WORDLIKE.match(bare) and "\\" not in bare:
        return _word_answer(bare, text)
    return None


def _short(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _word_answer(bare: str, text: str) -> Node | None:
    """Decide between a word and a formula written with letters: `Evelyn`, `abc`, `sinx`."""
    in_text = "\\text" in text or "\\mathrm" in text or "\\mbox" in text
    if bare.isalpha() and bare.isascii():
        parts = split_run(bare)
        if len(parts) == 1 and len(parts[0]) > 1 and not in_text:
            return None
        if any(len(part) > 1 for part in parts) and not in_text and not bare[0].isupper():
            return None
        if all(len(part) == 1 for part in parts):
            product = None if in_text or len(parts) > 5 else Mul(tuple(Sym(part) for part in parts))
            return Words(bare, product)
        return Words(bare)
    if any(char.isdigit() for char in bare) or (in_text and "," in bare) or " or " in bare or " and " in bare:
        return None
    longest = max(len(word) for word in re.findall("[A-Za-z]+", bare))
    return Words(bare) if longest >= 3 and " " in bare and all(_is_word(w) for w in bare.split()) else None


def _is_word(word: str) -> bool:
    core = word.strip(".,;:!?()'\"-/")
    return core.replace("-", "").replace("'", "").replace("/", "").isalpha() or not core


def _fallback(text: str) -> Node:
    """Read as text what is no formula.

    Raises:
        Unreadable: If it looks like a broken formula.
    """
    bare = words_of(text)
    if parse_time(bare) is not None or parse_date(bare) is not None:
        return Words(bare)
    if not _HAS_WORD.search(_MACRO.sub(" ", bare) if "\\" in bare else bare):
        raise Unreadable(f"{text[:60]!r} is neither a formula nor words")
    if len(_MATHS.findall(bare)) > 2 + len(bare) // 12 and not re.search("[\u3400-\u9fff]", bare):
        raise Unreadable(f"{text[:60]!r} is a formula that cannot be read")
    return Words(bare)
