"""Forms: nesting, lists, bullets, indents, quotes, templates, title case, white space."""

from __future__ import annotations

import re
import string
from collections import defaultdict, deque
from itertools import pairwise

from verifiers.catalog.ifbench.helpers import EDGES, bare, every, no_punctuation
from verifiers.catalog.ifeval import punkt
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, counted, text

FORMATS = Table()
BRACKET_LEVELS = 5
"""How deep brackets must nest."""
QUOTE_LEVELS = 3
"""How deep quotes must nest."""
MAX_SENTENCES = 5_000
"""Once so many sentences are counted, each further line counts as one."""
TEMPLATE = ("My Answer:", "My Conclusion:", "Future Outlook:")
"""The labels of the template."""

_CLOSER_OF = {")": "(", "]": "[", "}": "{"}
_BRACKET = re.compile(r"[()\[\]{}]")
_QUOTE = re.compile("[\"']")
_LETTER_OPTIONS = re.compile(r"\W*[aA]\W*[bB]\W*[cC]")
_ITALICS = re.compile(r"<(?:i|em)>")
_STAR_LINE = re.compile(r"[ \t]*+\*[ \t]")
_DASH_LINE = re.compile(r"[ \t]*+-[ \t]")
_SPACE = re.compile(r"\s")


@FORMATS.kind("format:parentheses")
def nested_brackets(answer: Answer, args: Args) -> Seen:
    """Brackets nest five levels deep and close rightly."""
    opened: list[str] = []
    deepest = 0
    expected = f"brackets nested {BRACKET_LEVELS} deep"
    for bracket in _BRACKET.findall(answer.text):
        if bracket in "([{":
            opened.append(bracket)
            deepest = max(deepest, len(opened))
        elif opened and opened[-1] == _CLOSER_OF[bracket]:
            opened.pop()
            if deepest >= BRACKET_LEVELS:
                return Seen(True, expected, f"{deepest} deep")
        else:
            opened, deepest = [], 0
    return Seen(False, expected, "less deep, or never closed rightly")


@FORMATS.kind("format:quotes")
def nested_quotes(answer: Answer, args: Args) -> Seen:
    """Double and single quotes nest three levels deep, by turns."""
    return _quotes_nest(answer.text)


@nested_quotes.robust
def _real_quotes_nest(answer: Answer, args: Args) -> Seen:
    """Apostrophes inside words are no quotes."""
    plain = answer.text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"})
    return _quotes_nest(re.sub(r"(?<=\w)'(?=\w)", "", plain))


def _quotes_nest(text: str) -> Seen:
    opened: list[str] = []
    deepest = 0
    expected = f"quotes nested {QUOTE_LEVELS} deep"
    for quote in _QUOTE.findall(text):
        if opened and opened[-1] == quote:
            opened.pop()
            if deepest - len(opened) >= QUOTE_LEVELS:
                return Seen(True, expected, f"{deepest} deep")
        else:
            opened.append(quote)
            deepest = max(deepest, len(opened))
    return Seen(False, expected, f"{deepest} opened")


@FORMATS.kind("format:options", options=text)
def one_option(answer: Answer, args: Args) -> Seen:
    """The answer is one of the options and nothing else."""
    given: str = args["options"]
    separator = "/" if "/" in given else "or" if "or" in given else ","
    options = [option.strip() for option in given.split(separator)]
    if _LETTER_OPTIONS.match(given):
        found = (answer.text.strip() if answer.robust else answer.text) in options
    else:
        found = bare(answer.text).lower() in [bare(option).lower() for option in options]
    return Seen(found, f"one of {', '.join(options)}", answer.text.strip()[:60])


@one_option.robust
def _one_real_option(answer: Answer, args: Args) -> Seen:
    """`or` only parts options as a word of its own; a letter comes as it was offered, emphasis and full stop aside."""
    given: str = args["options"]
    parts = given.split("/") if "/" in given else re.split(r"\s+or\s+|,\s*(?:or\s+)?", given)
    ends = " \n*_`\"'." if _LETTER_OPTIONS.match(given) else EDGES + "\n"
    options = [option for part in parts if (option := part.strip(ends).lower())]
    return Seen(answer.lower.strip(ends) in options, f"one of {', '.join(options)}", answer.text.strip()[:60])


@FORMATS.kind("format:newline")
def word_a_line(answer: Answer, args: Args) -> Seen:
    """Each word stands on a line of its own."""
    bare_text = no_punctuation(answer.text)
    lines = [line for line in bare_text.strip().split("\n") if line]
    if answer.robust:
        lines = [line for line in lines if line.strip()]
    words = len(bare_text.split())
    return Seen(len(lines) == words, "each word on its own line", f"{words} words on {len(lines)} lines")


@FORMATS.kind("format:line_indent")
def stairs(answer: Answer, args: Args) -> Seen:
    """Each line is indented further than the one before; officially some empty lines count."""
    return _stairs(_official_lines(answer.text))


@stairs.robust
def _stairs_of_full_lines(answer: Answer, args: Args) -> Seen:
    lines = [line for line in answer.text.expandtabs(4).split("\n") if line.strip()]
    seen = _stairs(lines)
    return seen if len(lines) > 1 else Seen(False, seen.expected, f"{len(lines)} line")


def _stairs(lines: list[str]) -> Seen:
    indents = [len(line) - len(line.lstrip(" ")) for line in lines]
    fault = next((f"{a} spaces, then {b}" for a, b in pairwise(indents) if b <= a), "")
    return every("each line indented further", fault)


def _official_lines(text: str) -> list[str]:
    """Return the lines that the official checker leaves: it takes empty ones out of the list that it walks through.

    So the line after an empty one is passed over, and the first of equal lines goes instead of the one that was met.
    """
    lines = text.split("\n")
    blank: dict[str, deque[int]] = defaultdict(deque)
    gone: set[int] = set()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.strip():
            at += 1
            continue
        blank[line].append(at)
        gone.add(blank[line].popleft())
        if at + 1 < len(lines) and not lines[at + 1].strip():
            blank[lines[at + 1]].append(at + 1)
        at += 2
    return [line for index, line in enumerate(lines) if index not in gone]


@FORMATS.kind("format:quote_unquote")
def explained_quotes(answer: Answer, args: Args) -> Seen:
    """No quote is followed by another or ends the answer."""
    body = answer.text.translate({0x201C: '"', 0x201D: '"'}) if answer.robust else answer.text
    body = "".join(body.replace("'\"'", "").split())
    expected = "an explanation after each quote"
    if '""' in body:
        return Seen(False, expected, "two quotes side by side")
    ending = body.strip(string.digits + string.punctuation.replace('"', ""))[-1:]
    return Seen(ending != '"', expected, "ends with a quote" if ending == '"' else "everywhere")


@FORMATS.kind("format:list", sep=text)
def separated_list(answer: Answer, args: Args) -> Seen:
    """A list with a marker of its own, at least twice; officially anywhere."""
    count = answer.text.count(args["sep"])
    return counted(count >= 2, f"at least two items marked {args['sep']!r}", count)


@separated_list.robust
def _marked_lines(answer: Answer, args: Args) -> Seen:
    """Each item starts a line with the marker, or all stand on one line with the marker between them."""
    marker = args["sep"].strip()
    lines = [line.strip() for line in answer.text.split("\n")]
    starts = sum(line.startswith(marker) for line in lines)
    alone = answer.text.count(f" {marker} ")
    return counted(starts >= 2 or alone >= 2, f"at least two items marked {marker!r}", max(starts, alone))


@FORMATS.kind("format:thesis")
def italic_thesis(answer: Answer, args: Args) -> Seen:
    """A thesis in HTML italics, with text after it."""
    expected = "a thesis in <i> or <em>, then text"
    start = answer.text.find("<i>")
    start = answer.text.find("<em>") if start < 0 else start
    if start < 0:
        return Seen(False, expected, "no italics")
    end = answer.text.find("</i>", start)
    end = answer.text.find("</em>", start) if end < 0 else end
    if end < 0:
        return Seen(False, expected, "italics are never closed")
    if not answer.text[start + 3 : end].strip():
        return Seen(False, expected, "empty italics")
    followed = bool(answer.text[end + 4 :].strip())
    return Seen(followed, expected, "both" if followed else "nothing after the thesis")


@italic_thesis.robust
def _real_thesis(answer: Answer, args: Args) -> Seen:
    expected = "a thesis in <i> or <em>, then text"
    opening = _ITALICS.search(answer.text)
    if opening is None:
        return Seen(False, expected, "no italics")
    closing = opening[0].replace("<", "</")
    end = answer.text.find(closing, opening.end())
    if end < 0:
        return Seen(False, expected, "italics are never closed")
    thesis, rest = answer.text[opening.end() : end], answer.text[end + len(closing) :]
    followed = any(map(str.isalnum, thesis)) and any(map(str.isalnum, rest))
    return Seen(followed, expected, f"thesis {thesis.strip()[:40]!r}, {len(rest)} characters after it")


@FORMATS.kind("format:sub-bullets")
def sub_bullets(answer: Answer, args: Args) -> Seen:
    """Each bullet has a sub-bullet; officially each star a dash somewhere before the next star."""
    bullets = answer.text.split("*")[1:]
    lacking = sum("-" not in bullet for bullet in bullets)
    return Seen(not lacking, "a dash after each star", f"{lacking} of {len(bullets)} without")


@sub_bullets.robust
def _real_sub_bullets(answer: Answer, args: Args) -> Seen:
    bullets, lacking, waiting = 0, 0, False
    for line in answer.text.split("\n"):
        if _STAR_LINE.match(line):
            lacking += waiting
            bullets, waiting = bullets + 1, True
        elif _DASH_LINE.match(line):
            waiting = False
    lacking += waiting
    seen = f"{lacking} of {bullets} bullets without"
    return Seen(bullets > 0 and not lacking, "bullets with *, each with a sub-bullet with -", seen)


@FORMATS.kind("format:no_bullets_bullets")
def text_then_bullets(answer: Answer, args: Args) -> Seen:
    """At least two sentences, then at least two bullets and nothing else."""
    expected = "two sentences, then two bullets with *"
    counted_sentences = bullets = 0
    # Officially an empty line ends the sentences, and a line that is no bullet may not follow.
    open_for_sentences = True
    for line in answer.text.split("\n"):
        stripped = line.strip()
        if answer.robust and not stripped:
            continue
        if stripped.startswith("*"):
            open_for_sentences = False
            if counted_sentences < 2:
                return Seen(False, expected, f"{counted_sentences} sentences before the first bullet")
            bullets += 1
        elif open_for_sentences:
            found = punkt.count(stripped) if counted_sentences < MAX_SENTENCES else min(1, len(stripped))
            open_for_sentences = found > 0
            counted_sentences += found
        else:
            return Seen(False, expected, f"{stripped[:40]!r} after the sentences")
    return Seen(bullets >= 2, expected, f"{counted_sentences} sentences, {bullets} bullets")


@FORMATS.kind("format:title_case")
def title_case(answer: Answer, args: Args) -> Seen:
    """Each word starts with a capital and goes on in small letters."""
    small = (token for token in answer.tokens if token[0].islower() and token[0].isalpha())
    fault = next((each for each in small if len(each) == 1 or each[1:].islower() or each[1:].isupper()), "")
    return every("title case", fault)


@FORMATS.kind("format:output_template")
def template(answer: Answer, args: Args) -> Seen:
    """Three labels; officially in any order and with nothing after them."""
    places = [answer.text.find(label) for label in TEMPLATE]
    missing = ", ".join(label for label, place in zip(TEMPLATE, places, strict=True) if place < 0)
    if missing or not answer.robust:
        return Seen(not missing, " ".join(TEMPLATE), f"without {missing}" if missing else "all")
    ends = [*places[1:], len(answer.text)]
    pieces = [answer.text[a + len(label) : b] for label, a, b in zip(TEMPLATE, places, ends, strict=True)]
    filled = sorted(places) == places and all(any(map(str.isalnum, piece)) for piece in pieces)
    return Seen(filled, f"{' '.join(TEMPLATE)} in this order, each filled in", "all" if filled else "not so")


@FORMATS.kind("format:no_whitespace")
def no_white_space(answer: Answer, args: Args) -> Seen:
    """No white space; officially not at the ends either."""
    count = len(_SPACE.findall(answer.text.strip() if answer.robust else answer.text))
    return Seen(not count, "no white space", f"{count} blanks")
