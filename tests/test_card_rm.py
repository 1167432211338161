"""The card of a reward model: what others may have written there is refused by file and field."""

import json
from pathlib import Path
from typing import Any

import pytest

from reward_models.batching.cutpoints import Cutpoints
from reward_models.types import CARD_FILE
from verifiers.errors import InputError

pytest.importorskip("torch")

from reward_models.models.card import Card, ParityText, read_card, write_card

pytestmark = pytest.mark.trainers
CARD = Card(
    base="b",
    cutpoints=Cutpoints((1.0, 2.0), (0.0,), 2.0),
    quantiles=(0.0, 1.0),
    tie_rate=0.5,
    aspects={"safe": 1.0},
    seen=("a",),
    versions={"torch": "2"},
    parity=(ParityText("p", [{"role": "assistant", "content": "r"}], "t", 1.0),),
)


def test_card_when_written_and_read_then_is_the_same(tmp_path: Path):
    for card in (CARD, Card()):
        write_card(card, tmp_path)
        assert read_card(tmp_path) == card


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mean", "1"),
        ("mean", True),
        ("mean", float("nan")),
        pytest.param("mean", 10**400, id="huge"),
        ("std", None),
        ("std", -1.0),
        ("aspects", [1]),
        ("aspects", {"safe": "1"}),
        ("max_tokens", "9"),
        ("max_tokens", -1),
        ("four_bit", "no"),
        ("base", 5),
        ("template_hash", None),
        ("calibration", "none"),
        ("cutpoints", {}),
        ("cutpoints", {"stars": ["1"], "cuts": [], "slope": 1}),
        ("quantiles", 5),
        ("quantiles", ["1"]),
        ("tie_rate", "0.5"),
        ("seen", [1]),
        ("versions", {"torch": 2}),
        ("parity", {}),
        ("parity", [{"prompt": "p", "response": "r", "text": "t", "score": "1"}]),
        ("parity", [{"prompt": 5, "response": "r", "text": "t", "score": 1.0}]),
    ],
)
def test_card_when_a_field_holds_something_else_then_file_and_field_are_named(field: str, value: Any, tmp_path: Path):
    write_card(CARD, tmp_path)
    path = tmp_path / CARD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(InputError, match=rf"{CARD_FILE} has {field} .*it must be "):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "5", "null", "[]", "{}", '{"format": 1}', "[" * 100_000, b"\xff"], ids=lambda text: str(text[:5])
)
def test_card_when_the_file_is_something_else_then_is_refused(text: str | bytes, tmp_path: Path):
    (tmp_path / CARD_FILE).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError, match="not a card of a reward model"):
        read_card(tmp_path)
