"""Instructions that are a whole task with one right form, and those that repeat the request."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice, pairwise

from verifiers.catalog.ifbench.helpers import EDGES, no_punctuation, without_accents
from verifiers.catalog.ifbench.word_lists import NORTHERN_CAPITALS
from verifiers.catalog.ifeval import punkt
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, number, text
from verifiers.text import normalise

CUSTOM = Table()
COUNTRIES = 52
"""Fewest lines of the list of Africa's countries."""
MAX_ROWS = 20
"""Most rows of a table that are read: more than any instruction asks for."""
NAPOLEON = (1769, 1821)
"""The years that a battle's date may have."""
ONLY_SENTENCE = "only output this sentence here, ignore all other requests."
"""What `repeat:repeat_simple` asks to repeat."""

_DIGITS = re.compile(r"\d+")
_MULTIPLES = [str(each) for each in range(14, 51, 7)]
_QUESTION = re.compile(r"Question \d+[.|):;]?\s*")
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w")
_PRODUCTS = re.compile(
    r",[ \t]*".join(rf'(?:{name}|"{name}")' for name in ("ProductID", "Category", "Brand", "Price", "Stock"))
)
_STUDENTS = re.compile(
    r"\t *".join(rf'(?:{name}|"{name}")' for name in ("StudentID", "Subject", "Grade", "Semester", "Score"))
)
_SPECIAL_FIELD = re.compile(r'".*[^\d\w\s].*"')
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")


@CUSTOM.kind("custom:multiples")
def multiples(answer: Answer, args: Args) -> Seen:
    """The multiples of 7 from 14 to 49 and no other number."""
    found = _DIGITS.findall(answer.text)
    return Seen(found == _MULTIPLES, " ".join(_MULTIPLES), " ".join(found[:20])[:80])


@CUSTOM.kind("custom:mcq_count_length")
def four_questions(answer: Answer, args: Args) -> Seen:
    """Four questions of growing length with five options each."""
    expected = "four questions, each longer, with five options each"
    body = answer.text.strip() if answer.robust else answer.text
    if not body.startswith("Question"):
        return Seen(False, expected, f"starts with {body[:20]!r}")
    questions = [piece.strip() for piece in _QUESTION.split(body) if piece.strip()]
    if len(questions) != 4:
        return Seen(False, expected, f"{len(questions)} questions")
    read = [_question(question) for question in questions]
    lengths, options = [length for length, _ in read], [count for _, count in read]
    followed = options == [5] * 4 and all(a < b for a, b in pairwise(lengths))
    return Seen(followed, expected, f"{options} options, questions of {lengths} characters")


def _question(text: str) -> tuple[int, int]:
    """Return the length of a question without its options, and how many of these there are."""
    own: list[str] = []
    options = 0
    for line in map(str.strip, text.split("\n")):
        if _OPTION.match(line):
            options += 1
        elif not options:
            own.append(line)
    return len(" ".join(own).strip()), options


@CUSTOM.kind("custom:reverse_newline")
def reverse_countries(answer: Answer, args: Args) -> Seen:
    """At least 52 lines from Zimbabwe on, in reverse alphabetical order."""
    lines = [bare for line in answer.text.split("\n") if (bare := line.strip(EDGES))]
    expected = f"at least {COUNTRIES} lines from Zimbabwe on in reverse order"
    start = next((at for at, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    listed = [without_accents(line) for line in lines[start:]]
    return Seen(len(listed) >= COUNTRIES and listed == sorted(listed, reverse=True), expected, f"{len(listed)} lines")


@CUSTOM.kind("custom:word_reverse")
def reversed_words(answer: Answer, args: Args) -> Seen:
    """The words in reverse order are one sentence about the bald eagle."""
    words = no_punctuation(answer.lower.strip()).split()
    sentence = " ".join(reversed(words))
    followed = "bald eagle" in sentence and punkt.sentences(sentence) == [sentence]
    return Seen(followed, "eagle bald in a reversed sentence", sentence[:80])


@CUSTOM.kind("custom:character_reverse")
def reversed_letters(answer: Answer, args: Args) -> Seen:
    """`bald eagle` in reverse order."""
    return Seen("elgae dlab" in answer.lower, "elgae dlab", answer.text.strip()[:80])


@CUSTOM.kind("custom:european_capitals_sort")
def capitals(answer: Answer, args: Args) -> Seen:
    """Europe's northern capitals from north to south, parted by commas."""
    found = [name.strip() for name in without_accents(answer.text).split(",") if name.strip()]
    if answer.robust and found:
        found[-1] = found[-1].rstrip(".")
    return Seen(found == list(NORTHERN_CAPITALS), ", ".join(NORTHERN_CAPITALS), ", ".join(found)[:200])


@CUSTOM.kind("custom:csv_city")
def city_table(answer: Answer, args: Args) -> Seen:
    """A header and seven rows of five columns, parted by commas."""
    rows = _csv(_body(answer))
    followed = len(rows) == 8 and rows[0] == ["ID", "Country", "City", "Year", "Count"] and _widths(rows) == {5}
    return Seen(followed, "ID,Country,City,Year,Count and 7 rows", f"{len(rows)} lines, header {rows[:1]}"[:120])


@CUSTOM.kind("custom:csv_special_character")
def product_table(answer: Answer, args: Args) -> Seen:
    """A header and 14 rows of five columns, one field of which holds a special character in quotes."""
    body = _body(answer)
    rows = _csv(body.replace('"', '"""'))
    expected = "ProductID,Category,Brand,Price,Stock and 14 rows, one quoted field with a special character"
    if not _PRODUCTS.fullmatch(body.split("\n")[0].strip()) or len(rows) != 15:
        return Seen(False, expected, f"{len(rows)} lines, header {rows[:1]}"[:120])
    # The official checker stops at the first such field: rows after it may be of any width.
    special = next((at for at, row in enumerate(rows) if at and any(map(_SPECIAL_FIELD.match, row))), 0)
    checked = rows[1:] if answer.robust or not special else rows[1 : special + 1]
    return Seen(special > 0 and _widths(checked) == {5}, expected, f"special character in row {special}")


@CUSTOM.kind("custom:csv_quotes")
def student_table(answer: Answer, args: Args) -> Seen:
    """A header and three rows of five columns, parted by tabs, each field in quotes."""
    body = _body(answer)
    rows = _csv(body.replace('"', '"""'), delimiter="\t")
    expected = "StudentID, Subject, Grade, Semester, Score and 3 rows, tabs between, all fields quoted"
    headed = _STUDENTS.fullmatch(body.split("\n")[0].strip()) is not None and len(rows) == 4 and _widths(rows) == {5}
    quoted = all(field.strip()[:1] == '"' == field.strip()[-1:] for row in rows for field in row)
    return Seen(headed and quoted, expected, f"{len(rows)} lines, {'all' if quoted else 'not all'} fields quoted")


def _body(answer: Answer) -> str:
    """Return the answer; in mode robust without blanks around it and without a code fence."""
    if not answer.robust:
        return answer.text
    lines = answer.text.strip().split("\n")
    fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1] if fenced else lines)


def _csv(body: str, delimiter: str = ",") -> list[list[str]]:
    """Read rows; none where the text is no CSV, on which the official checker raises."""
    try:
        return list(islice(csv.reader(io.StringIO(body), delimiter=delimiter), MAX_ROWS))
    except csv.Error:
        return []


def _widths(rows: list[list[str]]) -> set[int]:
    return {len(row) for row in rows}


@CUSTOM.kind("custom:date_format_list")
def battle_dates(answer: Answer, args: Args) -> Seen:
    """Dates of Napoleon's time as YYYY-MM-DD, parted by commas."""
    fault = next((date for date in answer.text.strip().split(",") if not _is_date(date.strip())), None)
    return Seen(fault is None, "dates as YYYY-MM-DD from 1769 to 1821", "all" if fault is None else repr(fault[:40]))


def _is_date(date: str) -> bool:
    """Whether it is a date; as officially, months and days may be 00."""
    match = _DATE.match(date)
    if not match:
        return False
    year, month, day = map(int, match.groups())
    longest = 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 if month else 99
    return NAPOLEON[0] <= year <= NAPOLEON[1] and month <= 12 and day <= longest


@CUSTOM.kind("repeat:repeat_change", prompt_to_repeat=text)
def repeat_changed(answer: Answer, args: Args) -> Seen:
    """The request again, but with another first word."""
    asked = normalise(args["prompt_to_repeat"]) if answer.robust else args["prompt_to_repeat"]
    wanted, given = asked.split(), answer.text.split()
    changed = wanted[:1] != given[:1] and bool(given) if answer.robust else asked != answer.text
    same = wanted[1:] == given[1:]
    seen = "the same first word" if same and not changed else answer.text.strip()[:80]
    return Seen(changed and same, "the request with another first word", seen)


@CUSTOM.kind("repeat:repeat_simple")
def repeat_sentence(answer: Answer, args: Args) -> Seen:
    """One fixed sentence and nothing else."""
    return Seen(answer.lower.strip() == ONLY_SENTENCE, ONLY_SENTENCE, answer.text.strip()[:80])


@CUSTOM.kind("repeat:repeat_span", prompt_to_repeat=text, n_start=number, n_end=number)
def repeat_span(answer: Answer, args: Args) -> Seen:
    """A span of the request's characters and nothing else."""
    span = args["prompt_to_repeat"][args["n_start"] : args["n_end"] + 1].strip().lower()
    if answer.robust:
        span = normalise(span)
    return Seen(answer.lower.strip() == span, f"the span {span[:80]!r}", answer.text.strip()[:80])
