"""Markdown and other forms: placeholders, postscripts, bullets, sections, highlights, titles, JSON, fixed answers."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import msgspec

from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, always, counted, number, pattern
from verifiers.catalog.ifeval.matching import KEPT, official
from verifiers.text import normalise

FORMATS = Table()
MAX_PLACEHOLDER = 200
"""Longest placeholder, in characters."""
MAX_AFTER_POSTSCRIPT = 2
"""Most paragraphs that may follow a postscript's own."""
FIXED_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")

_BRACKETS = re.compile(r"\[[^\]\n]*+(\]|)")
_PLACEHOLDER = re.compile(r"\[(?<![\w\])\\!]\[)([^\[\]]*+)\](?![(\[])(?!:[ \t]?http)")
_STAR_BULLET = re.compile(r"^[^\S\n]*+\*[^*].*$", re.MULTILINE)
_DASH_BULLET = re.compile(r"^[^\S\n]*+-", re.MULTILINE)
_BULLET = re.compile(r"^[ \t>]*+(?:[*+\-•‣◦●][ \t]|[•●])(?![ \t]*+(?:[*\-][ \t]*+)*+$).*\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*[^\n*]*+\*")
_DOUBLE_HIGHLIGHT = re.compile(r"\*\*[^\n*]*+\*\*")
_EMPHASIS = re.compile(r"\*(?<![\w*\\]\*)(\*{0,2}+)(?=[^\s*])[^\n*]*+(?<=[^\s*\\])\*\1(?![\w*])")
_TITLE_LINE = re.compile(r"[\s#>*_\"“'`]*<<.*>>[\s*_\"”'`.]*")


@FORMATS.kind("detectable_content:number_placeholders", num_placeholders=number)
def placeholders(answer: Answer, args: Args) -> Seen:
    """At least so many placeholders like `[address]`; officially anything in square brackets on one line."""
    count = sum(map(bool, _BRACKETS.findall(answer.text)))
    return counted(count >= args["num_placeholders"], f"at least {args['num_placeholders']} placeholders", count)


@placeholders.robust
def _real_placeholders(answer: Answer, args: Args) -> Seen:
    count = sum(map(_is_placeholder, _PLACEHOLDER.findall(answer.text)))
    return counted(count >= args["num_placeholders"], f"at least {args['num_placeholders']} placeholders", count)


def _is_placeholder(content: str) -> bool:
    """Whether brackets hold the name of something to fill in: no citation, check box or empty pair."""
    short = len(content) <= MAX_PLACEHOLDER and "\n\n" not in content
    return (
        short and content.strip() not in ("x", "X") and not content.startswith("^") and any(map(str.isalpha, content))
    )


placeholders.hopeless(always)


@FORMATS.kind("detectable_content:postscript", postscript_marker=pattern)
def postscript(answer: Answer, args: Args) -> Seen:
    """A postscript; officially its marker may stand anywhere, inside words too."""
    marker = args["postscript_marker"].strip()
    known = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    found = official(known.get(marker, marker.lower()), re.NOFLAG).search(answer.lower)
    return Seen(found is not None, f"a postscript that starts with {marker}", "there is one" if found else "none")


@postscript.robust
def _final_postscript(answer: Answer, args: Args) -> Seen:
    expected = f"a postscript at the end that starts with {args['postscript_marker'].strip()}"
    found = _postscript_marker(args["postscript_marker"]).search(answer.text)
    if found is None:
        return Seen(False, expected, "none")
    later = [piece for piece in answer.text[found.end() :].split("\n\n")[1:] if piece.strip()]
    said = any(map(str.isalnum, answer.text[found.end() :]))
    followed = said and any(map(str.isalnum, answer.text[: found.start()])) and len(later) <= MAX_AFTER_POSTSCRIPT
    return Seen(followed, expected, f"one, {len(later)} paragraphs before the end" if said else "one that says nothing")


@lru_cache(maxsize=KEPT)
def _postscript_marker(marker: str) -> re.Pattern[str]:
    """Return a pattern for a marker at a line's or sentence's start; the stops in P.S. may be left out or spaced."""
    letters = normalise(marker).strip().rstrip(".")
    body = r"\.?\s?".join(map(re.escape, letters.split("."))) if "." in letters else re.escape(letters)
    return re.compile(rf"(?:^[ \t*_#>\"“(\[]*+|[.!?)\"”]\s+)(?:{body})(?!\w)", re.IGNORECASE | re.MULTILINE)


@FORMATS.kind("detectable_format:number_bullet_lists", num_bullets=number)
def bullets(answer: Answer, args: Args) -> Seen:
    """Exactly so many bullet points; officially any line that starts with a dash, and none with a plus."""
    count = len(_STAR_BULLET.findall(answer.text)) + len(_DASH_BULLET.findall(answer.text))
    return counted(count == args["num_bullets"], f"exactly {args['num_bullets']} bullet points", count)


@bullets.robust
def _markdown_bullets(answer: Answer, args: Args) -> Seen:
    count = len(_BULLET.findall(answer.text))
    return counted(count == args["num_bullets"], f"exactly {args['num_bullets']} bullet points", count)


@FORMATS.kind("detectable_format:number_highlighted_sections", num_highlights=number)
def highlights(answer: Answer, args: Args) -> Seen:
    """At least so many highlighted sections; officially also what stands between the stars of two products."""
    single = sum(1 for each in _HIGHLIGHT.findall(answer.text) if each.strip("*").strip())
    double = sum(1 for each in _DOUBLE_HIGHLIGHT.findall(answer.text) if each[2:-2].strip())
    wanted = args["num_highlights"]
    return counted(single + double >= wanted, f"at least {wanted} highlighted sections", single + double)


@highlights.robust
def _emphasised(answer: Answer, args: Args) -> Seen:
    count, wanted = len(_EMPHASIS.findall(answer.text)), args["num_highlights"]
    return counted(count >= wanted, f"at least {wanted} highlighted sections", count)


highlights.hopeless(always)


@FORMATS.kind("detectable_format:multiple_sections", section_spliter=pattern, num_sections=number)
def sections(answer: Answer, args: Args) -> Seen:
    """So many sections, each headed by a word and a number; officially more are fine and may stand anywhere."""
    name, wanted = args["section_spliter"].strip(), args["num_sections"]
    count = len(official(rf"\s?{name}\s?\d+\s?", re.NOFLAG).split(answer.text)) - 1
    return counted(count >= wanted, f"at least {wanted} times {name!r} with a number", count)


@sections.robust
def _headed_sections(answer: Answer, args: Args) -> Seen:
    name, wanted = args["section_spliter"].strip(), args["num_sections"]
    heading, start = _section_heading(name), normalise(name).split()[0].lower()
    found = (heading.match(line) for line in answer.lower.split("\n") if start in line)
    count = len({match[1] for match in found if match})
    return counted(count == wanted, f"exactly {wanted} sections headed {name!r} and a number", count)


@lru_cache(maxsize=KEPT)
def _section_heading(name: str) -> re.Pattern[str]:
    words = r"\s?".join(map(re.escape, normalise(name).split()))
    return re.compile(rf"[ \t#>*_\-\"“\[(<]*+{words}[ \t]?#?(\d+)(?!\w)", re.IGNORECASE)


@FORMATS.kind("detectable_format:json_format")
def json_format(answer: Answer, args: Args) -> Seen:
    """The whole answer is JSON, in a code fence or not; officially also NaN and bare values."""
    body = answer.text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        body = body.removeprefix(fence)
    expected = "JSON and nothing else"
    try:
        json.loads(body.removesuffix("```").strip())
    except (ValueError, RecursionError) as error:
        return Seen(False, expected, f"no JSON: {error}"[:120])
    return Seen(True, expected, "JSON")


@json_format.robust
def _json_object(answer: Answer, args: Args) -> Seen:
    body = answer.text.strip()
    if body.startswith("```"):
        body = body[3:].removesuffix("```").strip()
        body = body[4:] if body[:4].lower() == "json" else body
    if not body.lstrip().startswith(("{", "[")):
        return Seen(False, "a JSON object or list and nothing else", f"starts with {body[:20]!r}")
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return Seen(False, "JSON and nothing else", f"no JSON: {error}"[:120])
    return Seen(True, "JSON and nothing else", "JSON")


@FORMATS.kind("detectable_format:title")
def title(answer: Answer, args: Args) -> Seen:
    """A title in `<<` and `>>`; officially any such pair on a line."""
    found = next((each for line in answer.text.split("\n") if (each := _between(line)).strip("<>").strip()), "")
    return Seen(bool(found), "a title like <<poem of joy>>", found[:60] or "none")


@title.robust
def _real_title(answer: Answer, args: Args) -> Seen:
    found = next((line.strip() for line in answer.text.split("\n") if _is_titled(line)), "")
    return Seen(bool(found), "a title like <<poem of joy>>", found[:60] or "none")


def _between(line: str) -> str:
    """Return what stands from the first `<<` to the last `>>` of a line with something between, or nothing."""
    start, end = line.find("<<"), line.rfind(">>")
    return line[start : end + 2] if 0 <= start < end - 2 else ""


def _is_titled(line: str) -> bool:
    """Whether a title is on the line: by itself, or inside a sentence without blanks at its ends as `x << y` has."""
    between = _between(line)
    inner = between.strip("<>")
    if not any(map(str.isalnum, inner)):
        return False
    return _TITLE_LINE.fullmatch(line) is not None or not (inner[0].isspace() or inner[-1].isspace())


@FORMATS.kind("detectable_format:constrained_response")
def constrained(answer: Answer, args: Args) -> Seen:
    """One of three fixed answers; officially anywhere in the answer."""
    found = [option for option in FIXED_ANSWERS if option in answer.text]
    return Seen(bool(found), f"one of {', '.join(FIXED_ANSWERS)}", ", ".join(found) or answer.text.strip()[:60])


@constrained.robust
def _one_fixed_answer(answer: Answer, args: Args) -> Seen:
    ending = answer.lower.rstrip(" \n\"'*_`.") + "."
    found = [each for each in FIXED_ANSWERS if each.lower() in answer.lower or ending.endswith(each.lower())]
    return Seen(len(found) == 1, f"one of {', '.join(FIXED_ANSWERS)}", ", ".join(found) or answer.text.strip()[:60])
