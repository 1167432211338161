r"""A reward for answering in the prompt's language, in [0, 1]: the share of the words that are in it.

R = words in the target language / all words, as DeepSeek-R1 (arXiv 2501.12948, section 2.3.2) rewards "the proportion
of target language words in the CoT"; it has no public implementation. Here a word counts as the target's if it is
written in its script; where languages share a script, times the share of that script's text that CLD2 finds to be in
the target language. Formulas, code, paths, URLs, tags and single Latin letters are not counted.

The target is the prompt's main language, or set by `language`. Languages that CLD2 cannot tell apart in short texts
(Indonesian and Malay, Bosnian, Croatian and Serbian, ...) count as one. Needs the extra `rules` (pycld2).

Refuses to judge a prompt whose language cannot be told (`undecided=neutral`: pays `neutral`); so too a completion of
fewer than `min_words` words, or one in which CLD2 finds no language. An empty completion gets 0. Known limits: of texts
longer than 64,000 characters both ends are read; quotations in another language count against the text, and a
prompt that asks for another language than its own needs `language`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from verifiers.catalog.shaping._measure import bounded, not_judged
from verifiers.errors import MissingExtra, require
from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.text import HAN, KANA, normalise, words
from verifiers.types import Sample, Status, Text, Verdict, text_of

MAX_CHARS = 64_000
MAX_DETECTED_CHARS = 20_000
"""So much of a script's text is shown to CLD2."""
MIN_DETECTED_PERCENT = 50
"""Least share of a prompt that its main language has, by CLD2."""

_FENCED = re.compile(r"```(?:[^`]|`(?!``))*+(?:```)?")
_FENCED_CODE = re.compile(r"```(?!(?:json|text|txt|plain|markdown|md)?[ \t]*+\n)(?:[^`]|`(?!``))*+(?:```)?")
_SKIPPED = re.compile(
    r"`[^`\n]*+`|\$\$(?:[^$]|\$(?!\$))*+\$\$|\$[^$\n]*+\$|\\[()\[\]]|\\[A-Za-z]++"
    r"|https?://\S++|</?[A-Za-z][\w-]*+>|(?<![A-Za-z])[A-Za-z](?![A-Za-z])"
)
_CHUNK = re.compile(r"[!-~]++")
_CODE_LIKE = re.compile(r"[A-Za-z0-9_'\")\]][(\[{=_/\\]|[/\\_][A-Za-z]|[A-Za-z]:[/:]")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_LATIN = r"A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_BLOCKS = {"bn": 0x980, "pa": 0xA00, "gu": 0xA80, "or": 0xB00, "ta": 0xB80, "te": 0xC00, "kn": 0xC80, "ml": 0xD00}
_BLOCKS |= {"si": 0xD80, "lo": 0xE80, "my": 0x1000, "ka": 0x10A0, "am": 0x1200, "km": 0x1780, "hy": 0x0530}
"""Language -> first code point of the block that its script has for itself."""
_SCRIPTS = {
    "han": re.compile(f"[{HAN}]"),
    "kana": re.compile(f"[{KANA}]"),
    "hangul": re.compile("[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]"),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "arabic": re.compile("[\u0600-\u06ff\u0750-\u077f]"),
    "devanagari": re.compile("[\u0900-\u097f]"),
    "hebrew": re.compile("[\u0590-\u05ff]"),
    "greek": re.compile("[\u0370-\u03ff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
    "latin": re.compile(f"[{_LATIN}]"),
    **{name: re.compile(f"[{chr(first)}-{chr(first + 0x7F)}]") for name, first in _BLOCKS.items()},
}
_OF_LANGUAGE = {
    "zh": ("han",),
    "ja": ("han", "kana"),
    "ko": ("hangul",),
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "kk", "ky", "mn", "tg"), ("cyrillic",)),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug", "sd"), ("arabic",)),
    **dict.fromkeys(("hi", "mr", "ne", "sa", "bh"), ("devanagari",)),
    **dict.fromkeys(("he", "iw", "yi"), ("hebrew",)),
    "el": ("greek",),
    "th": ("thai",),
    **{name: (name,) for name in _BLOCKS},
}
"""Scripts of a language; all others are taken to be written in Latin letters."""
_ALONE = frozenset(["zh", "ja", "ko", "el", "th", *_BLOCKS])
"""Languages that their script tells by itself."""
_ALIKE = (
    {"id", "ms"},
    {"hr", "sr", "bs", "sh"},
    {"no", "nb", "nn", "da"},
    {"cs", "sk"},
    {"gl", "pt"},
    {"he", "iw"},
    {"fil", "tl"},
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,8})?")


@dataclass(frozen=True)
class Options:
    """Options of the language teacher.

    Attributes:
        language: The target as a code (`en`, `zh`, `de`); empty = the prompt's.
        undecided: A prompt or completion whose language cannot be told: skip (not judged) or neutral.
        neutral: The reward of undecided=neutral.
        min_words: Least words of a completion that is judged; each Han character is one.
        min_prompt_letters: Least letters of a prompt whose language is told; Han characters and kana count four.
    """

    language: str = ""
    undecided: Literal["skip", "neutral"] = "skip"
    neutral: float = 0.5
    min_words: int = 8
    min_prompt_letters: int = 12

    def __post_init__(self) -> None:
        if self.language and not _LANGUAGE.fullmatch(self.language):
            raise ValueError(f"language = {self.language!r}: allowed is a code such as en, zh, de, or nothing")
        if not 0.0 <= self.neutral <= 1.0 or self.min_words < 1:
            raise ValueError("allowed are a neutral from 0 to 1 and min_words of 1 or more")


def _plain(text: str, fenced: re.Pattern[str] = _FENCED) -> str:
    return _CHUNK.sub(_prose, _SKIPPED.sub(" ", fenced.sub(" ", normalise(bounded(text, MAX_CHARS)))))


def _prose(chunk: re.Match[str]) -> str:
    """Return an ASCII chunk between blanks, or a blank if it looks like a call, a path or an identifier."""
    return " " if _CODE_LIKE.search(chunk[0]) else chunk[0]


def _counted(text: str, min_words: int) -> list[str]:
    """Return the words that count; where few stand outside of fences, also those in fences of prose."""
    for fenced in (_FENCED, _FENCED_CODE):
        counted = [word for word in words(_plain(text, fenced)) if _HAS_LETTER.search(word)]
        if len(counted) >= min_words:
            break
    return counted


def _detected(text: str) -> dict[str, int]:
    """Return language -> percent of the text, by CLD2; empty where it finds none.

    Raises:
        MissingExtra: If pycld2 is not installed.
    """
    cld2 = require("pycld2", "rules", "Telling languages apart")
    kept = "".join(char for char in text[:MAX_DETECTED_CHARS] if char.isprintable() or char == "\n")
    _, _, found = cld2.detect(kept.encode("utf-8", "ignore"))
    return {code.partition("-")[0]: percent for _, code, percent, _ in found if code != "un"}


def _same(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _ALIKE)


@lru_cache(maxsize=1024)
def _language_of(prompt: str, min_letters: int) -> str:
    """Return the main language of a prompt, or ""."""
    text = _plain(prompt)
    weight = sum(map(str.isalpha, text)) + 3 * (
        len(_SCRIPTS["han"].findall(text)) + len(_SCRIPTS["kana"].findall(text))
    )
    if weight < min_letters:
        return ""
    if _SCRIPTS["kana"].search(text):
        return "ja"
    found = _detected(text)
    main = max(found, key=lambda code: found[code], default="")
    if main and found[main] >= MIN_DETECTED_PERCENT:
        return main
    return "zh" if 2 * len(_SCRIPTS["han"].findall(text)) > len(words(text)) else ""


def consistency(text: str, language: str, min_words: int = 1) -> tuple[float | None, int]:
    """Return the share of the words that are in the language (`None` = cannot be told), and the number of words."""
    counted = _counted(text, min_words)
    if not counted:
        return 0.0, 0
    scripts = [_SCRIPTS[name] for name in _OF_LANGUAGE.get(language, ("latin",))]
    own = [word for word in counted if any(script.match(word) for script in scripts)]
    share = len(own) / len(counted)
    if not own or language in _ALONE:
        kana = sum(1 for word in counted if _SCRIPTS["kana"].match(word)) if language == "zh" else 0
        # Japanese text has Han characters too, but is not Chinese for it.
        return (share if 2 * kana <= len(own) else 0.0), len(counted)
    found = _detected(" ".join(own))
    known = sum(found.values())
    right = sum(percent for code, percent in found.items() if _same(code, language))
    return share * right / known if known else None, len(counted)


def _prompt_text(prompt: Text) -> str:
    if isinstance(prompt, str):
        return prompt
    asked = [message for message in prompt if message.get("role") == "user"] or prompt
    return text_of([{**asked[-1], "role": "assistant"}]) if asked else ""


@teacher(version="1", options=Options)
class LanguageTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "prompt")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in linear time."""
        try:
            return self._judged(text_of(sample.completion), _prompt_text(sample.prompt))
        except MissingExtra as error:
            return Verdict(None, Status.UNAVAILABLE, str(error))

    def judge(self, sample: Sample) -> Verdict:
        """Judge as `quick` does."""
        return self.quick(sample)

    def _judged(self, text: str, prompt: str) -> Verdict:
        options = self.options
        language = options.language.partition("-")[0] or _language_of(prompt, options.min_prompt_letters)
        if not language:
            return self._undecided("the prompt's language cannot be told; set language=...")
        if not text.strip():
            return Verdict(0.0, Status.UNPARSABLE, "the completion is empty")
        share, count = consistency(text, language, options.min_words)
        if share is None or count < options.min_words:
            return self._undecided(f"the language of the completion's {count} words cannot be told")
        status = Status.CORRECT if share >= 1.0 else Status.INCORRECT if share <= 0.0 else Status.PARTIAL
        return Verdict(share, status, f"{share:.0%} of {count} words are in {language!r}")

    def _undecided(self, reason: str) -> Verdict:
        if self.options.undecided == "skip":
            return not_judged(reason)
        reward = self.options.neutral
        status = Status.CORRECT if reward >= 1.0 else Status.PARTIAL if reward else Status.INCORRECT
        return Verdict(reward, status, reason)


_EN = "How many apples does Tom have in the basket?"
_ZH = "汤姆的篮子里一共有多少个苹果？"

CASES = [
    accept("Tom has two apples and buys two more, so there are four.", prompt=_EN),
    accept("汤姆原来有两个苹果，又买了两个，所以一共是四个。$x = 2 + 2$", prompt=_ZH),
    accept("Tom hat vier Äpfel in seinem Korb, weil er zwei gekauft hat.", options={"language": "de"}),
    accept("4", prompt=_EN, options={"undecided": "neutral"}, reward=0.5),
    reject("汤姆原来有两个苹果，又买了两个，所以一共是四个。", prompt=_EN),
    reject("Tom has two apples and buys two more, so there are four.", prompt=_ZH),
    reject("", prompt=_EN),
    adversarial("我们一共有四个 so four", prompt=_ZH, reward=7 / 9, note="mixed: 7 of 9 words"),
    adversarial(
        "Tom tiene dos manzanas y compra dos más, así que ahora hay cuatro.", prompt=_EN, note="the same script"
    ),
    unscorable("Tom has two apples and buys two more.", prompt="2+2?", note="the prompt says too little"),
    unscorable("4", prompt=_EN, note="the completion says too little"),
]
