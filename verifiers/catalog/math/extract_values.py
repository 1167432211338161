"""Find values in a sentence: where a number or a formula starts and ends among words, and which one is stated.

English and Chinese, plain text, Unicode and LaTeX. Every pattern is linear: possessive, or bounded by a constant.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

MAX_BARE_WORDS = 4
"""A sentence of more words that neither begins with its value nor has a verb before it states nothing."""
MAX_TEXT_WORDS = 12
"""A stated answer without any number or formula is taken as text up to this many words."""
MAX_VALUES = 64
"""More values in one sentence than this are not looked at."""
HEDGE_WINDOW_CHARS = 24
"""A hedging word counts this close before a value."""

_UNITS = (
    "percent(?:age)?|pct|degrees?|dollars?|cents?|euros?|pounds?|yuan|rupees?|[cmkdn]m|[kmu]?g|ml|mL|ft|inch(?:es)?"
    "|feet|foot|miles?|mi|yards?|yd|(?:centi|kilo|milli|deci)?(?:met(?:er|re)s?|grams?|lit(?:er|re)s?)|mph|hours?|hrs?"
    "|minutes?|mins?|seconds?|secs?|days?|weeks?|months?|years?|[kM]?Hz|kJ|eV|k?Pa|mol|rad(?:ian)?s?|square|cubic"
    "|sq|per|gallons?|ounces?|oz|lbs?|[ap]\\.m\\.|am|pm|AM|PM|million|billion|trillion|thousand|hundred|watts?|[kMG]?W|volts?|[kM]?Wh"
    "|[MG]J|ohms?|fl|cups?|pints?|quarts?|acres?"
)
_FUNCTIONS = (
    "sqrt|cbrt|a?(?:sin|cos|tan)|cot|sec|csc|arc(?:sin|cos|tan)|ln|log|exp|pi|inf|infinity|infty|union|mod|and|or|binom"
)
_ZH_UNITS = "万亿|万|亿|元|平方米|平方厘米|米|厘米|千米|公里|千克|克|升|小时|分钟|秒|度"
MATH = (
    r"\$\$(?:[^$\\]|\\.)++\$\$|\$(?!\s)(?:[^$\\\n]|\\.)++(?:(?<!\s)\$(?!\d)|\$(?![\w\\(.]))"
    r"|\$(?=\s)(?:[^$\\]|\\.)++\$(?![\w\\(.])"
    r"|\\\((?:[^\\]|\\[^()])*+\\\)|\\\[(?:[^\\]|\\[^\[\]])*+\\\]"
)
_TOKENS = (
    MATH,
    r"\\(?:text|mathrm|textbf|mathbf|mbox|textit|operatorname)\s?\{[^{}\n]{0,120}\}",
    r"\\(?:begin|end)\s?\{[a-z]{1,16}\*?\}(?:\{[|clr]{1,40}\})?",
    r"\\(?:[dtc]?frac|sqrt|sin|cos|tan|log|ln|cdot|times|overline|vec|angle|triangle)\s?[A-Za-z]{1,3}(?![A-Za-z])",
    r"或者|以及|\\[A-Za-z]++|\\[,;:!{}%$\\ ]",
    r"\d++\.\d*+(?=\\(?:overline|bar|dot)(?![A-Za-z]))",
    r"\d++(?:[.,]\d++)*+(?:[A-Za-z]{1,3}(?![A-Za-z]))?|\.\d++|\.{3,}+|…",
    r"[-+*/^_=<>≤≥≠≈±×÷·⋅√∛∞π°%‰€£¥￥(){}\[\]|!,，、;；&~∪∩∈∅−–²³⁰¹⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉⁄½⅓⅔¼¾ℝℤℕθαβ（）＝或和且]",
    r"(?<=\d)[:：](?=\d)|(?<=\d)\s[:：]\s(?=\d)|\$(?=\s?[\d.])|(?<=[\d ])\$",
    rf"(?<=\d)(?:{_ZH_UNITS})",
    rf"(?<![A-Za-z])(?:{_UNITS}|{_FUNCTIONS})(?![A-Za-z])",
    r"(?<![A-Za-z'’])[A-Za-z](?![A-Za-z'’])|[ \t]",
    # Products of letters between signs and braces that no prose has: \frac{ab+cd}{bd}.
    r"(?<=[{}^_])[A-Za-z]{2,4}(?=[-+*/^_=}\\\d])|(?<=[-+*/^_=\d}\\])[A-Za-z]{2,4}(?=[}^_])",
    r"(?<=[+=*^])[A-Za-z]{2,4}(?=[+=*^\\])",
)
_RUN = re.compile(rf"(?:{'|'.join(_TOKENS)})++")
_VALUED = re.compile(r"[\d√π∞∅½⅓⅔¼¾ℝ$]|\\[A-Za-z(\[]|[A-Za-z]\)?\s?[=<>≤≥≠≈]|(?<![A-Za-z])(?:inf|pi)")
_MATH = re.compile(f"(?:{MATH})")
_SET_STARTS = ("\\{", "\\left\\{", "{")
_APPROX = re.compile(r"≈|\\approx")
_TRIM_END = frozenset(" \t,，、;；:：=&~(（[{+*/<＝–-_或和且")
_TRIM_START = frozenset(" \t,，、;；:：=&~!)）]}*/＝或和且")
_END_WORDS = re.compile(r"(?:^|[^A-Za-z\\])(?:and|or|a|I|A|per)$")
_START_WORDS = re.compile(r"(?:and|or)\s|[aAI]\s(?=\d)")
_CALCULATION = re.compile(r"<<[^<>\n]*>>")
_LABEL = re.compile(r"\\text(?:bf|rm|it)?\s?\{\s*(?:the )?(?:final )?answer\s?(?:is|:|=|：)?:?\s*\}\s*", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<![\w)])\*\*|\*\*(?![\w(])|(?<![\w\\])__(?=\w)|(?<=\w)__(?!\w)|`")

_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibl[ey]|probably|likely|might|could|guess|unsure|unclear|unknown|not (?:sure|certain))\b"
    r"|可能|也许|大概|或许|不确定|不知道",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|cannot)|n['’]t|\\neq?|\\not=|≠|(?:anything|nothing) but|(?:other|rather) than|except"
    r"|不是|不等于|并非|不为|不会是|不选)"
    r"(?:\s++(?:equal(?:\s+to)?|be|exactly|simply|the|a|an|necessarily)\b)*+[\s*$(\\\[{:：]{0,8}$",
    re.IGNORECASE,
)
_NEGATION_GATES = ("\\ne", "≠", "but", "than", "except", "not", "n't", "n’t", "ever", "Not", "NOT", "不", "非")
_BOUND = re.compile(
    r"(?:\b(?:at least|at most|(?:more|less|fewer|greater|larger|smaller|higher|lower) than"
    r"|over|under|above|below)"
    r"|不小于|不大于|不少于|不多于|不超过|至少|至多|大于|小于|超过)[\s$(\\]{0,4}$",
    re.IGNORECASE,
)
_CASES = re.compile(r"\b(?:otherwise|unless|else|depending|depends)\b|否则", re.IGNORECASE)
_STARTS_NEGATED = re.compile(r"(?:not|never|unknown|undecided)(?![A-Za-z])|不是|并非|不为", re.IGNORECASE)
_ADVERBS = "also|then|exactly|approximately|about|roughly|around|only|just|simply|thus|therefore|indeed|the|that|now"
_COPULA = re.compile(
    r"(?:(?<![A-Za-z])(?:is|are|was|were|be|equals?|equal to|gets?|got|obtains?|has|have|gives?|yields?|becomes?"
    r"|it['’]s|that|therefore|thus|hence|so|conclude|option|choice)|['’]s|[:=：＝≈→⇒是为有得到约选剩]|等于|\\implies|\\Rightarrow)"
    rf"(?:\s++(?:{_ADVERBS}|at least|at most|equal to|option|choice|a|an)(?![A-Za-z]))*+[\s,，*“\"'(:：]*$",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:[\s:：=＝*“”\"',，>`_]|为|是|选项|选"
    rf"|(?<![A-Za-z])(?i:is|are|be|option|choice|equals|equal to|{_ADVERBS})(?=[\s$\\:：])"
    r"|(?<![A-Za-z])an?(?=\s[A-Za-z]{2}))*+"
)
_LIST_GAP = re.compile(r"\s*+(?:\w++\s*+){0,2}(?:,|;|、|和|或|(?<![A-Za-z])(?:and|or))\s*$")
_GOES_ON = re.compile(r"\s?[+*/^=]++\s*+[A-Za-z(_\\]|[-+*/^=]*+_")
"""What follows a value that is only the readable beginning of something longer: `0+__import__('os')`."""
_ROUGHLY = re.compile(
    r"[\s,，;$]*+[(（]?\s*+(?:or|that is|which is|i\.e\.|即)?,?\s*+"
    r"(?:about|approximately|roughly|around|nearly|≈|\\approx|大?约)[\s$:]*+"
)
"""Between a value and its estimate."""
_CUT_OFF = re.compile(r"\s*[-+*/=×÷^_<>]\s*$")
_MORE_CHOICES = re.compile(
    r"[\s)）\]}$.]{0,6}(?:or|and|,|，|/|&|和|或者?|、)[\s$]{0,3}[(（]?[A-J](?![A-Za-z])", re.IGNORECASE
)
_CHOICE = re.compile(
    r"[$(（\[{\s]{0,4}(?:\\(?:text|mathrm|textbf|mathbf)\s?\{\s?\(?)?([A-J])(?:[)）\]}.:：、。]|[,，](?!\s?[A-J\d])|\s?(?:\$|$))"
)

Outcome = Literal["value", "text", "negated", "hedged", "question", "none"]


class Stated(NamedTuple):
    """What a sentence states: a value or words (`text`, with offsets), or why it states none.

    `direct` = the value stands at the start of the statement, where no other word can change its meaning.
    """

    outcome: Outcome
    text: str = ""
    start: int = 0
    end: int = 0
    direct: bool = False


NOTHING = Stated("none")


def blank_markup(text: str) -> str:
    """Blank out `<<4*5=20>>` calculator marks, emphasis and backticks; offsets stay as they are."""
    if "<<" in text:
        text = _CALCULATION.sub(lambda mark: " " * len(mark[0]), text)
    if "**" in text or "__" in text or "`" in text:
        text = _EMPHASIS.sub(lambda mark: " " * len(mark[0]), text)
    return text


def unwrap(text: str) -> str:
    r"""Remove math delimiters around formulas (`$..$`, `\(..\)`, `\[..\]`) and the space at both ends."""
    if "$" in text or "\\(" in text or "\\[" in text:
        text = _MATH.sub(_math_inner, text)
    text = text.strip()
    if text.startswith("\\text") and (label := _LABEL.match(text)):
        return text[label.end() :]
    return text


def _math_inner(span: re.Match[str]) -> str:
    width = 1 if span[0][0] == "$" and span[0][1] != "$" else 2
    return span[0][width:-width].strip()


def values(text: str, lo: int, hi: int) -> list[tuple[int, int]]:
    """Return the offsets of the values in `text[lo:hi]`: the longest runs of mathematics between words."""
    found: list[tuple[int, int]] = []
    for run in _RUN.finditer(text, lo, hi):
        start, end = _trimmed(text, run.start(), run.end() - (run.end() == hi and text.endswith("!", lo, hi)))
        if start < end and _VALUED.search(text, start, end):
            found.append((start, end))
            if len(found) >= MAX_VALUES:
                break
    return found


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Cut connectives, punctuation and unpaired brackets off both ends of a run."""
    for _ in range(8):
        before = (start, end)
        while start < end and text[start] in _TRIM_START:
            start += 1
        while start < end and text[end - 1] in _TRIM_END and not text.startswith("\\", end - 2):
            end -= 1
        if word := _START_WORDS.match(text, start, end):
            start = word.end()
        if word := _END_WORDS.search(text, max(start, end - 4), end):
            end = max(start, word.end() - len(word[0].strip("., ")))
        start, end = _without_unpaired(text, start, end)
        if (start, end) == before:
            break
    return start, end


def _without_unpaired(text: str, start: int, end: int) -> tuple[int, int]:
    run = text[start:end]
    surplus = sum(map(run.count, "([（")) - sum(map(run.count, ")]）"))
    if surplus > 0 and run[:1] in ("(", "（"):
        return start + 1, end
    if surplus < 0 and run[-1:] in (")", "）") and not run.endswith("\\)"):
        return start, end - 1
    return start, end


def _value(text: str, start: int, end: int, direct: bool) -> Stated:
    """Return the value at these offsets, its approximation dropped (`5/7 ≈ 0.714` states 5/7)."""
    shown = unwrap(text[start:end])
    if (
        not _MATH.fullmatch(text, start, end)
        and (approx := _APPROX.search(shown))
        and _has_digit(shown[: approx.start()])
    ):
        shown = shown[: approx.start()].rstrip()
    return Stated("value", shown, start, end, direct)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _refused(text: str, lo: int, hi: int, start: int) -> Stated | None:
    """Return why the value at `start` of the sentence `text[lo:hi]` does not count, if so."""
    if text[hi - 1 : hi] in ("?", "？"):
        return Stated("question", text[lo:hi], lo, hi)
    if negated(text, lo, start):
        return Stated("negated", text[lo:hi], lo, hi)
    if (
        hedged(text, max(lo, start - HEDGE_WINDOW_CHARS), hi)
        or _BOUND.search(text[max(lo, start - HEDGE_WINDOW_CHARS) : start])
        or _CASES.search(text, start, hi)
    ):
        return Stated("hedged", text[lo:hi], lo, hi)
    return None


def negated(text: str, lo: int, start: int) -> bool:
    """Whether a "not" stands right before `start`."""
    before = text[max(lo, start - 40) : start]
    return holds_any(before, _NEGATION_GATES) and _NEGATED.search(before) is not None


def holds_any(text: str, gates: tuple[str, ...]) -> bool:
    """Whether one of some words that must be there for a pattern to match stands in a text."""
    for gate in gates:  # a generator would cost twice as much here  # noqa: SIM110
        if gate in text:
            return True
    return False


def hedged(text: str, lo: int, hi: int) -> bool:
    """Whether a hedging word ("maybe", "probably", "可能") stands in `text[lo:hi]`."""
    return _HEDGE.search(text, lo, hi) is not None


def statement(text: str, lo: int, hi: int, *, choice: bool = False) -> Stated:
    """Read what follows an answer phrase ("The answer is", "答案："): a value first, else the one concluded.

    Args:
        text: The text, markup blanked.
        lo: Where the statement starts.
        hi: Where it ends: the end of its sentence, end mark included.
        choice: Whether the phrase speaks of an option, so that a letter is expected.
    """
    lead = _LEAD.match(text, lo, hi)
    at = lead.end() if lead else lo
    end = hi
    while end > at and text[end - 1] in " \t\n.。,，;；!！\"'”*":
        end -= 1
    if at >= end:
        return NOTHING
    if _STARTS_NEGATED.match(text, at, hi):
        return Stated("negated", text[lo:hi], lo, hi)
    if (formula := _MATH.match(text, at, hi)) and formula.end() >= end:
        return _refused(text, lo, hi, at) or _value(text, at, formula.end(), True)
    if (letter := _CHOICE.match(text, at, hi)) and (
        choice or letter.end() >= end or text[letter.end() - 1] in ")）.:：、"
    ):
        return _refused(text, lo, hi, at) or _choice(text, letter, at, end)
    found = values(text, at, hi)
    if not found:
        return _words(text, lo, hi, at, end)
    if _CUT_OFF.match(text, found[0][1], hi):
        return NOTHING
    if found[0][0] <= at + 1:
        return _refused(text, lo, hi, at) or _first(text, found, end)
    return conclusion(text, lo, hi)


def _choice(text: str, letter: re.Match[str], at: int, end: int) -> Stated:
    """Return the letter; with all that follows when more letters do ("(B) or (C)")."""
    if _MORE_CHOICES.match(text, letter.end(1), end):
        return Stated("value", text[at:end], at, end, True)
    return Stated("value", letter[1], letter.start(1), letter.end(1), True)


def _words(text: str, lo: int, hi: int, at: int, end: int) -> Stated:
    """Return a short answer in words ("eight", "Evelyn", "三分之一")."""
    words = text[at:end].strip("()（） ")
    if not words or len(words) > 160 or len(words.split()) > MAX_TEXT_WORDS:
        return NOTHING
    return _refused(text, lo, hi, at) or Stated("text", words, at, end)


def _first(text: str, found: list[tuple[int, int]], end: int) -> Stated:
    """Return the first value; with the following ones when they are listed with it ("5 apples and 6 pears")."""
    start, stop = found[0]
    if _GOES_ON.match(text, stop):
        return NOTHING
    listed = 0
    while listed + 1 < len(found) and _LIST_GAP.fullmatch(text, found[listed][1], found[listed + 1][0]):
        listed += 1
    if not listed:
        between = text[stop : found[1][0]] if len(found) > 1 else ""
        return _value(text, start, stop, True) if not between.endswith(("or ", "或")) else NOTHING
    return Stated("value", unwrap(text[start : found[listed][1]]), start, found[listed][1], True)


def conclusion(text: str, lo: int, hi: int, *, cued: bool = True) -> Stated:
    """Read a concluding sentence: its last value if a verb or sign states it, or its only value.

    Without a cue ("therefore", an answer phrase) the only value of a longer sentence must be stated by a verb, or begin
    it: "raters gave this answer 5 stars" states nothing.
    """
    found = values(text, lo, hi)
    if not found:
        return NOTHING
    if len(found) > 1 and _ROUGHLY.fullmatch(text, found[-2][1], found[-1][0]):
        found.pop()  # 1/3, or about 33.3%
    start, end = found[-1]
    if _CUT_OFF.match(text, end, hi) or _GOES_ON.match(text, end):
        return NOTHING
    stated = _COPULA.search(text[max(lo, start - 60) : start])
    if not stated and not cued and text[lo:start].strip() and len(text[lo:hi].split()) > MAX_BARE_WORDS:
        return NOTHING
    if len(found) > 1 and not stated:
        return Stated("hedged", text[lo:hi], lo, hi) if hedged(text, lo, hi) else NOTHING
    return _refused(text, lo, hi, start) or _value(text, start, end, False)


def is_all_value(text: str) -> bool:
    """Whether the text holds one run of mathematics (with its unit) and nothing else but a full stop."""
    stripped = text.strip().rstrip(".。")
    if "\n" in stripped and "\\begin" not in stripped and not _MATH.fullmatch(stripped):
        return False
    if stripped.startswith(_SET_STARTS):
        stripped = stripped.replace(":", "|", 1)  # {x : x > 2}; elsewhere a colon belongs to words
    run = _RUN.fullmatch(stripped.replace("\n", " "))
    return bool(run and _VALUED.search(stripped))
