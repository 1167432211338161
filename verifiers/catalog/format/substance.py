"""Whether a part says anything: not empty, not padding, not a loop, not an echo of the template or of the prompt.

No meaning is judged. A part fails only for a reason that a reader would see at once, and each reason is named.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from verifiers.text import HAN, KANA, normalise, sentences, visible

MAX_READ_CHARS = 4_096
"""Words are looked at in so many characters; loops and padding are looked for in all of them."""
CHUNK_CHARS = 8_192
"""Loops are looked for in pieces of this size."""
LOOP_SHARE = 0.06
"""A piece that is compressed below this share of its size is a loop; dull enumerations stay above 0.1."""
MIN_LOOP_CHARS = 2_048
"""Shorter pieces are judged by their words alone."""
HAN_PER_WORD = 1.5
"""So many Han characters or kana say as much as one word."""
MIN_CONTENT = 2
"""Least different words, numbers or signs that are not filler."""
MIN_VISIBLE_SHARE = 0.2
"""Least share of a part's characters that can be seen, from `MIN_PADDED_CHARS` on."""
MIN_PADDED_CHARS = 120
SHORT_WORDS = 60
"""Up to here, repeated sentences and half-repeated phrases count as a loop too."""
MIN_ECHO_CHARS = 16
"""Shortest copy of the prompt that counts as one."""

_SIGNS = "+\\-*/=<>^√∑∫×÷≤≥≠≈→⇒∈∧∨¬±·&|%"
_UNIT = re.compile(rf"[{HAN}{KANA}]|[^\W_{HAN}{KANA}]++|[{_SIGNS}]")
_ASCII_SIGNS = "+-*/=<>^&|%"
_ONLY_UNITS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in _ASCII_SIGNS}
_ASCII_BLANKS = bytes(code for code in range(128) if chr(code).isspace())
_ONE_HAN = re.compile(rf"[{HAN}{KANA}]")
_EMPTY_BOX = re.compile(r"\\(?:boxed|fbox)\s*+\{\s*+\}")
_SYMBOL = re.compile(r"[^\s\w.,;:!?…。，；：！？、\"'`‘’“”()\[\]{}<>*_#~|\\/$-]")
_EMPTY_VALUES = ("[]", "{}", "()", '""', "''", "-", "/", "*")
_CARRIES = frozenset("+-*/=<>^√∑∫×÷≤≥≠≈→⇒")
_FILLER = frozenset(
    "a an the i me my we us our you your it its this that these those they there here is are was were be been am to "
    "of for in on at by with and or but so then let lets s ll m will would should shall can could may might must need "
    "needs want wants going go goes do does did done have has had get got now first second third firstly secondly "
    "thirdly next finally last lastly also just really very okay ok well hmm hm um uh ah oh alright sure wait think "
    "thinking thinks thought thoughts reason reasoning reasoned rationale process processes step steps by stepwise "
    "detailed detail careful carefully problem question task solve solving solved solution solutions answer answers "
    "answered final result results output response respond reply explain explanation analysis analyze analyse "
    "understand consider work show insert placeholder content text example examples tag tags inside between within "
    "enclosed write put start begin beginning end ends as about through how what which know see look user given give "
    "gives gave im ill asks asked assistant find figure out try everything more some all any yes no not through again "
    "new maybe actually chain cot internal monologue scratchpad reflection deep deeply long short etc e g eg ie too "
    "please therefore thus hence because since if when after before while during continue continuing proceed foo bar "
    "baz qux lorem ipsum dolor sit amet blah bla xxx asdf asdfg asdfgh qwerty test testing todo tbd na none null nan "
    "undefined string str true false".split()
)
_HAN_FILLER = re.compile(
    "让我们?|我们?|来|想一想|想想|思考|考虑|推理|一步步|一步一步|逐步|步骤|过程|首先|其次|然后|接着|最后|最终|答案|回答|好的?|嗯+|啊+|这里|在此|"
    "这个|问题|题目|分析|解答|解题|结果|内容|填写|写|你的|请|现在|开始|仔细|认真|需要|可以|知道|明白|了|的|是|在|吧|一下|如下|详细"
)
_PLACE_NOUNS = frozenset(
    "answer answers here result solution response output content placeholder text final insert".split()
)
_PLACEHOLDER = _PLACE_NOUNS | frozenset(
    "a an the your my our this that it is are be will should go goes and or in on at of to for with inside between tag "
    "tags put write enter only just step by reasoning thinking thought thoughts process explanation full".split()
)
"""Words of placeholders for an answer; an answer of none but these, with one of the nouns, says nothing."""
_RESTART = re.compile(
    r"\s*+(?:(?:ok(?:ay)?|alright|so|well)\b[,.! ]*+)?"
    r"(?:let me (?:think|reconsider|work|start)|let's (?:think|work)|wait\b|hmm)",
    re.IGNORECASE,
)


def hollow_thinking(text: str, min_words: int, prompt: str = "") -> str:
    """Return why a thinking part says nothing, or "" if it says something."""
    if not text.strip():
        return "" if not min_words else "it is empty"
    if not min_words:
        return ""
    return padding(text) or _hollow_words(normalise(text[:MAX_READ_CHARS]), min_words) or _echo(text, prompt)


def padding(text: str) -> str:
    """Return how a text is padded: with blanks, invisible characters, or pieces that repeat without end."""
    size = len(text)
    if not text.isascii() and size - len(visible(text)) > max(16, size // 10):
        return "it is padded with invisible characters"
    if size >= MIN_PADDED_CHARS and size - _seen(text) > (1 - MIN_VISIBLE_SHARE) * size:
        return "it is padded with blanks"
    if size >= MIN_LOOP_CHARS and loops(text, LOOP_SHARE):
        return "it repeats itself in a loop"
    return ""


def _seen(text: str) -> int:
    """Return how many characters are no blanks."""
    return len(text.encode().translate(None, _ASCII_BLANKS)) if text.isascii() else sum(map(len, text.split()))


def loops(text: str, share: float) -> bool:
    """Whether some piece of the text is compressed below a share of its size."""
    for at in range(0, max(1, len(text) - MIN_LOOP_CHARS + 1), CHUNK_CHARS):
        piece = text[at : at + CHUNK_CHARS].encode("utf-8", "surrogatepass")
        if len(zlib.compress(piece, 1)) < share * len(piece):
            return True
    return False


def _hollow_words(text: str, min_words: int) -> str:
    units = _units(text)
    kinds = set(units)
    han = sum(map(len, map(_ONE_HAN.findall, kinds))) if not text.isascii() else 0
    content = kinds - _FILLER
    if han:
        spoken = _HAN_FILLER.sub("", text)
        content = set(_UNIT.findall(spoken.casefold())) - _FILLER
    weight = float(len(units))
    if han and weight < min_words * HAN_PER_WORD:
        in_han = len(_ONE_HAN.findall(text))
        weight += in_han / HAN_PER_WORD - in_han
    if weight < min_words:
        return f"it has {len(units)} words, fewer than {min_words}"
    if len(content) < MIN_CONTENT + (han > 0):
        return "it has no words but fillers and placeholders"
    if not any(len(unit) > 1 and not unit.isdigit() for unit in content) and not han and not kinds & _CARRIES:
        return "it has nothing but single letters and numbers"
    return _repetition(text, units, kinds)


def _units(text: str) -> list[str]:
    """Return the words, numbers and signs in small letters, in their order."""
    if not text.isascii():
        return _UNIT.findall(text.casefold())
    text = text.lower().translate(_ONLY_UNITS)
    for sign in _ASCII_SIGNS:
        if sign in text:
            text = text.replace(sign, f" {sign} ")
    return text.split()


def _repetition(text: str, units: list[str], kinds: set[str]) -> str:
    total = len(units)
    if total < 8 or len(kinds) > (total if total <= SHORT_WORDS else total / 4):
        return ""
    triples = len(set(zip(units, units[1:], units[2:], strict=False)))
    if triples < (0.5 if total <= SHORT_WORDS else 0.2) * (total - 2):
        return "it repeats the same words"
    if total <= SHORT_WORDS:
        said = [sentence.casefold() for sentence in sentences(text)]
        if len(said) > 1 and len(set(said)) == 1:
            return "it repeats one sentence"
    return ""


@lru_cache(maxsize=256)
def _flat(text: str) -> str:
    return " ".join(normalise(text).casefold().split())


def _echo(text: str, prompt: str) -> str:
    if not prompt or len(text) > 2 * len(prompt) + MIN_ECHO_CHARS:
        return ""
    said = " ".join(normalise(text).casefold().split())
    return "it copies the prompt" if len(said) >= MIN_ECHO_CHARS and said in _flat(prompt) else ""


def hollow_answer(text: str) -> str:
    """Return why an answer says nothing, or "" if it says something. Any value counts, however short."""
    stripped = text.strip()
    if not stripped:
        return "it is empty"
    if reason := padding(text):
        return reason
    head = normalise(stripped[:MAX_READ_CHARS]).strip()
    if head in _EMPTY_VALUES:
        return ""
    said = _EMPTY_BOX.sub(" ", head)
    emptied = said != head
    units = _UNIT.findall(said.casefold())
    kinds = {unit for unit in units if unit.isalnum()}
    if not kinds:
        return "" if not emptied and _SYMBOL.search(said) else "it holds nothing but punctuation"
    if emptied:
        return "it holds an empty box"
    if kinds <= _PLACEHOLDER and kinds & _PLACE_NOUNS:
        return "it holds nothing but a placeholder"
    return ""


def moved_reasoning(thinking: str, answer: str) -> str:
    """Return a fault if the answer starts to think anew, at greater length than the thinking part did."""
    if len(answer) > len(thinking) and _RESTART.match(answer):
        return "the reasoning is in the answer"
    return ""
