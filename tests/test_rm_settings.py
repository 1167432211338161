"""Settings of a training run: presets, what overrides them, what is refused and how."""

import re
from pathlib import Path

import pytest

from reward_models.training.settings import as_json, load_settings, preset_names
from verifiers.errors import InputError, OptionError, UsageError


@pytest.mark.parametrize("name", ["cpu-small", "fsdp-8", "h200-full", "lora-24gb", "multi-node", "qlora-16gb"])
def test_preset_when_loaded_then_is_whole_and_comes_back_from_json(name: str):
    settings = load_settings(name)
    assert name in preset_names()
    assert load_settings("cpu-small", as_json(settings)) == settings
    assert 0 < settings.micro <= settings.update_tokens


def test_presets_when_compared_then_each_has_its_method():
    methods = {name: load_settings(name).method for name in preset_names()}
    assert methods == {
        "cpu-small": "full",
        "fsdp-8": "full",
        "h200-full": "full",
        "lora-24gb": "lora",
        "multi-node": "full",
        "qlora-16gb": "qlora",
    }


def test_value_when_given_as_text_then_wins_over_the_preset():
    settings = load_settings("lora-24gb", {"learning_rate": "3e-4", "packing": "no", "lora_rank": "8"})
    assert (settings.learning_rate, settings.packing, settings.lora_rank) == (3e-4, False, 8)
    assert settings.method == "lora"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"learning_rat": 1}, "Did you mean 'learning_rate'"),
        ({"epochs": "many"}, "epochs = 'many': allowed: a finite number"),
        ({"epochs": 0}, "epochs = 0.0: allowed is 0.01 to 1000"),
        ({"update_tokens": 10}, "update_tokens = 10"),
        ({"select": "accuracy"}, "allowed: auto, rank_quality, pair_accuracy, spearman"),
        ({"method": "dora"}, "allowed: full, lora, qlora, head"),
        ({"fsdp": "full_shard", "deepspeed": "ds.json"}, "keep one of them"),
        ({"method": "qlora", "fsdp": "full_shard"}, "4-bit weights are not sharded"),
        ({"method": "qlora", "deepspeed": "ds.json"}, "4-bit weights are not sharded"),
        ({"learning_rate": "nan"}, "finite number"),
    ],
)
def test_value_when_not_allowed_then_says_what_is(values: dict[str, object], told: str):
    with pytest.raises(OptionError, match=re.escape(told)):
        load_settings("cpu-small", values)  # type: ignore[arg-type]


def test_preset_file_when_wrong_then_names_the_line(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("method: lora\nepochs: few\n", encoding="utf-8")
    with pytest.raises(OptionError, match=r"mine\.yaml:2: epochs = 'few'"):
        load_settings(str(path))


def test_preset_when_unknown_then_lists_those_there_are():
    with pytest.raises(UsageError, match="there is no preset 'h100'; there are cpu-small"):
        load_settings("h100")
    with pytest.raises(InputError):
        load_settings("absent.yaml")


def test_micro_when_larger_than_an_update_then_is_an_update():
    assert load_settings("cpu-small", {"micro_tokens": 9999, "update_tokens": 512}).micro == 512
    assert load_settings("cpu-small", {"micro_tokens": 0, "update_tokens": 512}).micro == 512
