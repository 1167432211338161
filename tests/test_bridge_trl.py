"""The reward function in TRL's real trainers, on a CPU, with a model made on the spot."""

import asyncio
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from trl_runs import QUIET, reported

# What the trainers warn of is their own affair.
pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]
TESTS = Path(__file__).parent
CHAOS = f"{TESTS}/chaos_teacher.py:chaos"
PLAN = "how: weighted\nteachers: [{teacher: numeric, weight: 1}, {teacher: format, weight: 0.5}]\n"
ROWS = {"prompt": [f"{i}+{i}=" for i in range(8)], "answer": [str(2 * i) for i in range(8)], "note": ["n"] * 8}


def trained(
    name: str,
    reward: Any,
    folder: Path,
    *,
    chat: bool = False,
    callbacks: Any = (),
    evaluated: Any = None,
    resumed: Any = None,
    **options: Any,
) -> Any:
    import trl
    from datasets import Dataset

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(["0123456789+= "])
    rows = dict(ROWS)
    if chat:
        rows["prompt"] = [[{"role": "user", "content": prompt}] for prompt in ROWS["prompt"]]
    settings = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 3,
        "max_steps": 2,
        "logging_steps": 1,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    trainer = getattr(trl, f"{name}Trainer")(
        model=tiny_model(tokenizer),
        reward_funcs=reward,
        args=getattr(trl, f"{name}Config")(**{**settings, **options}),
        train_dataset=Dataset.from_dict(rows),
        eval_dataset=Dataset.from_dict(evaluated) if evaluated else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.train(resume_from_checkpoint=resumed)
    return trainer


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
@pytest.mark.parametrize("name", ["GRPO", "RLOO"])
def test_a_trainer_runs_and_logs_parts(name: str, chat: bool, tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    reward = trl_reward(str(plan), name=f"sums_{name}_{chat}")
    # At beta 0 no trainer asks for a reference model, which it would look for by name.
    trainer = trained(name, reward, tmp_path, chat=chat, callbacks=[reward.callback], beta=0.0)
    first = trainer.state.log_history[0]
    base = f"rewards/{reward.__name__}"
    assert first[f"{base}/valid"] == 1.0
    for key in (
        "mean",
        "std",
        "numeric",
        "format",
        "seconds_p50",
        "seconds_p95",
        "timeouts",
        "zero_variance",
        "pass@4",
    ):
        assert f"{base}/{key}" in first, key
    assert "<svg" in (tmp_path / "reward_report.html").read_text()
    assert len(trainer._logs["extra"][f"{reward.__name__}_reason"]) == len(trainer._logs["completion"])


def test_chaos_neither_ends_a_run_nor_becomes_a_zero(tmp_path: Path) -> None:
    from chaos_teacher import FAILS, fate

    from grpo_bridge import trl_reward

    reward = trl_reward(CHAOS, max_not_judged=None, deadline_s=0.3, name="storm")
    trainer = trained("GRPO", reward, tmp_path, max_steps=4, per_device_train_batch_size=16)
    seen = zip(trainer._logs["completion"], trainer._logs["rewards"]["storm"], strict=True)
    fates = [(fate(completion), value) for completion, value in seen]
    assert {kind for kind, _ in fates} & FAILS
    for kind, value in fates:
        assert (value != value) if kind in FAILS else value == kind % 3 / 2
    assert trainer.state.global_step == 4


def test_gdpo_gets_parts_that_are_none_together(tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    parts = ["numeric", "chaos"]
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"how: weighted\nteachers: [numeric, {{teacher: '{CHAOS}', name: chaos, reference: none}}]\n")
    reward = trl_reward(str(plan), max_not_judged=None, deadline_s=0.3, name="both")
    functions = reward.split()
    assert [function.__name__ for function in functions] == ["both/numeric", "both/chaos"]
    options = {"multi_objective_aggregation": "normalize_then_sum", "reward_weights": [f.weight for f in functions]}
    trainer = trained("GRPO", functions, tmp_path, **options)
    missing = [[value != value for value in trainer._logs["rewards"][f"both/{part}"]] for part in parts]
    assert missing[0] == missing[1]
    assert any(missing[0])
    assert not all(missing[0])


def test_kl_stops_a_run_at_beta_0(tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward(f"{TESTS}/trl_teacher.py:digits", name="digits")
    callback = reward.watch(
        max_kl=1e-7, patience=2, held_out="numeric", audit_every=1, spot_checks=tmp_path / "c.jsonl"
    )
    options = {"max_steps": 20, "learning_rate": 0.01, "per_device_train_batch_size": 16}
    trainer = trained("GRPO", reward, tmp_path, callbacks=[callback], **options)
    kls = [entry["kl_probe"] for entry in trainer.state.log_history if "kl_probe" in entry]
    assert kls[0] > 0
    assert trainer.state.global_step < 20
    assert any("audit/held_out" in entry for entry in trainer.state.log_history)
    assert "KL is" in callback.report.alarms["kl"]
    assert all(json.loads(line)["human"] is None for line in (tmp_path / "c.jsonl").read_text().splitlines())


def test_a_resumed_run_measures_kl_from_the_very_start(tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    options = {"learning_rate": 0.01, "save_strategy": "steps", "save_steps": 2, "eval_strategy": "no"}
    told = []
    for steps, resumed in ((2, None), (4, str(tmp_path / "checkpoint-2"))):
        reward = trl_reward(f"{TESTS}/trl_teacher.py:digits", name="again")
        callback = reward.watch(max_kl=1e9, audit_every=1)
        trainer = trained("GRPO", reward, tmp_path, callbacks=[callback], max_steps=steps, resumed=resumed, **options)
        told.append((callback, [entry["kl_probe"] for entry in trainer.state.log_history if "kl_probe" in entry]))
        del reward, trainer
    (first, before), (second, after) = told
    assert second._probe.rows == first._probe.rows
    assert after[:2] == before
    assert len(after) == 4
    assert after[2] > before[0] / 2  # had it begun anew, the policy would not have strayed yet
    assert second.trends.reward[:2] == first.trends.reward
    assert [entry["step"] for entry in second.report.history if "kl_probe" in entry] == [1, 2, 3, 4]


def test_a_checkpoint_without_a_probe_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from grpo_bridge import trl_reward

    options = {"save_strategy": "steps", "save_steps": 1, "learning_rate": 0.01}
    trained("GRPO", trl_reward("numeric", name="bare"), tmp_path, max_steps=1, **options)
    reward = trl_reward("numeric", name="bare")
    callback = reward.watch(max_kl=1e9)
    resumed = str(tmp_path / "checkpoint-1")
    trainer = trained("GRPO", reward, tmp_path, callbacks=[callback], max_steps=2, resumed=resumed, **options)
    assert "remembers no KL probe" in caplog.text
    assert "kl_probe" in trainer.state.log_history[-2]


def test_a_kl_that_cannot_be_measured_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from types import SimpleNamespace

    from grpo_bridge import trl_reward

    reward = trl_reward("numeric", name="elsewhere")
    callback = reward.watch(max_kl=1.0, report="")
    state = SimpleNamespace(global_step=0, is_world_process_zero=True)
    callback.on_train_begin(SimpleNamespace(num_generations=4), state, None)
    for step in (1, 2):
        callback.on_step_begin(None, state, None)
        state.global_step = step
        callback.on_step_end(None, state, SimpleNamespace())
    assert caplog.text.count("max_kl does nothing") == 1


def test_audits_are_of_training_and_have_the_columns_that_they_need(tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward("format", name="audited")
    callback = reward.watch(held_out={"n": "numeric", "other": "math"}, audit_every=1)
    heard: list[set[Any]] = []
    audit = callback._audit
    callback._audit = lambda *given: (heard.append({each.prompt for each in callback._last[1]}), audit(*given))
    evaluated = {"prompt": ["9="] * 4, "answer": ["9"] * 4, "task": ["n"] * 4}
    rows = {**ROWS, "task": ROWS["note"]}
    options = {"eval_strategy": "steps", "eval_steps": 1, "eval_on_start": True, "per_device_eval_batch_size": 4}
    options |= {"num_iterations": 2, "max_steps": 4}  # so that every second step judges nothing
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "ROWS", rows)
        trained("GRPO", reward, tmp_path, callbacks=[callback], evaluated=evaluated, **options)
    assert len(heard) == len(callback.trends.held_out) == 4
    assert all("9=" not in prompts for prompts in heard)
    assert callback.trends.held_out == callback.trends.reward


def test_online_dpo_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import Dataset
    from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer

    from grpo_bridge import trl_reward
    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(["0123456789+= "])
    seen = reported(monkeypatch)
    reward = trl_reward("numeric", on_failure="impute", name="online")
    arguments = OnlineDPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=4,
        max_new_tokens=3,
        max_steps=2,
        logging_steps=1,
        **QUIET,
    )
    trainer = OnlineDPOTrainer(
        model=tiny_model(tokenizer),
        ref_model=None,
        reward_funcs=reward,
        args=arguments,
        train_dataset=Dataset.from_dict(ROWS),
        processing_class=tokenizer,
        callbacks=[reward.callback],
    )
    trainer.train()
    assert trainer.state.log_history[0]["rewards/online/valid"] == 1.0
    assert seen[0]["rewards/online/valid"] == 1.0  # though this trainer has no log_metric


def test_the_asynchronous_trainer_scores_groups() -> None:
    worker = pytest.importorskip("trl.experimental.async_grpo.async_rollout_worker", reason="needs aiohttp")
    from grpo_bridge import trl_reward

    loop = object.__new__(worker._AsyncRolloutLoop)
    loop.reward_funcs = [pickle.loads(pickle.dumps(trl_reward("numeric", name="async")))]
    loop.reward_func_names = [worker.get_callable_name(each) for each in loop.reward_funcs]
    loop._env_reward_types = []
    fields = {name: [] for name in worker.RolloutGroup.__dataclass_fields__}
    fields |= {
        "prompts": ["2+2="] * 3,
        "completions": ["4", "5", "4"],
        "completions_ids": [[1], [2], [3]],
        "completions_sequences": [[], [], []],
        "reward_kwargs": {"answer": ["4", "4", None]},
        "tool_call_counts": [0] * 3,
        "tool_failure_counts": [0] * 3,
        "rollout_rewards": [None] * 3,
    }
    sequence = type("Sequence", (), {"input_ids": [1], "completion_mask": [1], "old_log_probs": [0.0]})
    fields["completions_sequences"] = [[sequence()] for _ in range(3)]
    group = worker.RolloutGroup(**fields)
    samples = asyncio.run(loop._score_group(group))
    assert [round(each.advantage) for each in samples] == [1, -1, 0]
    assert samples[0].metrics["rewards/async"] == 1.0


def test_a_spawned_process_takes_the_function() -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward("numeric", name="travels")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(reward, (["p"] * 2, ["4", "5"]), {"answer": ["4", "4"]}) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("local", "group", "policy", "gathers"),
    [(6, 4, "impute", True), (6, 4, "mask", True), (8, 4, "impute", False)],
)
def test_groups_across_two_ranks_are_whole(local: int, group: int, policy: str, gathers: bool, tmp_path: Path) -> None:
    from chaos_teacher import FAILS, fate

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(TESTS / "trl_ranks.py"), str(tmp_path), str(local), str(group), policy]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=quiet, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["gathers"] == ([local] * 2 if gathers else [])
    completions, rewards = told["completions"], told["rewards"]
    passes = []
    for start in range(0, len(completions), group):
        kinds = [fate(each) for each in completions[start : start + group]]
        judged = [kind % 3 / 2 for kind in kinds if kind not in FAILS]
        mean = sum(judged) / len(judged) if judged and policy == "impute" else None
        expected = [mean if kind in FAILS else kind % 3 / 2 for kind in kinds]
        assert rewards[start : start + group] == pytest.approx(expected)
        passes.append((any(each > 0.5 for each in judged), len(judged) == group))
    last = [right for right, whole in passes[-2 * local // group :] if whole]
    if last:
        told_pass = told["history"][-1][f"rewards/chaos/pass@{group}"]
        assert told_pass == pytest.approx(sum(last) / len(last))


def test_the_example_runs(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(root / "examples" / "grpo_math_trl.py"), "--steps", "3", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "mean reward:" in done.stdout
    assert (tmp_path / "reward_report.html").is_file()
