"""Cut short answers into words that can be compared, and measure their overlap.

Differs on purpose from the usual SQuAD normaliser: an article is dropped only before another word (so "A" is not "the",
and "vitamin A" keeps its letter), points inside numbers stay (1.5 is not 15), a minus, % and the ++ of C++ count, and
text without spaces is compared by characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from verifiers.catalog.math.words import number_words
from verifiers.catalog.numeric.digits import digits_value
from verifiers.catalog.qa.policy import Options
from verifiers.text import HAN, KANA, UNSPACED, normalise

MAX_WORDS = 20_000
"""Words of an answer that are compared; what follows is not looked at, and so never counts as right."""

_TOKEN = re.compile(
    rf"(?P<number>(?:(?<=[\s(\[:=,~])|^)[-−–+]?\d++(?:[.,]\d++)*+|\d++(?:[.,]\d++)*+)(?![^\W\d_{HAN}{KANA}])"
    r"|(?P<dots>(?:[^\W\d_]\. ?(?=[^\W\d_](?![\w'’]))){1,12}+[^\W\d_](?:\.(?!\w))?+)"
    rf"|(?P<single>[{HAN}{KANA}{UNSPACED}])"
    rf"|(?P<word>[^\W_{HAN}{KANA}{UNSPACED}]++(?:['’][^\W_{HAN}{KANA}]++)*+(?:\+\+?|#)?+)"
    r"|(?P<mark>[%％‰°])|(?P<other>[^\w\s])"
)
_ACCENT = re.compile("[\u0300-\u036f]")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|textit)\s?\{([^{}]*+)\}")
_EMPHASIS = re.compile(r"\*\*|__|`|\\[()\[\]]|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
_ARTICLES = frozenset(("a", "an", "the"))
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_NUMBER_WORDS = {word: str(number_words(word)) for word in _NUMBERS.split()}
_YES = dict.fromkeys("yes true correct yeah yep y 是 是的 对 对的 正确 真".split(), "yes")
YES_NO = _YES | dict.fromkeys("no false incorrect wrong nope n 否 不 不是 不对 错 错误 假 不正确".split(), "no")
"""What else says yes or no, where it is the whole answer."""

Words = tuple[str, ...]


def plain(text: str) -> str:
    r"""Remove Markdown emphasis and `\text{}` around an answer."""
    if "\\" in text:
        text = _TEXT_COMMAND.sub(r"\1", text)
    return _EMPHASIS.sub("", text).strip()


@lru_cache(maxsize=4096)
def words_of(text: str, options: Options) -> Words:
    """Return the words of an answer as the options compare them; the characters of text without spaces."""
    text = plain(normalise(text))
    if options.accents == "ignore" and not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", text)))
    found = [token for _, token in zip(range(MAX_WORDS), _TOKEN.finditer(text), strict=False)]
    if options.punctuation == "ignore":
        kept = [token for token in found if token["other"] is None]
        found = kept or found
    last = len(found) - 1
    return tuple(
        _shape(token, options)
        for at, token in enumerate(found)
        if options.articles == "keep" or at == last or not _is_article(token[0], at)
    )


def _is_article(word: str, at: int) -> bool:
    """Whether a word before another one is an article; a capital A inside a text is a name ("type A personality")."""
    return word.lower() in _ARTICLES and not (at and word == "A")


def _shape(token: re.Match[str], options: Options) -> str:
    text = token[0]
    if token["dots"] is not None and options.punctuation == "ignore":
        text = text.replace(".", "").replace(" ", "")
    if token["word"] is not None and options.punctuation == "ignore":
        text = text.replace("'", "").replace("’", "")
    if token["mark"] is not None:
        return {"％": "%"}.get(text, text) if options.numbers == "text" else {"°": "degrees"}.get(text, "percent")
    if options.case == "ignore":
        text = text.casefold()
    if options.numbers == "text":
        return text
    return _number(text) if token["number"] is not None else _NUMBER_WORDS.get(text, text)


def _number(text: str) -> str:
    sign = "-" if text[0] in "-−–" else ""
    digits = text.lstrip("-−–+")
    if len(digits) > 1 and digits[0] == "0" and digits.isdecimal():  # a code, as 007
        return sign + digits
    value = digits_value(digits)
    return text if value is None else f"{sign}{value}"


def same(reference: str, answer: str, options: Options) -> bool:
    """Whether two answers are equal as the options compare them."""
    left, right = words_of(reference, options), words_of(answer, options)
    if left == right and (left or reference.strip() == answer.strip()):
        return True
    if options.yes_no == "same":
        yes, other = (YES_NO.get(plain(normalise(text)).strip(" .。!！,，").casefold()) for text in (reference, answer))
        if yes is not None and yes == other:
            return True
    if options.numbers == "value":
        value = number_words(plain(reference)) or _lone(left)
        return value is not None and value == (number_words(plain(answer)) or _lone(right))
    return False


def _lone(words: Words) -> object:
    """Return the value of an answer that is one number."""
    lone = len(words) == 1 and words[0].isdecimal() and (words[0][0] != "0" or words[0] == "0")
    return digits_value(words[0]) if lone else None


def overlap(reference: str, answer: str, options: Options) -> float:
    """Return the F1 of two answers' words; 0 where a yes or no, or a denial, decides otherwise."""
    if same(reference, answer, options):
        return 1.0
    left, right = words_of(reference, options), words_of(answer, options)
    if _decides(left) or _decides(right) or (_NEGATIONS & set(right)) - set(left):
        return 0.0
    common = sum((Counter(left) & Counter(right)).values())
    return 2 * common / (len(left) + len(right)) if common else 0.0


_NEGATIONS = frozenset("not never none neither nor isnt wasnt arent cannot or maybe perhaps possibly either 或".split())


def _decides(words: Words) -> bool:
    return len(words) == 1 and (words[0] in YES_NO or words[0][:1].isdecimal())
