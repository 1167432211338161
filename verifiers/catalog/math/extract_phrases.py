"""Find the sentence that states the final answer: answer phrases, `#### 42`, conclusions, a whole short completion.

English and Chinese. Only the end of the text is looked at, so the cost is bounded; nothing here falls back to "the
last number".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from verifiers.catalog.math.extract_values import (
    MATH,
    NOTHING,
    Outcome,
    Stated,
    blank_markup,
    conclusion,
    hedged,
    holds_any,
    is_all_value,
    statement,
    unwrap,
)

MAX_TAIL_CHARS = 3_000
"""Answer phrases are looked for this close to the end."""
MAX_CONCLUSION_CHARS = 800
"""The concluding sentence is looked for this close to the end."""
MAX_PHRASES = 16
"""So many phrases are tried from the end, until one states a value."""
MAX_WHOLE_CHARS = 400
"""A completion up to this long may be nothing but an answer."""
MAX_WHOLE_WORDS = 12
MAX_LABEL_WORDS = 3
MAX_AFTER_CHARS = 400
"""A phrase other than "final answer" counts only this close to the end."""
MAX_GAP_CHARS = 160
"""A second thought is looked for this far behind an answer."""

_PHRASE = re.compile(
    r"(?<![A-Za-z])(?P<choice>(?:[Oo]ption|[Cc]hoice)s?)?(?(choice)|(?:[Aa]nswers?|ANSWERS?|[Aa]ns|ANS))"
    r"(?![A-Za-z])(?:\*\*|__|['’\"”)])?(?:\s?\([^()\n]{0,40}\))?"
    r"(?:[^.\n:：=?$\\]{0,60}?(?:(?<![A-Za-z])(?:is|are|equals?|be|was|IS)(?![A-Za-z])|isn(?=['’]t)|[:：=](?!\s?\}))"
    r"|(?=\s{0,3}(?:[$]|\\[(\[]))|[*#\s]{0,4}(?=\n))"
    r"|(?:答案|结果)(?:应该|应当|应|就)?(?:为|是|等于|选择?|[:：=])|(?P<letter>(?:所以|[故应因此题则])选择?)|答[:：]"
)
_PHRASE_GATES = ("nswer", "NSWER", "ption", "hoice", "ns:", "NS:", "ns.", "答", "结果", "选")
_CORRECT_CHOICE = re.compile(
    r"[*(（]{0,3}(?<![A-Za-z])([A-J])[)）*.]{0,3}\s(?i:is|seems) (?i:the )?(?i:correct|right|best)"
)
_LABEL_LINE = re.compile(r"[^\w\n$\\(\[{-]{0,8}(?:(?:(?i:final )?(?i:answer|ans)|A|答案?)[*_]{0,2}\s?[:：]|Ans\.)(?=.)")
_PLAIN_LINE = re.compile(r"(?:A|#{4}|(?:The |Final )?[Aa]nswer)(?::| is:?)? ?(-?\d++(?:[,.]\d++)*+)\.?\s*\Z")
_FORMULA_LINE = re.compile(
    r"(?:\*\*(?:Final )?Answer(?::\*\*|\*\*:?)|(?:Final )?Answer:"
    r"|(?P<so>(?:Hence|Thus|Therefore|So),? we (?:get|have|obtain|find)))"
    r" ?\$(?!\s?\\text)((?:[^$\\\n]|\\[^$\n])++)\$\.?\s*\Z"
)
_CHINESE_LINE = re.compile(
    r"(?:[\u3400-\u9fffA-Za-z()（） ]{0,24}?(?:为|是|等于)\s?(?:选项)?"
    r"(?P<value>[A-J](?=[\s。.]*\Z)|负?[零〇一二三四五六七八九十百千万亿两半又点分之]{1,24})"
    r"|[\u3400-\u9fffA-Za-z ]{0,12}(?P<none>无解|无实数解|没有实数解|没有解))[\s。.]*\Z"
)
_CHINESE_DOUBT = re.compile(r"不|非|令|设|可能|也许|大概|或|吗|约|若|如果|除了|并未")
_SENTENCE_END = re.compile(
    rf"{MATH}|(?P<end>(?:[.?]|!(?!\s?[-+*/^=<>]))(?=[\s\"'”*)\]]|$)|[。！？]|\n(?!\s{{0,8}}(?:\\\[|\$\$)))"
)
_CUE = re.compile(
    r"(?<![A-Za-z])(?:therefore|thus|hence|so|consequently|it follows|in conclusion|in total|altogether|finally|overall"
    r"|in summary|we (?:get|have|find|obtain|conclude|see)|this (?:gives|means|yields)"
    r"|the (?:final )?(?:result|solution))(?![A-Za-z])"
    r"|所以|因此|综上|故|于是|从而|最后|一共|总共|共|答|∴|\\therefore|⇒",
    re.IGNORECASE,
)
_STATING = re.compile(r"[:：=是为]|\b(?:is|are|gets?|equals?)\b", re.IGNORECASE)
_CLAUSE_CUE = re.compile(r"(?<![A-Za-z])(?:Therefore|Thus|Hence|So|Consequently|Finally)(?![A-Za-z])|所以|因此|综上")
_PROBLEM = re.compile(
    r"[\W_]*+(?:(?:find|compute|evaluate|simplify|determine|solve|calculate|what|how|which|given|let|suppose|assume"
    r"|consider|if|prove|show|express|(?:we|i) (?:need|want|must|will|should|are (?:asked|given))|our goal"
    r"|to (?:find|solve|compute|determine)|step \d++|first|next|possibl[ey])(?![A-Za-z])"
    r"|请|求|计算|化简|已知|设|若|如果|解方程)",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|can ?not|can['’]t|could not|couldn['’]t|unable to|not able to|failed to)"
    r"\s(?:\w+\s)?(?:know|determine|finish|solve|find|answer|figure|complete|conclude)|\bgive up\b|\bnot sure\b"
    r"|不知道|无法(?:确定|求|得|解|回答)|放弃",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    r"\bactually,? (?:no|wait)\b|\bno, (?:that|this|it)(?:['’]s| is| was)? (?:wrong|incorrect|not|should)"
    r"|\b(?:that|this|which|it|the answer|above)(?:['’]s| is| was) (?:wrong|incorrect|not (?:right|correct)|false)\b"
    r"|\bI (?:have )?made an? (?:mistake|error)"
    r"|\b(?:that|this|which|it) (?:is|was|would be) (?:a|an) (?:mistake|error|trap)"
    r"|\b(?:scratch|strike|disregard|ignore) (?:that|this|the above)\b"
    r"|不对|错了|更正|算错",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"[\s$.,*)\\\]]*+(?:(?:is|are|was)(?: not|n['’]t) (?:the|my|our|a|an)? ?(?:final |correct |right |valid )*"
    r"(?:answer|solution|correct|right|valid|it)\b|(?:is|are|was) (?:wrong|incorrect|false)\b|不是(?:正确)?答案|不对)",
    re.IGNORECASE,
)
_SECOND_THOUGHT = re.compile(
    r"[\s$.,;*)\\\]]*+(?:or|alternatively),? (?:also |else |it['’]s |it is |possibly |even )*[$\\(]{0,3}[\d-]"
    r"|[^.!?\n]{0,40}?[.!?,;(\s](?:maybe|perhaps|possibly|probably|(?:might|could|may) (?:also |instead )?be)"
    r"\b[^.\n]{0,12}?[\d$\\]",
    re.IGNORECASE,
)
_PHRASE_NEGATED = re.compile(r"(?:\b(?:not|never|cannot)|n['’]t|不)(?![A-Za-z])", re.IGNORECASE)
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|assum(?:e|ing)|whether|unless|until|guess|say|false|doubt|deny|untrue|unlikely|impossible"
    r"|not (?:true|the case|think|believe|mean|say)|n['’]t (?:true|the case|think|believe|mean|say)"
    r"|(?:may|might|could|would|people|some|someone|one) (?:think|say|believe|claim|guess|argue)s?)"
    r",?\s(?:that )?(?:(?:the|my|our|final|correct)\s)*$",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"\b(?:(?:we|i|you) (?:need|want|must)(?: to)?|asks?|asked|problem|question|let['’]?s|let us|goal|required to)\b",
    re.IGNORECASE,
)
_CHAT = re.compile(
    r"\W*+(?:let me know|feel free|(?:I )?hope (?:this|that|it)|please|thanks?|if you (?:have|need|want)"
    r"|would you like)",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """What was stated, and the rule that found it."""

    stated: Stated
    rule: str


def spoiled(text: str, lo: int) -> Outcome | None:
    """Return how the text from `lo` on spoils the answer before it: taken back, denied, or a second one offered."""
    if len(text) - lo < 6:
        return None
    if _DENIED.match(text, lo) or _RETRACTED.search(text, lo, lo + MAX_TAIL_CHARS):
        return "negated"
    return "hedged" if _SECOND_THOUGHT.match(text, lo, lo + MAX_GAP_CHARS) else None


def final_statement(text: str) -> Answer:
    """Return what the end of a text without boxes and tags states; rule by rule, the surest first."""
    end = len(text.rstrip())
    line = text.rfind("\n", 0, end) + 1
    if plain := _PLAIN_LINE.match(text, line, end):
        return Answer(Stated("value", plain[1], plain.start(1), plain.end(1), True), "answer line")
    if formula := _FORMULA_LINE.match(text, line, end):
        rule = "conclusion" if formula["so"] else "answer line"
        return Answer(Stated("value", formula[2].strip(), formula.start(2), formula.end(2), True), rule)
    if (said := _chinese_line(text, line, end)) is not None:
        return said
    lo = max(0, end - MAX_TAIL_CHARS)
    tail = blank_markup(text[lo:end])
    if (found := _last_line(tail)).stated is NOTHING and (found := stated_phrase(tail, 0)).stated is NOTHING:
        found = _without_phrase(tail, whole=lo == 0)
    stated = found.stated
    return Answer(Stated(stated.outcome, stated.text, stated.start + lo, stated.end + lo, stated.direct), found.rule)


def _chinese_line(text: str, line: int, end: int) -> Answer | None:
    """Read a Chinese last clause that states a numeral, a letter or that there is no solution (所以概率为三分之一)."""
    if end - line > MAX_WHOLE_CHARS or text.isascii():
        return None
    clause = max(
        line, text.rfind("，", line, end) + 1, text.rfind(",", line, end) + 1, text.rfind("。", line, end - 1) + 1
    )
    found = _CHINESE_LINE.match(text, clause, end)
    if found is None or _CHINESE_DOUBT.search(text, line, end):
        return None
    name = "value" if found["value"] else "none"
    return Answer(Stated("value", found[name], found.start(name), found.end(name), True), "conclusion")


def _last_line(tail: str) -> Answer:
    """Read a last line "A: 29" or "Answer: 42", and the last "#### 42" unless a phrase follows it."""
    line = tail.rfind("\n") + 1
    if label := _LABEL_LINE.match(tail, line):
        stated = statement(tail, label.end(), sentence_end(tail, label.end()))
        return Answer(_unless_spoiled(tail, stated), "answer line")
    return hash_line(tail, phrases=True)


def hash_line(tail: str, *, phrases: bool) -> Answer:
    """Read the last "#### 42" (GSM8K); `phrases` = an answer phrase after it counts more."""
    mark = tail.rfind("####")
    if mark < 0:
        return Answer(NOTHING, "")
    start = mark + 4
    stop = tail.find("\n", start)
    stop = len(tail) if stop < 0 else stop
    if not (is_all_value(tail[start:stop]) or stop == len(tail)):
        return Answer(NOTHING, "")
    later = stated_phrase(tail, stop) if phrases else Answer(NOTHING, "")
    return later if later.stated is not NOTHING else Answer(statement(tail, start, stop), "#### line")


def stated_phrase(tail: str, lo: int) -> Answer:
    """Read the last answer phrase from `lo` on that states something."""
    if not holds_any(tail, _PHRASE_GATES):
        return Answer(NOTHING, "")
    phrases = list(_PHRASE.finditer(tail, lo))[-MAX_PHRASES:]
    choice = _CORRECT_CHOICE.search(tail, max(lo, len(tail) - 80))
    if choice and not (phrases and phrases[-1].start() > choice.start()) and not tail.endswith("?"):
        return Answer(Stated("value", choice[1], choice.start(1), choice.end(1), True), "phrase: is correct")
    for phrase in reversed(phrases):
        stated = _after_phrase(tail, phrase)
        if stated.outcome != "none":
            return Answer(stated, f"phrase: {' '.join(phrase[0].split())[:40]}")
    return Answer(NOTHING, "")


def _after_phrase(tail: str, phrase: re.Match[str]) -> Stated:
    """Read the statement after a phrase, with what stands around both."""
    start, lo = phrase.span()
    before = tail[max(0, start - 40) : start]
    final = before[-6:].lower() == "final "
    if _SUPPOSED.search(before):
        return Stated("hedged", tail[start:lo], start, lo)
    end = sentence_end(tail, lo)
    stated = statement(tail, lo, end, choice=bool(phrase["choice"] or phrase["letter"]))
    if stated.outcome == "none" or (len(tail) - end > MAX_AFTER_CHARS and not final):
        return NOTHING
    if phrase[0].endswith("isn"):
        return stated._replace(outcome="negated")
    if _PHRASE_NEGATED.search(phrase[0]):
        return stated._replace(outcome="negated")
    if hedged(tail, start, lo):
        return stated._replace(outcome="hedged")
    return _unless_spoiled(tail, stated)


def _unless_spoiled(tail: str, stated: Stated) -> Stated:
    outcome = spoiled(tail, stated.end) if stated.outcome in ("value", "text") else None
    return stated._replace(outcome=outcome) if outcome else stated


def sentence_end(text: str, lo: int) -> int:
    """Return the offset after the sentence that starts at `lo`; leading line ends are passed over."""
    size = len(text)
    while lo < size and text[lo] in " \t\n*:：#":
        lo += 1
    for mark in _SENTENCE_END.finditer(text, lo):
        if mark["end"]:
            return mark.end()
    return size


def _without_phrase(tail: str, *, whole: bool) -> Answer:
    """Read a text without any answer phrase: nothing but an answer, a conclusion, or a few words."""
    while (lo := _last_sentence(tail)) and _CHAT.match(tail, lo):
        tail = tail[:lo].rstrip()
    short = whole and len(tail) <= MAX_WHOLE_CHARS
    start = len(tail) - len(tail.lstrip())
    if short and is_all_value(tail):
        return Answer(Stated("value", _shown(tail), start, len(tail), True), "whole completion")
    if not tail or _GAVE_UP.search(tail, max(0, len(tail) - MAX_CONCLUSION_CHARS)):
        return Answer(NOTHING, "")
    alone = short and not tail[:lo].strip()
    for cue in _CLAUSE_CUE.finditer(tail, lo):
        lo = cue.start()
    task = _PROBLEM.match(tail, lo) or _TASK.search(tail, lo)
    cued = _CUE.search(tail, lo) is not None
    if not task and (alone or cued):
        stated = _unless_spoiled(tail, conclusion(tail, lo, len(tail), cued=cued))
        if stated.outcome != "none" and not _is_label(tail, lo, stated.start):
            return Answer(stated, "conclusion")
    if alone and not task and not tail.endswith(("?", "？")) and len(tail.split()) <= MAX_WHOLE_WORDS:
        if hedged(tail, lo, len(tail)):
            return Answer(Stated("hedged", tail, start, len(tail)), "whole completion")
        return Answer(Stated("text", _shown(tail), start, len(tail)), "whole completion")
    return Answer(NOTHING, "")


def _is_label(tail: str, lo: int, start: int) -> bool:
    """Whether a value ends a few words that state nothing ("June 20"): then the words are the answer."""
    return (
        start > lo + 1 and len(tail.split()) <= MAX_LABEL_WORDS and not _CUE.search(tail) and not _STATING.search(tail)
    )


def _shown(text: str) -> str:
    shown = unwrap(text)
    return shown.rstrip(".。") if not shown.endswith("...") else shown


def _last_sentence(tail: str) -> int:
    """Return the offset where the last sentence starts; a display on its own belongs to the words before it."""
    starts = [max(0, len(tail) - MAX_CONCLUSION_CHARS)]
    starts += [mark.end() for mark in _SENTENCE_END.finditer(tail, starts[0]) if mark["end"] and mark.end() < len(tail)]
    while len(starts) > 1 and not tail[starts[-1] :].strip():
        starts.pop()
    return starts[-1]
