"""Languages and letter case."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

from verifiers.catalog.ifeval import treebank
from verifiers.catalog.ifeval.answer import Answer, words_of
from verifiers.catalog.ifeval.english import STOP_WORDS
from verifiers.catalog.ifeval.kinds import Args, BadArgument, Seen, Table, at_least, compared, number, relation
from verifiers.errors import require
from verifiers.types import Json

LANGUAGE = Table()
MAX_CHARS = 100_000
"""The language is that of so many characters from the start and so many from the end."""
MIN_CHARS = 20
"""Shorter text pycld2 is not asked about for an official verdict."""
SURE_CHARS = 120
"""From so many characters on, pycld2 and langdetect agree on what pycld2 is sure of; capitals need twice as many."""
MAX_NGRAMS = 400
"""Most n-grams of a text that are looked up."""
KEPT_TEXTS = 64
"""Texts whose language is kept: loose strictness asks for several that differ in nothing that matters."""
KEPT_NGRAMS = 16_384
"""N-grams whose logarithms are kept."""
SMOOTHING = 0.5 / 10_000
"""langdetect adds this, give or take a tenth, to each probability."""
SURE_SHARE = 90
"""Per cent of the text that pycld2 must give to one language to be taken at its word."""
FUNCTION_WORDS = 0.2
"""Share of function words below which text is no English to langdetect, names and code for example."""
PLAIN_FUNCTION_WORDS = 0.27
"""Share of function words from which on ASCII text is English without asking a detector."""
OFFICIAL_CHARS = 15_000
"""langdetect reads 10,000 characters; a few more are handed to it, since it first takes out addresses."""
MIN_SHARE = 80
"""Per cent of the answer that must be in the language asked for, in mode robust."""
UNSURE_CHARS = 60
"""Below so many letters no detector is reliable: the script decides."""

_SAME = {
    "iw": "he",
    "zh-cn": "zh",
    "zh-tw": "zh",
    "zh-hant": "zh",
    "zh-hans": "zh",
    "nb": "no",
    "nn": "no",
    "tl": "fil",
}
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MORE_NONCHARACTERS = re.compile(
    "[" + "".join(f"{chr(p << 16 | 0xFFFE)}{chr(p << 16 | 0xFFFF)}" for p in range(1, 17)) + "]"
)
_WORD = re.compile(r"[^\W\d_]+")
_CONFUSABLE = frozenset("id ms hr sr bs sl no da cs sk gl mk af nl zh un".split())
"""Languages that the two detectors may tell apart differently."""
_WRITTEN_IN = {
    "ar": "\u0600-\u06ff", "fa": "\u0600-\u06ff", "ur": "\u0600-\u06ff", "he": "\u0590-\u05ff", "th": "\u0e00-\u0e7f",
    "ko": "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f", "ja": "\u3040-\u30ff\u4e00-\u9fff", "zh": "\u4e00-\u9fff",
    "hi": "\u0900-\u097f", "mr": "\u0900-\u097f", "ne": "\u0900-\u097f", "bn": "\u0980-\u09ff", "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff", "ta": "\u0b80-\u0bff", "te": "\u0c00-\u0c7f", "kn": "\u0c80-\u0cff", "ml": "\u0d00-\u0d7f",
    "ru": "\u0400-\u04ff", "uk": "\u0400-\u04ff", "bg": "\u0400-\u04ff", "el": "\u0370-\u03ff",
}  # fmt: skip
_OWN_SCRIPT = frozenset("th ko kn te ta ml gu pa bn he ja el".split())
"""Languages that are told by their script alone."""
_LATIN = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"


class Guess(NamedTuple):
    """What the detector says: the main language's code, its share in per cent, whether it is sure."""

    code: str
    share: int
    sure: bool


def official_code(value: Json) -> object:
    """Read a language's code."""
    code = value.strip().lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z]{2,8})?", code):
        raise BadArgument("must be a language's code such as 'en'")
    return code


def detect(text: str) -> Guess | None:
    """Return the text's main language, the same in every run; `None` if it cannot be told.

    Raises:
        MissingExtra: If pycld2 is not installed.
    """
    if len(text) > 2 * MAX_CHARS:
        text = text[:MAX_CHARS] + text[-MAX_CHARS:]
    detector = _detector()
    try:
        sure, _, found = detector.detect(text.encode(), isPlainText=True, bestEffort=True)
    except (UnicodeEncodeError, detector.error):  # control characters and the like
        readable = _MORE_NONCHARACTERS.sub(" ", _UNREADABLE.sub(" ", text))
        sure, _, found = detector.detect(readable.encode(), isPlainText=True, bestEffort=True)
    code, share = found[0][1].lower(), found[0][2]
    return None if code == "un" else Guess(_SAME.get(code, code), share, sure)


@lru_cache(maxsize=1)
def _detector() -> ModuleType:
    return require("pycld2", "rules", "Telling an answer's language")


@LANGUAGE.kind("language:response_language", language=official_code)
def response_language(answer: Answer, args: Args) -> Seen:
    """The answer is in a language; officially its main one, and whatever cannot be told passes."""
    return _official_language(answer.text, args["language"])


def _official_language(text: str, code: str) -> Seen:
    found = official_detect(text)
    if not found:
        return Seen(True, f"language {code}", "no language, which the official checker lets pass")
    return Seen(found == code, f"language {code}", f"language {found}")


def official_detect(text: str) -> str:
    """Return the language that langdetect most likely finds, or nothing where it finds none.

    Text in a language that pycld2 is sure of is left to it, being far faster. For the rest langdetect's model is asked
    without its dice: it multiplies the probabilities of n-grams drawn by chance until one language is left, which is
    the one whose probability is largest over all n-grams.
    """
    if len(text) >= 2 * SURE_CHARS and _is_plain_english(text):
        return "en"
    guess = detect(text) if len(text) >= MIN_CHARS else None
    if guess is not None and _agrees(guess, text):
        return guess.code
    return _by_ngrams(" ".join(text[:OFFICIAL_CHARS].replace("*", "").split()))


@lru_cache(maxsize=KEPT_TEXTS)
def _by_ngrams(text: str) -> str:
    """Return the language whose model gives the text's n-grams the largest probability, or nothing."""
    model = _langdetect()
    detector = model.create()
    detector.append(text)
    detector.cleaning_text()
    ngrams = detector._extract_ngrams()
    drawn = ngrams[:: len(ngrams) // MAX_NGRAMS + 1]
    sums = [sum(column) for column in zip(*map(_logarithms, drawn), strict=True)]
    return str(model.langlist[sums.index(max(sums))]) if sums else ""


def _is_plain_english(text: str) -> bool:
    """Whether so many words are English function words that no detector doubts it, nor can half be something else."""
    if not text.isascii():
        return False
    words = text.lower().split()
    return sum(map(STOP_WORDS.__contains__, words)) >= PLAIN_FUNCTION_WORDS * len(words)


def _agrees(guess: Guess, text: str) -> bool:
    """Whether langdetect, too, finds the language that pycld2 is sure of."""
    if not guess.sure or guess.share < SURE_SHARE or guess.code in _CONFUSABLE:
        return False
    if guess.code in _OWN_SCRIPT:
        return True
    if guess.code != "en":
        return len(text) >= SURE_CHARS
    words = _WORD.findall(text[: 4 * SURE_CHARS].lower())
    known = sum(1 for word in words if word in STOP_WORDS) >= FUNCTION_WORDS * len(words)
    return known and len(text) >= (2 * SURE_CHARS if text.isupper() else SURE_CHARS)


@lru_cache(maxsize=1)
def _langdetect() -> Any:
    """Return langdetect's model: a factory of detectors with its profiles."""
    module = require("langdetect.detector_factory", "rules", "The official verdict on an answer's language")
    factory = module.DetectorFactory()
    factory.load_profile(module.PROFILES_DIRECTORY)
    return factory


@lru_cache(maxsize=KEPT_NGRAMS)
def _logarithms(ngram: str) -> list[float]:
    """Return the logarithm of an n-gram's probability in each language, smoothed as langdetect does on average."""
    return [math.log(SMOOTHING + probability) for probability in _langdetect().word_lang_prob_map[ngram]]


@response_language.robust
def _whole_answer_in(answer: Answer, args: Args) -> Seen:
    code: str = args["language"]
    return _in_language(answer.text, _SAME.get(code, code))


def _in_language(text: str, code: str) -> Seen:
    expected = f"language {code}"
    if code == "en" and len(text) >= SURE_CHARS and _is_plain_english(text):
        return Seen(True, expected, "plain English")
    letters = "".join(_WORD.findall(text[: 4 * UNSURE_CHARS]))
    if not letters:
        return Seen(False, expected, "no letters")
    own = _script(code)
    if len(letters) < UNSURE_CHARS:
        share = 100 * sum(1 for letter in letters if own.match(letter)) // len(letters)
        guess = detect(text)
        other = guess is not None and guess.sure and guess.code != code and len(letters) > UNSURE_CHARS // 3
        seen = f"too short to be sure, {share} % of the letters in its script" + (f", {guess.code}" if guess else "")
        return Seen(share >= MIN_SHARE and not other, expected, seen)
    guess = detect(text)
    if guess is None:
        return Seen(False, expected, "a language that cannot be told")
    return Seen(guess.code == code and guess.share >= MIN_SHARE, expected, f"{guess.share} % language {guess.code}")


@lru_cache(maxsize=64)
def _script(code: str) -> re.Pattern[str]:
    return re.compile(f"[{_WRITTEN_IN.get(code, _LATIN)}]")


@LANGUAGE.kind("change_case:english_capital")
def capitals(answer: Answer, args: Args) -> Seen:
    """All capital letters, and English."""
    return _cased(answer, answer.text.isupper(), "capital")


@LANGUAGE.kind("change_case:english_lowercase")
def small_letters(answer: Answer, args: Args) -> Seen:
    """All small letters, and English."""
    return _cased(answer, answer.text.islower(), "small")


def _cased(answer: Answer, cased: bool, case: str) -> Seen:
    expected = f"English in {case} letters only"
    if not cased:
        return Seen(False, expected, "letters of the other case, or none")
    language = _in_language(answer.lower, "en") if answer.robust else _official_language(answer.text, "en")
    return Seen(language.followed, expected, f"{case} letters, {language.observed}")


@LANGUAGE.kind("change_case:capital_word_frequency", capital_frequency=number, capital_relation=relation)
def capital_words(answer: Answer, args: Args) -> Seen:
    """At least, or less than, so many words in capitals; officially single letters too."""
    count = treebank.count_capitals(answer.text)
    return compared(count, args["capital_relation"], args["capital_frequency"], "words in capitals")


@capital_words.robust
def _real_capital_words(answer: Answer, args: Args) -> Seen:
    count = answer.total(_count_capitals)
    return compared(count, args["capital_relation"], args["capital_frequency"], "words in capitals")


capital_words.hopeless(at_least("capital_relation"))


def _count_capitals(text: str) -> int:
    """Count the words in capitals, single letters and numbered ones aside; only what may hold one is cut into words."""
    words = words_of(" ".join([piece for piece in text.split() if not piece.islower()]))
    capitals = [word for word in words if word.isupper()]
    return sum(1 for word in capitals if len(word) > 1 and not word[1:].isdigit())
