"""How an answer starts and ends, what it repeats, and commas."""

from __future__ import annotations

import re
from functools import lru_cache

from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, text
from verifiers.catalog.ifeval.matching import KEPT
from verifiers.text import HAN, KANA, UNSPACED, normalise

STARTEND = Table()
MAX_STRETCH = 4
"""A repeated request may be so many times as long as the request, by added blanks."""
SHOWN = 60
"""Longest piece of an answer that is quoted, in characters."""

_CLOSING = " \t\n\"'”’*_`)]>"
_SPACED_LETTER = re.compile(rf"[^\W{HAN}{KANA}{UNSPACED}]")
_COMMA = re.compile("[,،、﹐]")
_QUOTE_PAIRS = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
_QUOTE = re.compile(r'(?<!\\)"')


@STARTEND.kind("startend:end_checker", end_phrase=text)
def end_phrase(answer: Answer, args: Args) -> Seen:
    """The answer's last words are a phrase; officially also when it ends a longer word."""
    ending = answer.text.strip().strip('"').lower()
    phrase = args["end_phrase"].strip().lower()
    return Seen(ending.endswith(phrase), f"ends with {phrase[:SHOWN]!r}", f"ends with {ending[-SHOWN:]!r}")


@end_phrase.robust
def _ends_in_phrase(answer: Answer, args: Args) -> Seen:
    ending = answer.lower.rstrip()
    phrase = normalise(args["end_phrase"]).strip().lower()
    if not ending.endswith(phrase):
        # Quotes and emphasis may close after the phrase, which then may end in such marks itself.
        ending, phrase = ending.rstrip(_CLOSING), phrase.rstrip(_CLOSING) or phrase
    before = ending[-len(phrase) - 1 : -len(phrase)]
    inside = bool(_SPACED_LETTER.match(before) and _SPACED_LETTER.match(phrase))
    seen = f"ends with {ending[-SHOWN:]!r}"
    return Seen(ending.endswith(phrase) and not inside, f"ends with {phrase[:SHOWN]!r}", seen)


@STARTEND.kind("startend:quotation")
def quotation(answer: Answer, args: Args) -> Seen:
    """The whole answer is in double quotes; officially only its first and last characters count."""
    stripped = answer.text.strip()
    followed = len(stripped) > 1 and stripped[0] == '"' and stripped[-1] == '"'
    return Seen(followed, "the whole answer in double quotes", _ends_of(stripped))


@quotation.robust
def _wrapped(answer: Answer, args: Args) -> Seen:
    stripped = answer.text.strip()
    expected = "the whole answer in double quotes"
    if len(stripped) < 2 or stripped[-1] not in _QUOTE_PAIRS.get(stripped[0], ""):
        return Seen(False, expected, _ends_of(stripped))
    inner = stripped[1:-1]
    if not any(map(str.isalnum, inner)):
        return Seen(False, expected, "nothing inside the quotes")
    if stripped[0] == '"' and '"' in inner and _closes_early(inner):
        return Seen(False, expected, "the first quote is closed before the end")
    return Seen(True, expected, _ends_of(stripped))


def _closes_early(inner: str) -> bool:
    """Whether a quote inside closes the first one: it stands after a word and none was opened inside."""
    depth = 1
    for quote in _QUOTE.finditer(inner):
        before, after = inner[max(0, quote.start() - 1) : quote.start()], inner[quote.end() : quote.end() + 1]
        opens = before == "" or before.isspace() or before in "([{—-*_"
        closes = after == "" or after.isspace() or after in ".,;:!?)]}—-*_"
        if opens != closes:
            depth += 1 if opens else -1
        if depth == 0:
            return True
    return False


def _ends_of(stripped: str) -> str:
    return f"starts with {stripped[:10]!r}, ends with {stripped[-10:]!r}"


@STARTEND.kind("combination:two_responses")
def two_responses(answer: Answer, args: Args) -> Seen:
    """Two different responses, parted by six asterisks."""
    pieces = answer.text.split("******")
    full = [piece.strip() for piece in pieces if piece.strip()]
    expected = "two different responses parted by ******"
    if not all(piece.strip() for piece in pieces[1:-1]):
        return Seen(False, expected, "an empty response")
    same = len(full) == 2 and (full[0] == full[1] or (answer.robust and _alike(*full)))
    return Seen(len(full) == 2 and not same, expected, "the same response twice" if same else f"{len(full)} responses")


def _alike(one: str, other: str) -> bool:
    """Whether two responses have the same words, case and layout aside."""
    near = abs(len(one) - len(other)) <= SHOWN
    return near and one.lower().split() == other.lower().split()


@STARTEND.kind("combination:repeat_prompt", prompt_to_repeat=text)
def repeat_prompt(answer: Answer, args: Args) -> Seen:
    """The answer starts with the request, word for word; officially nothing has to follow."""
    request = args["prompt_to_repeat"].strip().lower()
    followed = answer.text.strip().lower().startswith(request)
    return Seen(followed, "the request repeated first", f"starts with {answer.text.strip()[:SHOWN]!r}")


@repeat_prompt.robust
def _repeats_then_answers(answer: Answer, args: Args) -> Seen:
    request = _flat(args["prompt_to_repeat"])
    given = " ".join(answer.text[: MAX_STRETCH * len(request)].lower().split())
    expected = "the request repeated first, then an answer"
    if not given.startswith(request):
        return Seen(False, expected, f"starts with {given[:SHOWN]!r}")
    answered = any(map(str.isalnum, given[len(request) :])) or len(answer.text) > MAX_STRETCH * len(request)
    return Seen(answered, expected, "both" if answered else "nothing after the request")


@lru_cache(maxsize=KEPT)
def _flat(text: str) -> str:
    return " ".join(normalise(text).lower().split())


@STARTEND.kind("punctuation:no_comma")
def no_comma(answer: Answer, args: Args) -> Seen:
    """No comma anywhere."""
    count = answer.text.count(",")
    return Seen(not count, "no comma", f"{count} commas")


@no_comma.robust
def _no_comma_of_any_script(answer: Answer, args: Args) -> Seen:
    count = answer.text.count(",") if answer.text.isascii() else len(_COMMA.findall(answer.text))
    return Seen(not count, "no comma", f"{count} commas")
