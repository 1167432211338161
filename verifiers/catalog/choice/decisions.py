"""Find which option a completion decides for. Fails closed on hedges, enumerations and contradictions.

Every statement of a choice is a decision with a strength: an answer field, a phrase, a conclusion, a mere mention. The
last of the strongest counts; a different one before it, or a weaker one behind it, needs a change of mind in between
("wait, no"), else the completion contradicts itself and chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from verifiers.catalog._answers import Field, Refused, answer_fields, changes_mind
from verifiers.catalog.choice import patterns as p
from verifiers.catalog.choice.listed import Listed
from verifiers.catalog.choice.values import Value, value_at

MAX_PHRASES = 64
"""So many phrases of each kind are looked at, from the end."""
MAX_VALUES = 3
"""A completion that decides for more different options than this decides for none."""
MAX_JUDGED_CHARS = 8_192
"""A letter that is judged correct counts this close to the end."""
BEFORE_CHARS = 80
"""A phrase is weakened by what stands this close before it in its sentence."""
MAX_BARE_CHARS = 200
"""A completion up to this long may be nothing but a choice."""
MAX_JOINED_CHARS = 24
"""Boxes this close to one another may list several letters."""

_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mathbf|textit|mbox|mathit|bf|rm)\s?\{([^{}]*+)\}")
_STRUCK = re.compile(r"~~[^~\n]{1,80}~~")
_MARKUP = re.compile(r"\*\*|__|`|\\[()\[\]]|(?<!\w)[*_](?=\w)|(?<=[\w.)!])[*_](?!\w)|\$")
_BLANKS = re.compile(r"[ \t]{2,}+")
_LEAD = re.compile(
    r"[\W_]*+(?:(?i:final answer|answer|option|choice|letter|is|the|my|both|definitely"
    r"|certainly|clearly|correct|选项?|答案|是|为)[\W_]*+)*+(?=[\w(\[（])"
)
_OPENING = re.compile(r"[(（\[\"'“]*+\Z")
_JOIN = re.compile(r"[\s$,，、;.*()\\]*+(?:and|以及|和|与)?[\s$,，、*()\\]*+")


class Strength(IntEnum):
    """How much a decision counts."""

    MENTION = 0
    CONCLUSION = 1
    STATEMENT = 2
    FIELD = 3


class Decision(NamedTuple):
    """A choice that the completion makes, or (`problem`) makes unclear."""

    letters: str
    start: int
    end: int
    strength: Strength
    rule: str
    problem: str = ""


def tidy(text: str) -> str:
    r"""Remove Markdown emphasis, struck words, `$` and `\text{}` from a visible text: what `decide` reads."""
    text = _STRUCK.sub("", _TEXT_COMMAND.sub(r"\1", text) if "\\" in text else text)
    return _BLANKS.sub(" ", _MARKUP.sub("", text)).strip()


def decide(text: str, listed: Listed) -> Decision | Refused:
    """Return the decision that counts, of a tidy visible text, or why there is none."""
    if not text:
        return Refused("the completion is empty")
    if (bare := _bare(text, listed)) is not None:
        return bare if not bare.problem else Refused(bare.problem, True)
    fields = answer_fields(text)
    plain = _plain(text, fields)
    found = [*_in_fields(text, fields, listed), *_in_prose(plain, listed)]
    if not found:
        found = list(_mentions(plain, listed))
    return _settled(plain, sorted(found, key=lambda each: (each.start, each.strength)))


def _plain(text: str, fields: list[Field]) -> str:
    """Blank out fields; offsets stay as they are."""
    pieces, at = [], 0
    for field in fields:
        if field.start >= at:
            pieces += [text[at : field.start], " " * (field.end - field.start)]
            at = field.end
    return "".join([*pieces, text[at:]])


def _bare(text: str, listed: Listed) -> Decision | None:
    """Read a completion that is nothing but a choice."""
    if len(text) > MAX_BARE_CHARS or answer_fields(text):
        return None
    plain = text.strip()
    if (named := listed.named_by(plain)) is not None:
        return Decision(named, 0, len(text), Strength.STATEMENT, "whole completion")
    value = _field_value(plain, listed)
    if value is None or "\n" in plain or plain.endswith(("?", "？")):
        return None
    if plain[value.end :].strip(" .。)）]】*!！\"'”"):
        return None
    return Decision(value.letters, 0, len(text), Strength.STATEMENT, "whole completion", value.problem)


def _field_value(text: str, listed: Listed) -> Value | None:
    lead = _LEAD.match(text)
    at = lead.end() if lead is not None else 0
    found = value_at(text, at, listed)
    return found if found is not None or not at else value_at(text, 0, listed)


def _in_fields(text: str, fields: list[Field], listed: Listed) -> Iterator[Decision]:
    joined: Decision | None = None
    for field in fields:
        before = text[max(0, field.start - BEFORE_CHARS) : field.start]
        if p.NOT_BEFORE.search(before):
            continue
        decision = _one_field(field, listed)
        if (
            p.HEDGED.search(before[_sentence_start(before) :])
            or text[field.end : field.end + 3].lstrip(" $*.")[:1] == "?"
        ):
            decision = decision._replace(problem=decision.problem or "the choice is hedged")
        if joined is not None and _adjoin(text, joined, decision):
            both = "".join(sorted({*joined.letters, *decision.letters}))
            joined = decision._replace(letters=both, start=joined.start)
            continue
        if joined is not None:
            yield joined
        joined = decision
    if joined is not None:
        yield joined


def _adjoin(text: str, left: Decision, right: Decision) -> bool:
    """Whether two boxes stand side by side and so list several letters."""
    near = right.start - left.end <= MAX_JOINED_CHARS and left.rule == right.rule == "box"
    return near and _JOIN.fullmatch(text, left.end, right.start) is not None


def _sentence_start(before: str) -> int:
    """Return where the sentence starts that goes on behind this text."""
    start = 0
    for mark in p.SENTENCE.finditer(before):
        start = mark.end()
    return start


def _one_field(field: Field, listed: Listed) -> Decision:
    inner = field.text
    if field.items is not None:
        values = [_field_value(item, listed) for item in field.items]
        letters = "".join(sorted({letter for value in values if value for letter in value.letters}))
        value: Value | None = Value(letters, 0) if letters and all(values) else None
    else:
        value = _field_value(inner, listed)
    if value is None and field.rule == "answer tag" and len(inner) > 1 and "nswer>" not in inner:
        found = decide(inner, listed)
        value = Value("", 0, found.reason) if isinstance(found, Refused) else Value(found.letters, 0)
    problem = value.problem if value is not None else f"the {field.rule} names no option"
    letters = value.letters if value is not None else ""
    return Decision(letters, field.start, field.end, Strength.FIELD, field.rule, problem)


def _in_prose(text: str, listed: Listed) -> Iterator[Decision]:
    yield from _after_phrases(text, listed, p.NOUN, Strength.STATEMENT)
    yield from _after_phrases(text, listed, p.VERB, Strength.STATEMENT)
    yield from _after_phrases(text, listed, p.CONCLUDED, Strength.CONCLUSION)
    yield from _judged(text, listed)
    yield from _lines(text, listed)


def _after_phrases(text: str, listed: Listed, pattern: re.Pattern[str], strength: Strength) -> Iterator[Decision]:
    for phrase in list(pattern.finditer(text))[-MAX_PHRASES:]:
        groups = phrase.groupdict()
        before = text[max(0, phrase.start() - BEFORE_CHARS) : phrase.start()]
        before = before[_sentence_start(before) :]
        if p.PLURAL.fullmatch(phrase[0].strip()) or _supposed(before, phrase[0]) or groups.get("zhno"):
            continue
        if "\n" in phrase[0] and not p.LINKED.search(phrase[0]) and not _starts_line(text, phrase.start()):
            continue
        at = phrase.end() - len(_OPENING.search(phrase[0])[0])  # type: ignore[index]
        if groups.get("isnt") or groups.get("zhnot"):
            but = p.BUT.search(text, at, at + BEFORE_CHARS)
            if but is None:
                continue
            at = but.end()
        value = value_at(text, at, listed)
        rule = f"phrase: {' '.join(phrase[0].split())[:40]}"
        if value is None:
            if p.HEDGED.match(text, at) or p.OPEN.match(text, at):
                yield Decision("", phrase.start(), at + 1, strength, rule, "the choice is hedged")
            continue
        if text[value.end : value.end + 3].lstrip(' )）】"')[:1] in ("?", "？", "吗", "么") and value.end < len(text):
            continue
        problem = value.problem or ("the choice is hedged" if p.HEDGED.search(before) else "")
        yield Decision(value.letters, phrase.start(), value.end, strength, rule, problem)


def _starts_line(text: str, at: int) -> bool:
    return not any(map(str.isalnum, text[max(text.rfind("\n", 0, at) + 1, at - BEFORE_CHARS) : at]))


def _supposed(before: str, phrase: str) -> bool:
    """Whether what stands before a phrase in its sentence makes it another's view, or a mere supposition."""
    clause = before if p.UNREAL.search(phrase) else before[max(before.rfind(","), before.rfind("，")) + 1 :]
    return p.SUPPOSED.search(before) is not None or p.IF.search(clause) is not None


def _judged(text: str, listed: Listed) -> Iterator[Decision]:
    for mark in list(p.JUDGED.finditer(text, max(0, len(text) - MAX_JUDGED_CHARS)))[-MAX_PHRASES:]:
        start = mark.start()
        before = text[max(0, start - BEFORE_CHARS) : start]
        alone = mark[0][:1].isalpha() and not mark[0][1:2].isalpha()
        if mark["no"] or p.NONE_OF.search(before) or (alone and not p.MAY_JUDGE.search(before)):
            continue
        sentence = before[_sentence_start(before) :]
        end = p.SENTENCE.search(text, mark.end())
        if _supposed(sentence, mark[0]) or (end is not None and end[0] in "?？"):
            continue
        letters = "".join(sorted(set(re.findall("[A-J]", mark["letters"]))))
        if not set(letters) <= set(listed.letters):
            continue
        offered = re.search(r"or|或|/", mark["letters"]) is not None
        problem = (
            "several options are offered" if offered else "the choice is hedged" if p.HEDGED.search(sentence) else ""
        )
        yield Decision(letters, start, mark.end(), Strength.CONCLUSION, "judged correct", problem)


def _lines(text: str, listed: Listed) -> Iterator[Decision]:
    """Read a first or last line that is a letter, or a letter with its text, outside a list of options."""
    spans = [line.span() for line in re.finditer(r"[^\n]++", text) if line[0].strip()]
    if not spans:
        return
    bare = [(p.BARE_LINE.fullmatch(text[lo:hi]), lo, hi) for lo, hi in spans]
    letters = {mark[1] for mark, _, _ in bare if mark is not None and mark[1] in listed.letters}
    for index in sorted({0, len(spans) - 1}):
        mark, lo, hi = bare[index]
        if mark is not None and mark[1] in listed.letters:
            problem = "several options are listed" if len(letters) > 1 and not changes_mind(text, 0, lo) else ""
            yield Decision(mark[1], lo, hi, Strength.CONCLUSION, "a line of its own", problem)
        elif (option := p.OPTION_LINE.match(text, lo, hi)) is not None:
            beside = [spans[near] for near in (index - 1, index + 1) if 0 <= near < len(spans)]
            if any(p.OPTION_LINE.match(text, *near) for near in beside):
                continue
            answer = p.LABELLED_A.match(text, lo, hi)  # "A: B" answers "Q: ..."
            value = value_at(text, answer.end() if answer is not None else option.start(1), listed)
            if value is not None and (answer is not None or value.letters == option[1]):
                yield Decision(value.letters, lo, hi, Strength.CONCLUSION, "a line of its own", value.problem)


def _mentions(text: str, listed: Listed) -> Iterator[Decision]:
    """Read the last sentence of a completion that states nothing: "... option B.", "... gout (B)", "So it is gout"."""
    body = text.rstrip()
    lo = _sentence_start(body.rstrip('.!?。！？*)）"”’ '))
    last = body[lo:]
    if last.endswith(("?", "？")) or p.HEDGED.search(last) or _supposed(last, "would"):
        return
    if p.OPTION_LINE.match(last):
        return
    denied = re.search(
        r"(?<![A-Za-z])(?:not|never|neither|nor|except|wrong|incorrect)(?![A-Za-z])|n['’]t|[不非错]",
        last,
        re.IGNORECASE,
    )
    if denied is not None:
        return
    named = {mark[1] for mark in p.OPTION_NAMED.finditer(last)} | {mark[1] for mark in p.PARENTHESIZED.finditer(last)}
    named &= set(listed.letters)
    if len(named) == 1 and (p.ENDS_WITH.search(last) or p.OPTION_NAMED.search(last)):
        (letter,) = named
        texts = listed.within(last)
        if not texts - {letter}:
            yield Decision(letter, lo, len(body), Strength.MENTION, "last sentence")
    elif not named and p.CUE.search(last):
        texts = listed.within(last)
        if len(texts) == 1:
            yield Decision(texts.pop(), lo, len(body), Strength.MENTION, "option text in the last sentence")


def _settled(text: str, found: list[Decision]) -> Decision | Refused:
    if not found:
        return Refused("no choice is stated")
    last, top = found[-1], max(each.strength for each in found)
    winner = next(each for each in reversed(found) if each.strength == top)
    if last.letters != winner.letters and last.start >= winner.end:
        if changes_mind(text, winner.end, last.end):
            winner = last
        else:
            return Refused("the completion contradicts its own choice", True)
    if winner.problem:
        return Refused(winner.problem, True)
    different = {each.letters for each in found if each.letters and not each.problem}
    if len(different) > MAX_VALUES:
        return Refused("the completion decides for option after option", True)
    for each in found:
        rival = each.strength >= winner.strength and each.letters != winner.letters and each.end <= winner.start
        if rival and not changes_mind(text, each.end, min(len(text), winner.start + 20)):
            return Refused("several different choices are stated", True)
    return _unless_spoiled(text, winner)


def _unless_spoiled(text: str, winner: Decision) -> Decision | Refused:
    if p.TAKEN_BACK.match(text, winner.end):
        return Refused("the choice is taken back", True)
    for thought in p.SECOND_THOUGHT.finditer(text, winner.end):
        letter = thought[1].upper()
        if thought[1].isupper() and letter not in winner.letters and not p.DENIED.search(thought[0]):
            return Refused("the choice is hedged afterwards", True)
    return winner
