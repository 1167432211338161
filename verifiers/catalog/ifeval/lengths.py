"""Words, sentences and paragraphs."""

from __future__ import annotations

import re

from verifiers import text as scripts
from verifiers.catalog.ifeval import punkt
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, compared, counted, number, positive, relation, text

LENGTHS = Table()
SHORT_LINE = 60
"""A line of fewer characters that stops without punctuation is a sentence of its own, not a wrapped one."""

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_OWN_LINE_DIVIDER = re.compile(r"^[ \t]*+(?:\*[ \t]*+){3,}$", re.MULTILINE)
_SPACED_DIVIDER = re.compile(r"(?<=\s)\*{3,}+(?=\s)")
_LEADING = " \t#>*_~`\"'“‘«([{-"
_FIRST_WORD = re.compile(r"[^\s.,?!'\"*_:;”’)]++")


@LENGTHS.kind("length_constraints:number_words", num_words=number, relation=relation)
def number_words(answer: Answer, args: Args) -> Seen:
    r"""At least, or less than, so many words; officially runs of `\w`, so `don't` is two and Chinese text one."""
    return compared(answer.word_runs, args["relation"], args["num_words"], "words")


@number_words.robust
def _real_words(answer: Answer, args: Args) -> Seen:
    return compared(answer.word_count, args["relation"], args["num_words"], "words")


@LENGTHS.kind("length_constraints:number_sentences", num_sentences=number, relation=relation)
def number_sentences(answer: Answer, args: Args) -> Seen:
    """At least, or less than, so many sentences; officially as NLTK cuts English."""
    return compared(punkt.count(answer.text), args["relation"], args["num_sentences"], "sentences")


@number_sentences.robust
def _real_sentences(answer: Answer, args: Args) -> Seen:
    return compared(count_sentences(answer.text), args["relation"], args["num_sentences"], "sentences")


def count_sentences(text: str) -> int:
    """Count the sentences in any script; short lines that stop without punctuation count one each."""
    if text.islower():  # no capital says where a sentence starts
        return punkt.count(text)
    return sum(1 + _short_lines(sentence) for sentence in scripts.sentences(text))


def _short_lines(sentence: str) -> int:
    if "\n" not in sentence:
        return 0
    lines = sentence.split("\n")[:-1]
    return sum(len(line) < SHORT_LINE and line.rstrip()[-1:].isalnum() for line in lines)


@LENGTHS.kind("length_constraints:number_paragraphs", num_paragraphs=number)
def number_paragraphs(answer: Answer, args: Args) -> Seen:
    """So many paragraphs, parted by `***`; officially bold italics part paragraphs too."""
    return _paragraphs(_DIVIDER.split(answer.text), args["num_paragraphs"])


@number_paragraphs.robust
def _divided_paragraphs(answer: Answer, args: Args) -> Seen:
    divider = _OWN_LINE_DIVIDER if _OWN_LINE_DIVIDER.search(answer.text) else _SPACED_DIVIDER
    return _paragraphs(divider.split(answer.text), args["num_paragraphs"])


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
