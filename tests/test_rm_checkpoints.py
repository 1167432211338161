"""Which checkpoint a run goes on from, and whether it is the same run."""

import json
from pathlib import Path

import pytest

from reward_models.training.checkpoints import check_best, check_same_run, drop_torn, has_ended, last_whole, write_run
from reward_models.training.folder import check_folder, drop_replaced, set_aside
from verifiers.errors import InputError, UsageError


def checkpoint(folder: Path, step: int, state: str | None = None) -> Path:
    path = folder / "checkpoints" / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state != "":
        (path / "trainer_state.json").write_text(state or json.dumps({"global_step": step}), encoding="utf-8")
    return path


def test_last_whole_when_the_latest_is_torn_then_takes_the_one_before(tmp_path: Path):
    checkpoint(tmp_path, 9)
    whole = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 100, "")
    checkpoint(tmp_path, 110, '{"global_step": 1')
    checkpoint(tmp_path, 120, json.dumps({"global_step": 119}))
    assert last_whole(tmp_path) == whole


def test_last_whole_when_there_is_none_then_none(tmp_path: Path):
    assert last_whole(tmp_path) is None
    checkpoint(tmp_path, 5, "")
    assert last_whole(tmp_path) is None


def test_drop_torn_when_called_then_only_whole_ones_keep_their_names(tmp_path: Path):
    whole, torn = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2, "")
    assert drop_torn(tmp_path) == [torn]
    assert whole.is_dir()
    assert not torn.exists()
    assert [path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")] == ["checkpoint-1"]


def test_check_best_when_that_checkpoint_is_gone_or_torn_then_names_it(tmp_path: Path):
    check_best(tmp_path)
    checkpoint(tmp_path, 4)
    check_best(tmp_path)  # Without validation there is no best.
    checkpoint(tmp_path, 9, json.dumps({"global_step": 9, "best_global_step": 0}))
    told = r"checkpoint-9 cannot be resumed: .*checkpoint-0, the best .* is gone or not whole\. Put it back"
    with pytest.raises(InputError, match=told):
        check_best(tmp_path)
    best = checkpoint(tmp_path, 0, "")
    with pytest.raises(InputError, match=told):
        check_best(tmp_path)
    (best / "trainer_state.json").write_text(json.dumps({"global_step": 0}))
    check_best(tmp_path)


def test_has_ended_when_training_was_told_to_stop_there_then_only_there(tmp_path: Path):
    assert not has_ended(checkpoint(tmp_path, 1))
    for step, stop in ((2, False), (3, True)):
        control = {"TrainerControl": {"args": {"should_training_stop": stop}}}
        state = json.dumps({"global_step": step, "stateful_callbacks": control})
        assert has_ended(checkpoint(tmp_path, step, state)) is stop


def test_check_same_run_when_something_differs_then_names_both_values(tmp_path: Path):
    write_run(tmp_path, {"base": "a", "settings": {"epochs": 3.0}})
    check_same_run(tmp_path, {"base": "a", "settings": {"epochs": 3.0}})
    with pytest.raises(
        UsageError, match=r'something else: base: "a" -> "b"; epochs: 3.0 -> 2.0; seed: null -> 1. Give'
    ):
        check_same_run(tmp_path, {"base": "b", "settings": {"epochs": 2.0, "seed": 1}})


def test_check_same_run_when_only_the_tokens_at_a_time_differ_then_is_the_same(tmp_path: Path):
    write_run(tmp_path, {"settings": {"micro_tokens": 0}})
    check_same_run(tmp_path, {"settings": {"micro_tokens": 512}})  # what a run that found no memory advises


def test_check_same_run_when_there_was_no_run_then_says_so(tmp_path: Path):
    with pytest.raises(UsageError, match="no run to resume"):
        check_same_run(tmp_path, {})


def test_set_aside_when_killed_in_between_then_nothing_is_lost_and_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a.safetensors", "run.json", "z.txt"):
        (tmp_path / name).write_text(name)
    rename, left = Path.rename, iter([True, True])

    def cut(path: Path, target: Path) -> Path:
        next(left)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(StopIteration):
            set_aside(tmp_path)
    check_folder(tmp_path, overwrite=True)
    assert set_aside(tmp_path) == tmp_path / "replaced" / "2"
    assert sorted(path.name for path in tmp_path.glob("replaced/*/*")) == ["a.safetensors", "run.json", "z.txt"]
    assert set_aside(tmp_path) is None
    drop_replaced(tmp_path)
    assert not list(tmp_path.iterdir())
