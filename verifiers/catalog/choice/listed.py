"""The options of a question: from the reference, the row's columns, or the prompt; and the option that a text names."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from verifiers.text import normalise
from verifiers.types import Json, Sample, text_of

LETTERS = "ABCDEFGHIJ"
MAX_PROMPT_CHARS = 16_384
"""Options are looked for this close to the end of the prompt."""
MAX_OPTION_CHARS = 2_000
"""Longer option texts are cut."""
MIN_TEXT_CHARS = 3
"""Shorter option texts ("no", "5") only count where the whole answer is one."""

COLUMNS = ("options", "choices", "endings")
_MARKER = re.compile(
    r"(?:(?<=[\s(（])|^)[(（\[]?(?:\*\*)?([A-Ja-j])(?:\*\*)?(?:[)）\].、:：]|．)(?:\*\*)?[ \t]*+", re.MULTILINE
)
_WORD = re.compile(r"\d++(?:[.,]\d++)++(?![^\W_])|[^\W_]++|[%°+−/<>=-](?=\s?\d)|[≤≥↑↓→←↔⇌±]")
_ARTICLES = frozenset(("a", "an", "the"))


def folded(text: str) -> tuple[str, ...]:
    """Return a text's words for comparison: case, accents, articles and punctuation do not matter."""
    plain = text[:MAX_OPTION_CHARS].casefold()
    if not plain.isascii():
        plain = "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))
    words = tuple(_WORD.findall(plain))
    last = len(words) - 1
    return tuple(word for at, word in enumerate(words) if at == last or word not in _ARTICLES)


@dataclass(frozen=True, slots=True)
class Listed:
    """The options of a question.

    Attributes:
        texts: Letter -> text; empty = unknown.
        words: Letter -> the text's words, see `folded`.
    """

    texts: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Listed:
        """Fold the texts once."""
        return cls(texts, {letter: words for letter, text in texts.items() if (words := folded(text))})

    @property
    def letters(self) -> str:
        """The letters that can be chosen."""
        return "".join(self.texts) or LETTERS

    def named_by(self, text: str) -> str | None:
        """Return the letter of the only option whose text this is."""
        words = folded(text)
        found = [letter for letter, own in self.words.items() if own == words]
        return found[0] if len(found) == 1 else None

    def starting(self, text: str) -> str | None:
        """Return the letter of the option whose text this starts with; the longest one, if it is the only one."""
        words = folded(text[:MAX_OPTION_CHARS])
        fits = [(len(own), letter) for letter, own in self.words.items() if words[: len(own)] == own]
        fits.sort(reverse=True)
        return fits[0][1] if fits and (len(fits) == 1 or fits[0][0] > fits[1][0]) else None

    def within(self, text: str, fewest: int = MIN_TEXT_CHARS) -> set[str]:
        """Return the letters of the options whose text occurs in this one, but for those inside a longer option's.

        Args:
            text: A sentence.
            fewest: Option texts with fewer characters are passed over.
        """
        joined = f" {' '.join(folded(text))} "
        found = {letter: f" {' '.join(own)} " for letter, own in self.words.items()}
        hits = {letter: own for letter, own in found.items() if own in joined and len(own.strip()) >= fewest}
        for letter, own in sorted(hits.items(), key=lambda hit: -len(hit[1])):
            longer = [other for name, other in hits.items() if name != letter and own in other and own != other]
            for other in longer:
                if own not in joined.replace(other, "  "):
                    hits.pop(letter, None)
        return set(hits)


def listed_options(sample: Sample) -> Listed:
    """Return the options of a sample's question: from the reference, the row's columns, or the prompt."""
    reference = sample.reference
    sources: list[Json] = [sample.meta.get(column) for column in COLUMNS]
    if isinstance(reference, Mapping):
        sources = [*(reference.get(column) for column in COLUMNS), *sources]
    for source in sources:
        texts = dict(_given(source))
        if len(texts) > 1:
            return Listed.of(texts)
    columns = {letter: str(sample.meta[letter]) for letter in LETTERS if _is_scalar(sample.meta.get(letter))}
    if "A" in columns and "B" in columns:
        return Listed.of(columns)
    return Listed.of(options_in(_prompt_text(sample)))


def _prompt_text(sample: Sample) -> str:
    prompt = sample.prompt
    if isinstance(prompt, str):
        return prompt
    users = [message for message in prompt if isinstance(message, Mapping) and message.get("role") != "assistant"]
    return "\n".join(text_of([{**message, "role": "assistant"}]) for message in users)


def _is_scalar(value: Json) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""


def _given(source: Json) -> Iterator[tuple[str, str]]:
    """Read a list, an object letter -> text, `{label: [], text: []}`, a list of objects, or JSON of these."""
    if isinstance(source, str) and source[:1] in ("[", "{"):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            return
    if isinstance(source, Mapping):
        labels, texts = source.get("label"), source.get("text")
        if isinstance(labels, Sequence) and isinstance(texts, Sequence) and not isinstance(labels, str):
            pairs: list[tuple[Json, Json]] = list(zip(labels, texts, strict=False))
        else:
            pairs = list(source.items())
        for name, text in pairs:
            letter = str(name).strip().strip("().:").upper()
            if letter in LETTERS and len(letter) == 1 and _is_scalar(text):
                yield letter, str(text)
    elif isinstance(source, Sequence) and not isinstance(source, str):
        for letter, item in zip(LETTERS, source, strict=False):
            text = item.get("text", item.get("value")) if isinstance(item, Mapping) else item
            if _is_scalar(text):
                marker = _MARKER.match(str(text))
                own = marker is not None and marker[1].upper() == letter
                yield letter, str(text)[marker.end() :] if own and marker is not None else str(text)


def options_in(prompt: str) -> dict[str, str]:
    """Return the last list of options in a prompt: markers A, B, C ... in order, all written alike.

    Where two ways of writing give a list ("(A) C. difficile (B) ..."), the longer list counts.
    """
    text = normalise(prompt[-MAX_PROMPT_CHARS:])
    runs: dict[str, list[re.Match[str]]] = {}
    for marker in _MARKER.finditer(text):
        style = marker[0].strip().replace(marker[1], "a" if marker[1].islower() else "A")
        position = LETTERS.find(marker[1].upper())
        run = runs.setdefault(style, [])
        if position == 0:
            runs[style] = [marker]
        elif len(run) == position:
            run.append(marker)
    best = max(runs.values(), key=lambda run: (len(run), run[0].start() if run else 0), default=[])
    return _texts_between(text, best) if len(best) > 1 else {}


def _texts_between(text: str, run: list[re.Match[str]]) -> dict[str, str]:
    ends = [marker.start() for marker in run[1:]] + [len(text)]
    found = {}
    for marker, end in zip(run, ends, strict=True):
        option = text[marker.end() : end].strip(" \t\n*")
        found[marker[1].upper()] = (option.split("\n", 1)[0] if end == len(text) else option).strip(" \t\n*;,(")
    return found
