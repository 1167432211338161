"""Words, sentences and paragraphs."""

from __future__ import annotations

import re

from verifiers import text as scripts
from verifiers.catalog.ifeval import punkt
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import (
    Args,
    Seen,
    Table,
    at_least,
    compared,
    counted,
    number,
    positive,
    relation,
    text,
)

LENGTHS = Table()
SHORT_LINE = 60
"""A line of fewer characters that stops without punctuation is a sentence of its own, not a wrapped one."""
MIN_ASTERISKS = 3
"""Fewest asterisks that part paragraphs."""

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_SPACED_DIVIDER = re.compile(r"\*(?<=\s\*)\*{2,}+(?=\s)")
_LEADING = " \t#>*_~`\"'“‘«([{-"
_FIRST_WORD = re.compile(r"[^\s.,?!'\"*_:;”’)]++")


@LENGTHS.kind("length_constraints:number_words", num_words=number, relation=relation)
def number_words(answer: Answer, args: Args) -> Seen:
    r"""At least, or less than, so many words; officially runs of `\w`, so `don't` is two and Chinese text one."""
    return compared(answer.word_runs, args["relation"], args["num_words"], "words")


@number_words.robust
def _real_words(answer: Answer, args: Args) -> Seen:
    return compared(answer.word_count, args["relation"], args["num_words"], "words")


number_words.hopeless(at_least("relation"))


@LENGTHS.kind("length_constraints:number_sentences", num_sentences=number, relation=relation)
def number_sentences(answer: Answer, args: Args) -> Seen:
    """At least, or less than, so many sentences; officially as NLTK cuts English."""
    return compared(punkt.count(answer.text), args["relation"], args["num_sentences"], "sentences")


@number_sentences.robust
def _real_sentences(answer: Answer, args: Args) -> Seen:
    return compared(count_sentences(answer), args["relation"], args["num_sentences"], "sentences")


@number_sentences.hopeless
def _too_few(answer: Answer, args: Args) -> bool:
    """A part has no more sentences, if it has a capital and loses no asterisks or blanks, which change its lines."""
    text = answer.text
    if args["relation"] != "at least" or "*" in text or len(text) > scripts.MAX_SENTENCES:
        return False
    second, last = text.find("\n") + 1, max(0, text.rfind("\n"))
    parts = (text[second:], text[:last], text[second:last])
    return not any(part.islower() or len(part.strip("\n")) != len(part.strip()) for part in parts)


def count_sentences(answer: Answer) -> int:
    """Count the sentences in any script; short lines that stop without punctuation count one each."""
    if answer.text.islower():  # no capital says where a sentence starts
        return punkt.count(answer.text)
    if len(answer.text) > scripts.MAX_SENTENCES:  # there may be more than are cut
        return _cased_sentences(answer.text)
    return answer.total(_cased_sentences)


def _cased_sentences(text: str) -> int:
    found = scripts.sentences(text)
    return len(found) + sum(_short_lines(sentence) for sentence in found if "\n" in sentence)


def _short_lines(sentence: str) -> int:
    lines = sentence.split("\n")[:-1]
    return sum(len(line) < SHORT_LINE and line.rstrip()[-1:].isalnum() for line in lines)


@LENGTHS.kind("length_constraints:number_paragraphs", num_paragraphs=number)
def number_paragraphs(answer: Answer, args: Args) -> Seen:
    """So many paragraphs, parted by `***`; officially bold italics part paragraphs too."""
    return _paragraphs(_DIVIDER.split(answer.text), args["num_paragraphs"])


@number_paragraphs.robust
def _divided_paragraphs(answer: Answer, args: Args) -> Seen:
    pieces = _between_dividers(answer.text) if "*" in answer.text else [answer.text]
    return _paragraphs(pieces, args["num_paragraphs"])


def _between_dividers(text: str) -> list[str]:
    """Cut at lines of nothing but three asterisks or more; if there is none, at such asterisks between blanks."""
    pieces: list[list[str]] = [[]]
    for line in text.split("\n"):
        if "*" in line and not line.strip("* \t") and line.count("*") >= MIN_ASTERISKS:
            pieces.append([])
        else:
            pieces[-1].append(line)
    return ["\n".join(each) for each in pieces] if len(pieces) > 1 else _SPACED_DIVIDER.split(text)


def _paragraphs(pieces: list[str], wanted: int) -> Seen:
    full = sum(1 for piece in pieces if piece.strip())
    expected = f"{wanted} paragraphs parted by ***"
    if not all(piece.strip() for piece in pieces[1:-1]):
        return Seen(False, expected, "an empty paragraph between two dividers")
    return counted(full == wanted, expected, full)


@LENGTHS.kind(
    "length_constraints:nth_paragraph_first_word", num_paragraphs=positive, nth_paragraph=positive, first_word=text
)
def nth_paragraph(answer: Answer, args: Args) -> Seen:
    """So many paragraphs, one of which starts with a word; officially empty ones shift the index."""
    pieces = answer.text.split("\n\n")
    full = sum(1 for piece in pieces if piece.strip())
    nth = args["nth_paragraph"]
    paragraph = pieces[nth - 1].strip() if nth <= full else ""
    word = re.split(r"[.,?!'\"]", paragraph.split()[0].lstrip("'").lstrip('"'), maxsplit=1)[0] if paragraph else ""
    return _starts(full, word.lower(), args)


@nth_paragraph.robust
def _nth_full_paragraph(answer: Answer, args: Args) -> Seen:
    pieces = scripts.paragraphs(answer.text)
    nth = args["nth_paragraph"]
    paragraph = pieces[nth - 1].lstrip(_LEADING) if nth <= len(pieces) else ""
    wanted = args["first_word"].lower().strip()
    if paragraph.lower().startswith(wanted) and not paragraph[len(wanted) : len(wanted) + 1].isalnum():
        return _starts(len(pieces), wanted, args)
    match = _FIRST_WORD.match(paragraph)
    return _starts(len(pieces), match[0].lower() if match else "", args)


def _starts(count: int, word: str, args: Args) -> Seen:
    nth, wanted, first = args["nth_paragraph"], args["num_paragraphs"], args["first_word"].lower()
    followed = count == wanted and (word == first or word == first.strip()) and nth <= count and word != ""
    return Seen(
        followed,
        f"{wanted} paragraphs, number {nth} starting with {first!r}",
        f"{count} paragraphs, number {nth} starting with {word[:40]!r}",
    )
