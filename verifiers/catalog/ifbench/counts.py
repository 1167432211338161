"""How many: words, numbers, names, pronouns, punctuation, shares of words and kinds of sentences."""

from __future__ import annotations

import re

from verifiers.catalog.ifbench.helpers import bare, endings, every, no_punctuation
from verifiers.catalog.ifbench.word_lists import CONJUNCTIONS, PERSON_NAMES, PRONOUNS
from verifiers.catalog.ifeval import treebank
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.english import STOP_WORDS
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, counted, number, positive, text
from verifiers.catalog.ifeval.matching import occurrences

COUNTS = Table()
KEYWORD_TIMES = (1, 2, 3, 5, 7)
"""How often each of the five keywords is asked for."""
OVERLAP_SLACK = 2
"""Percentage points by which the overlap with a text may differ from what is asked for."""

_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*+")
_NAME = re.compile(rf"\b(?:{'|'.join(PERSON_NAMES)})\b")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@COUNTS.kind("count:word_count_range", min_words=number, max_words=number)
def word_range(answer: Answer, args: Args) -> Seen:
    """A number of words in a range."""
    count = len(answer.words) if answer.robust else answer.word_runs
    low, high = args["min_words"], args["max_words"]
    return counted(low <= count <= high, f"{low} to {high} words", count)


@COUNTS.kind("count:unique_word_count", N=number)
def unique_words(answer: Answer, args: Args) -> Seen:
    """At least so many different words."""
    count = len({bare(word) for word in answer.lower.split()})
    return counted(count >= args["N"], f"at least {args['N']} different words", count)


@unique_words.robust
def _unique_real_words(answer: Answer, args: Args) -> Seen:
    count = len({word.lower() for word in answer.words})
    return counted(count >= args["N"], f"at least {args['N']} different words", count)


@COUNTS.kind("ratio:stop_words", percentage=number)
def stop_words(answer: Answer, args: Args) -> Seen:
    """At most so many per cent function words."""
    words = _WORD.findall(answer.lower)
    share = 100 * (sum(map(STOP_WORDS.__contains__, words)) / len(words)) if words else 0.0
    followed = bool(words) and share <= args["percentage"]
    return Seen(followed, f"at most {args['percentage']} % stop words", f"{share:.1f} %")


@COUNTS.kind("ratio:sentence_type")
def two_to_one(answer: Answer, args: Args) -> Seen:
    """Twice as many statements as questions; officially also none of both."""
    stops, questions, _ = endings(answer)
    followed = stops == 2 * questions and (questions > 0 or not answer.robust)
    return Seen(followed, "two statements for each question", f"{stops} statements, {questions} questions")


@COUNTS.kind("ratio:sentence_balance")
def balanced(answer: Answer, args: Args) -> Seen:
    """As many statements as questions as exclamations; officially also none of all."""
    stops, questions, shouts = endings(answer)
    followed = stops == questions == shouts and (stops > 0 or not answer.robust)
    seen = f"{stops} statements, {questions} questions, {shouts} exclamations"
    return Seen(followed, "as many statements as questions as exclamations", seen)


@COUNTS.kind("count:conjunctions", small_n=number)
def conjunctions(answer: Answer, args: Args) -> Seen:
    """At least so many different coordinating conjunctions; officially `and` and `And` differ."""
    found = {word for word in answer.text.split() if bare(word).lower() in CONJUNCTIONS}
    found = {bare(word).lower() for word in found} if answer.robust else found
    return counted(len(found) >= args["small_n"], f"at least {args['small_n']} different conjunctions", len(found))


@COUNTS.kind("count:person_names", N=number)
def person_names(answer: Answer, args: Args) -> Seen:
    """At least so many different names of a list."""
    count = len(set(_NAME.findall(answer.text)))
    return counted(count >= args["N"], f"at least {args['N']} names of the list", count)


@COUNTS.kind("ratio:overlap", reference_text=text, percentage=number)
def overlap(answer: Answer, args: Args) -> Seen:
    """A share of the answer's trigrams of characters stands in a text, within two percentage points."""
    own, other, wanted = _trigrams(answer.text), _trigrams(args["reference_text"]), args["percentage"]
    expected = f"{wanted} % (±{OVERLAP_SLACK}) of the trigrams in common"
    if not own:
        return Seen(False, expected, "fewer than three characters")
    share = len(own & other) / len(own)
    followed = wanted - OVERLAP_SLACK <= share * 100 <= wanted + OVERLAP_SLACK
    return Seen(followed, expected, f"{share * 100:.1f} %")


def _trigrams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


@COUNTS.kind("count:numbers", N=number)
def numbers(answer: Answer, args: Args) -> Seen:
    """Exactly so many numbers; officially 3-4 is one, and so is 1, 2 without the blank."""
    count = len(_NUMBER.findall(answer.text) if answer.robust else _DIGITS.findall(no_punctuation(answer.text)))
    return counted(count == args["N"], f"exactly {args['N']} numbers", count)


@COUNTS.kind("count:punctuation")
def all_punctuation(answer: Answer, args: Args) -> Seen:
    """Every standard punctuation mark, the interrobang too, which does not count for the others."""
    expected = "each of . , ! ? ; : and an interrobang"
    if not any(mark in answer.text for mark in ("!?", "?!", "‽")):
        return Seen(False, expected, "no interrobang")
    rest = answer.text.replace("?!", "", 1)
    rest = answer.text.replace("!?", "", 1) if len(rest) == len(answer.text) else rest
    missing = " ".join(mark for mark in ".,!?;:" if mark not in rest)
    return Seen(not missing, expected, f"without {missing}" if missing else "all")


@COUNTS.kind("count:words_japanese", N=positive)
def japanese_words(answer: Answer, args: Args) -> Seen:
    """Every nth word is Japanese, numbers aside."""
    every_nth = (bare(word) for word in answer.text.split()[args["N"] - 1 :: args["N"]])
    fault = next((word for word in every_nth if word and not word.isdigit() and not _JAPANESE.search(word)), "")
    return every(f"every word number {args['N']} in Japanese", fault)


@COUNTS.kind("count:pronouns", N=number)
def pronouns(answer: Answer, args: Args) -> Seen:
    """At least so many pronouns."""
    count = sum(map(PRONOUNS.__contains__, treebank.tokens(answer.lower.replace("/", " "))))
    return counted(count >= args["N"], f"at least {args['N']} pronouns", count)


@COUNTS.kind("count:keywords_multiple", keyword1=text, keyword2=text, keyword3=text, keyword4=text, keyword5=text)
def five_keywords(answer: Answer, args: Args) -> Seen:
    """Five keywords once, twice, three, five and seven times; officially inside other words too."""
    wanted = {args[f"keyword{at}"].strip(): times for at, times in enumerate(KEYWORD_TIMES, 1)}
    found = {word: answer.lower.count(word.lower()) for word in wanted}
    if answer.robust:
        found = {word: occurrences(word, answer) for word in wanted}
    told = ", ".join(f"{word} {count}" for word, count in found.items())
    return Seen(found == wanted, ", ".join(f"{word} {count}" for word, count in wanted.items()), told)
