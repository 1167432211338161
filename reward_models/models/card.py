"""What a checkpoint says of itself beyond its weights: `rm_card.json`. Standard library only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reward_models.batching.cutpoints import Cutpoints
from reward_models.types import CARD_FILE
from verifiers.errors import InputError
from verifiers.types import Json, Text

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ParityText:
    """A text and its raw score: what a server is asked before it is believed.

    Attributes:
        prompt, response: As given: text, or chat messages.
        text: As rendered by the frozen template.
        score: Raw, of one unpadded text in fp32.
    """

    prompt: Text
    response: Text
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Card:
    """Facts that serving and reports need.

    Attributes:
        base: What it was trained from.
        loss: Name of the loss.
        mean, std: Of the raw scores on the calibration set: `(raw - mean) / std` is the centred score.
        calibration: The map to stars or probability (`evaluation` reads and writes it); empty = none was fitted.
        cutpoints: Of an ordinal loss, for the raw scores: they give P(each star); `None` = another loss.
        quantiles: Of the raw scores on the calibration set, evenly spaced from the least to the greatest.
        tie_rate: Share of within-prompt pairs of the calibration set with equal scores in the serving dtype.
        aspects: Aspect -> factor of its output in the score; empty = one output.
        data_hash: Of the prepared training data.
        seen: Hashes of some of the prompts that it was trained on (`data.sketch`).
        template_hash: Of the frozen template.
        max_tokens: Longest text.
        dtype: Of the body as saved.
        four_bit: Whether it was trained as adapters on a 4-bit body (QLoRA).
        versions: Package -> version it was trained with.
        metrics: From the final evaluation.
        settings: Of the training.
        parity: Texts for the probe.
    """

    base: str = ""
    loss: str = ""
    mean: float = 0.0
    std: float = 1.0
    calibration: Mapping[str, Json] = field(default_factory=dict)
    cutpoints: Cutpoints | None = None
    quantiles: tuple[float, ...] = ()
    tie_rate: float | None = None
    aspects: Mapping[str, float] = field(default_factory=dict)
    data_hash: str = ""
    seen: tuple[str, ...] = ()
    template_hash: str = ""
    max_tokens: int = 0
    dtype: str = "float32"
    four_bit: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)
    parity: tuple[ParityText, ...] = ()

    def centred(self, raw: float) -> float:
        """Return a raw score in standard deviations from the calibration set's mean."""
        return (raw - self.mean) / self.std


def write_card(card: Card, folder: Path) -> None:
    """Write the card into a checkpoint's folder.

    Raises:
        InputError: If a number is not finite, since JSON has no such numbers.
    """
    try:
        text = json.dumps({"format": FORMAT, **asdict(card)}, ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError as error:
        raise InputError(f"the card of {folder} holds a number that is not finite: {error}") from error
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: Path) -> Card | None:
    """Read a checkpoint's card; `None` = it has none (a stock model of others).

    Raises:
        InputError: If it is there and cannot be read.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("format") != FORMAT:
            raise InputError(f"{path} has another format than {FORMAT}; update grpo-teachers")
        _check(raw, path)
        raw["parity"] = tuple(ParityText(**text) for text in raw["parity"])
        if (cuts := raw.get("cutpoints")) is not None:
            raw["cutpoints"] = Cutpoints(tuple(cuts["stars"]), tuple(cuts["cuts"]), cuts["slope"])
        return Card(**{**raw, "quantiles": tuple(raw["quantiles"]), "seen": tuple(raw.get("seen", ()))})
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not a card of a reward model: {type(error).__name__}: {error}") from error


def _check(raw: Mapping[str, Any], path: Path) -> None:
    """Refuse a card with a value of another kind than its field's: others may have written it."""
    for name, value in raw.items():
        what, fits = _KINDS.get(name, _ANY)
        if not fits(value):
            raise InputError(
                f"{path} has {name} {repr(value)[:80]}; it must be {what}. Restore the file as training wrote it"
            )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # false for NaN, too


def _is_prompt(value: Any) -> bool:
    return _is_text(value) or _lists(lambda message: isinstance(message, dict))(value)


def _lists(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _names(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _is_one_of(kinds: Mapping[str, Callable[[Any], bool]]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(fits(value.get(name)) for name, fits in kinds.items())


_Kind = tuple[str, Callable[[Any], bool]]
_ANY: _Kind = ("any", lambda value: True)
_TEXT: _Kind = ("text", _is_text)
_OBJECT: _Kind = ("an object", _names(lambda value: True))
_PARITY = {"prompt": _is_prompt, "response": _is_prompt, "text": _is_text, "score": _is_number}
_CUTPOINTS = {"stars": _lists(_is_number), "cuts": _lists(_is_number), "slope": _is_number}
_KINDS: Mapping[str, _Kind] = {
    **dict.fromkeys(("base", "loss", "data_hash", "template_hash", "dtype"), _TEXT),
    **dict.fromkeys(("calibration", "metrics", "settings"), _OBJECT),
    "mean": ("a finite number", _is_number),
    "std": ("a finite number above 0", lambda value: _is_number(value) and value > 0),
    "cutpoints": ("null, or stars, cuts and a slope", lambda value: value is None or _is_one_of(_CUTPOINTS)(value)),
    "quantiles": ("a list of finite numbers", _lists(_is_number)),
    "tie_rate": ("null or a finite number", lambda value: value is None or _is_number(value)),
    "aspects": ("an object of finite numbers", _names(_is_number)),
    "seen": ("a list of texts", _lists(_is_text)),
    "max_tokens": ("a whole number, 0 or more", lambda value: type(value) is int and value >= 0),
    "four_bit": ("true or false", lambda value: isinstance(value, bool)),
    "versions": ("an object of texts", _names(_is_text)),
    "parity": ("a list of texts with prompt, response, text and a finite score", _lists(_is_one_of(_PARITY))),
}
"""What each field of a card's file holds, and whether a value is that."""
