"""Kinds about the language and the script of a text: language, script."""

from __future__ import annotations

import re
from typing import Any, Literal

from verifiers.catalog.rules.kinds_words import listed
from verifiers.catalog.rules.reading import Strings
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View
from verifiers.errors import require

MAX_DETECTED_CHARS = 20_000
"""The detector sees the beginning, the middle and the end of a longer text, so much in all."""
MIN_LETTERS = 20
"""Below so many letters no detector is sure; the script alone decides."""

# High bytes of UTF-16; what is not named here is no letter, or one of another script.
_BLOCKS: dict[str, tuple[int, ...]] = {
    "latin": (0x01, 0x02, 0x1E),
    "greek": (0x03, 0x1F),
    "cyrillic": (0x04,),
    "hebrew": (0x05,),
    "arabic": (0x06, 0x07, 0xFB, 0xFC, 0xFD),
    "devanagari": (0x09,),
    "tamil": (0x0B,),
    "telugu": (0x0C,),
    "thai": (0x0E,),
    "hangul": (0x11, *range(0xAC, 0xD8)),
    "kana": (0x30,),
    "han": (0x2E, 0x2F, *range(0x34, 0xA0), *range(0xD840 >> 8, (0xD88D >> 8) + 1), 0xF9, 0xFA),
    "other": (
        0x08,
        0x0A,
        0x0D,
        0x0F,
        0x10,
        0x12,
        0x13,
        0x14,
        0x15,
        0x16,
        0x17,
        0x18,
        0x19,
        0x1A,
        0x1B,
        0x1C,
        0x2C,
        0x2D,
    ),
}
_NAMES = tuple(_BLOCKS)
_TABLE = bytes(next((index for index, name in enumerate(_NAMES, 1) if byte in _BLOCKS[name]), 0) for byte in range(256))
_LATIN_LETTERS = bytes([*range(65, 91), *range(97, 123), *range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x100)])
_KANA_SIGNS = "\u3000\u3001\u3002\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015"
Script = Literal[
    "latin", "han", "kana", "hangul", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "tamil", "telugu", "thai",
]  # fmt: skip
_OF_LANGUAGE = {
    "zh": ("han",), "ja": ("kana", "han"), "ko": ("hangul",), "ru": ("cyrillic",), "uk": ("cyrillic",),
    "bg": ("cyrillic",),
    "sr": ("cyrillic", "latin"), "el": ("greek",), "ar": ("arabic",), "fa": ("arabic",), "ur": ("arabic",),
    "he": ("hebrew",), "hi": ("devanagari",), "mr": ("devanagari",), "ne": ("devanagari",), "bn": ("devanagari",),
    "ta": ("tamil",), "te": ("telugu",), "th": ("thai",),
}  # fmt: skip
_ALIASES = {"iw": "he", "no": "nb", "zh-hant": "zh", "zh-hans": "zh", "zh-cn": "zh", "zh-tw": "zh", "jp": "ja"}
_CODE = re.compile("[a-z]{2,3}(?:-[a-z]{2,4})?")


def script_shares(text: str) -> tuple[dict[str, int], int]:
    """Return how many letters each script has, and how many letters there are; by blocks of 256 characters.

    Marks and digits of a block count as its letters, and Bengali as Devanagari.
    """
    for sign in _KANA_SIGNS if not text.isascii() else "":
        text = text.replace(sign, "")
    low = text.encode("latin-1", "ignore")
    counts = {"latin": len(low) - len(low.translate(None, _LATIN_LETTERS))}
    if len(low) < len(text):
        blocks = text.encode("utf-16-be", "replace")[::2].translate(_TABLE)
        for index, name in enumerate(_NAMES, 1):
            counts[name] = counts.get(name, 0) + blocks.count(index)
    return counts, sum(counts.values())


def code(language: str) -> str:
    """Return a language code as it is compared."""
    language = language.lower().replace("_", "-")
    return _ALIASES.get(language, language)


def _sampled(text: str) -> str:
    if len(text) <= MAX_DETECTED_CHARS:
        return text
    third = MAX_DETECTED_CHARS // 3
    middle = (len(text) - third) // 2
    return f"{text[:third]}\n{text[middle : middle + third]}\n{text[-third:]}"


@kind("language", group="languages", example=("language: zh", "language: {code: [en, de], min: 0.8}"))
class Language(Rule):
    """The text is written in one of these languages. Fenced code, links and formulas are left out.

    Short texts, of which no detector is sure, pass if their script is the language's.

    Attributes:
        code: ISO 639-1 codes, e.g. en, zh, ja, fr.
        min: Share of the text that must be so, from 0 to 1.
    """

    code: Strings
    min: float = 0.6

    def __post_init__(self) -> None:
        wrong = [each for each in self.code if not _CODE.fullmatch(each.lower().replace("_", "-"))]
        if wrong:
            raise ValueError(f"a language is an ISO 639-1 code such as en or zh, not {listed(wrong)}")
        if not 0 < self.min <= 1:
            raise ValueError(f"min is a share above 0 and up to 1, not {self.min:g}")

    def prepare(self) -> None:
        require("pycld2", "rules", "The rule kind language")

    def expected(self) -> str:
        return " or ".join(self.code)

    def check(self, view: View) -> Outcome:
        text = _prose(_sampled(view.text))
        counts, letters = script_shares(text)
        if not letters:
            return Outcome(0.0, None, "the text has no letters")
        wanted = {code(each) for each in self.code}
        fits = max(sum(counts.get(script, 0) for script in _scripts(each)) for each in wanted) / letters
        if fits < self.min:
            top = max(counts, key=lambda script: counts[script])
            return Outcome(0.0, f"{counts[top] / letters:.0%} {top} letters", "written in another script")
        if letters < MIN_LETTERS:
            return Outcome(1.0, None, "too short to tell the language; its script fits")
        shares = _detected(text)
        if not shares:
            return Outcome(1.0, None, "the language cannot be told; its script fits")
        share = sum(part for name, part in shares.items() if name in wanted)
        return Outcome(float(share >= self.min), {name: round(part, 2) for name, part in shares.items()})


def _scripts(language: str) -> tuple[str, ...]:
    return _OF_LANGUAGE.get(language, ("latin",))


_NOT_PROSE = re.compile(r"```[^`]*+(?:```)?|`[^`\n]{0,200}`|https?://\S{1,500}|\$[^$\n]{1,300}\$")


def _prose(text: str) -> str:
    return _NOT_PROSE.sub(" ", text)


def _detected(text: str) -> dict[str, float]:
    """Return language -> share; empty if the detector is not sure."""
    detector: Any = require("pycld2", "rules", "The rule kind language")
    clean = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    try:
        sure, _, found = detector.detect(clean.encode("utf-8", "replace"), bestEffort=False)
    except detector.error:
        return {}
    if not sure:
        return {}
    return {code(name): percent / 100 for _, name, percent, _ in found if name != "un"}


@kind("script", group="languages", example=("script: han", "script: {name: latin, min: 0.95}"))
class ScriptShare(Rule):
    """The letters belong to one of these scripts. Needs no detector.

    Attributes:
        name: latin, han, kana, hangul, cyrillic, greek, arabic, hebrew, devanagari (and Bengali), tamil, telugu,
            thai.
        min: Share of the letters that must be so, from 0 to 1.
        max: Share of the letters that may be so; 0 forbids the script.
    """

    name: Script
    min: float = 0.9
    max: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.min <= 1 or not 0 <= self.max <= 1:
            raise ValueError("min and max are shares from 0 to 1")

    @property
    def _least(self) -> float:
        return self.min if self.max == 1 else 0.0

    def expected(self) -> str:
        return f"{self._least:.0%} to {self.max:.0%} {self.name} letters"

    def always(self) -> bool | None:
        return True if self._least == 0 and self.max == 1 else None

    def check(self, view: View) -> Outcome:
        counts, letters = script_shares(view.text)
        if not letters:
            return Outcome(float(self._least == 0), None, "the text has no letters")
        share = counts.get(self.name, 0) / letters
        return Outcome(float(self._least <= share <= self.max), round(share, 4))
