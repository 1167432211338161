"""Keywords, forbidden words and letters."""

from __future__ import annotations

from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import (
    Args,
    Seen,
    Table,
    always,
    at_least,
    compared,
    number,
    pattern,
    patterns,
    relation,
    text,
)
from verifiers.catalog.ifeval.matching import is_plain, occurrences, official, official_count, official_word
from verifiers.text import normalise

KEYWORDS = Table()
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@KEYWORDS.kind("keywords:existence", keywords=patterns)
def existence(answer: Answer, args: Args) -> Seen:
    """Every keyword is there; officially each is a regular expression."""
    missing = [each for each in args["keywords"] if not _official_match(each, answer)]
    return _present(args["keywords"], missing)


def _official_match(pattern: str, answer: Answer) -> bool:
    if is_plain(pattern, answer):
        return pattern.lower() in answer.lower
    return official(pattern).search(answer.text) is not None


@existence.robust
def _words_exist(answer: Answer, args: Args) -> Seen:
    missing = [each for each in args["keywords"] if not occurrences(each, answer)]
    return _present(args["keywords"], missing)


existence.hopeless(always)


def _present(keywords: tuple[str, ...], missing: list[str]) -> Seen:
    return Seen(
        not missing, f"the keywords {', '.join(keywords)}", f"without {', '.join(missing)}" if missing else "all"
    )


@KEYWORDS.kind("keywords:frequency", keyword=pattern, frequency=number, relation=relation)
def frequency(answer: Answer, args: Args) -> Seen:
    """A keyword is there at least, or less than, so many times; officially inside other words too."""
    count = official_count(args["keyword"].strip(), answer)
    return compared(count, args["relation"], args["frequency"], f"times {args['keyword']!r}")


@frequency.robust
def _word_frequency(answer: Answer, args: Args) -> Seen:
    count = occurrences(args["keyword"], answer)
    return compared(count, args["relation"], args["frequency"], f"times {args['keyword']!r}")


frequency.hopeless(at_least("relation"))


@KEYWORDS.kind("keywords:forbidden_words", forbidden_words=patterns)
def forbidden(answer: Answer, args: Args) -> Seen:
    r"""None of the words is there; officially each is a regular expression between `\b`."""
    found = [each for each in args["forbidden_words"] if official_word(each, answer)]
    return _absent(args["forbidden_words"], found)


@forbidden.robust
def _words_absent(answer: Answer, args: Args) -> Seen:
    found = [each for each in args["forbidden_words"] if occurrences(each, answer)]
    return _absent(args["forbidden_words"], found)


def _absent(words: tuple[str, ...], found: list[str]) -> Seen:
    return Seen(not found, f"none of the words {', '.join(words)}", f"has {', '.join(found)}" if found else "none")


@KEYWORDS.kind("keywords:letter_frequency", letter=text, let_frequency=number, let_relation=relation)
def letters(answer: Answer, args: Args) -> Seen:
    """A letter is there at least, or less than, so many times.

    For anything but one letter from a to z the official checker draws a letter by chance: the verdict of most letters
    is taken.
    """
    letter, wanted, how = args["letter"].lower(), args["let_frequency"], args["let_relation"]
    if len(letter) == 1 and letter in _LETTERS:
        return compared(answer.lower.count(letter), how, wanted, f"times the letter {letter}")
    votes = sum(compared(answer.lower.count(each), how, wanted, "").followed for each in _LETTERS)
    return Seen(2 * votes > len(_LETTERS), f"{how} {wanted} times a letter drawn by chance", f"{votes} letters are")


@letters.robust
def _any_letter(answer: Answer, args: Args) -> Seen:
    letter = normalise(args["letter"]).strip().lower() or args["letter"]
    count = answer.lower.count(letter)
    return compared(count, args["let_relation"], args["let_frequency"], f"times the letter {letter}")


letters.hopeless(at_least("let_relation"))
