"""Find the short answer that a completion gives; fails closed on contradictions and on prose without an answer."""

from __future__ import annotations

import re

from verifiers.catalog._answers import Field, Refused, answer_fields, changes_mind, settled, visible
from verifiers.catalog.qa.policy import Options
from verifiers.catalog.qa.words import words_of
from verifiers.text import sentences
from verifiers.types import Text

MAX_SHORT_CHARS = 200
"""A completion up to this long may be nothing but an answer."""
MAX_SHORT_WORDS = 24
MAX_ANSWER_CHARS = 600
"""An answer behind a phrase is read so far."""
MAX_PHRASES = 32
"""So many phrases are looked at, from the end."""
MAX_TAIL_CHARS = 8_192
"""Phrases are looked for this close to the end."""
BEFORE_CHARS = 60

_PHRASE = re.compile(
    r"(?<![A-Za-z])(?:(?:the|my|our|final|correct|short|best|right|exact) ){0,4}(?:answer|ans)"
    r"(?: (?:to|for) (?:this|the|your) question)?(?:\*\*|__|\")?"
    r"(?: (?:is|was|are|would be|should be|must be)(?![A-Za-z])(?: that)?|\s?[:：=])"
    r"|(?:最终|正确|最后)?答案(?:应该|应当|应|就)?(?:是|为|[:：])|^答[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_LEAD = re.compile(r"[\s*_:：\"'“”‘’「『`]*+")
_SUPPOSED = re.compile(
    r"(?<![A-Za-z])(?:if|suppose|whether|unless|some(?:one| people)? (?:say|think|claim)|wrong|incorrect"
    r"|might think)(?![A-Za-z])"
    r"[^.!?\n]{0,40}\Z|如果",
    re.IGNORECASE,
)
_YES_NO_START = re.compile(
    r"[\W_]*+(?:(yes|no|true|false|maybe)(?=[\s,.;:!—–-]|\Z)"
    r"|(是的?|不是|否|对|不对|正确|错误)(?=[，,。.！!；;]|\Z))",
    re.IGNORECASE,
)
_CLOSERS = " \t\n.。!！*_\"'“”‘’」』`"


def find_answer_text(completion: Text, options: Options, *, yes_no: bool = False) -> tuple[Field, str] | Refused:
    """Return the answer and the rule that found it, or why there is none.

    Args:
        completion: What the model answered.
        options: See `Options`.
        yes_no: Whether the reference is a yes or no, so that "Yes, because ..." answers it.
    """
    text = visible(completion)
    if text is None:
        return Refused("the think part is never closed: no final answer")
    if not text:
        return Refused("the completion is empty")
    if options.find == "whole":
        return Field(text, "whole completion", 0, len(text)), "whole completion"
    fields = [field for field in answer_fields(text) if options.find != "tag" or field.rule == "answer tag"]
    found = settled(text, fields, lambda field: words_of(field.text, options))
    if isinstance(found, Refused):
        return found
    if found is not None:
        return (found, found.rule) if found.text else Refused(f"the {found.rule} is empty")
    if options.find == "tag":
        return Refused("there is no answer tag")
    return _stated(text, options) or _short(text, yes_no)


def _stated(text: str, options: Options) -> tuple[Field, str] | Refused | None:
    """Read the last answer phrase; `None` if there is none."""
    lo = max(0, len(text) - MAX_TAIL_CHARS)
    fields = []
    for phrase in list(_PHRASE.finditer(text, lo))[-MAX_PHRASES:]:
        if _SUPPOSED.search(text[max(0, phrase.start() - BEFORE_CHARS) : phrase.start()]):
            continue
        lead = _LEAD.match(text, phrase.end())
        at = lead.end() if lead is not None else phrase.end()
        line = text[at : at + MAX_ANSWER_CHARS].split("\n", 1)[0]
        first = next(iter(sentences(line)), "").strip(_CLOSERS)
        if first:
            fields.append(Field(first, f"phrase: {phrase[0].strip()[:40]}", phrase.start(), at + len(first)))
    found = settled(text, fields, lambda field: words_of(field.text, options))
    if isinstance(found, Refused) or found is None:
        return found
    if text.rstrip().endswith(("?", "？")) and found.end >= len(text.rstrip(_CLOSERS + "?？")):
        return Refused("the answer is put as a question", True)
    if changes_mind(text, found.end, len(text)):
        return Refused("the answer is taken back", True)
    return found, found.rule


def _short(text: str, yes_no: bool) -> tuple[Field, str] | Refused:
    """Read a completion that is nothing but an answer, or that starts with the yes or no that is asked for."""
    if yes_no and (start := _YES_NO_START.match(text)) is not None:
        word = start[1] or start[2]
        others = {
            mark.lower() for mark in re.findall(r"(?<![A-Za-z])(?:[Yy]es|[Nn]o|[Mm]aybe)(?=[,.;!]|\Z| or )", text)
        }
        if others <= {word.lower()} and not changes_mind(text, start.end(), len(text)):
            return Field(word, "first word", 0, start.end()), "first word"
    if len(text) <= MAX_SHORT_CHARS and len(text.split()) <= MAX_SHORT_WORDS and not text.endswith(("?", "？")):
        return Field(text.strip(_CLOSERS) or text, "whole completion", 0, len(text)), "whole completion"
    return Refused("no short answer is stated")
