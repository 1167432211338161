"""The scorer under all trainers' adapters: batches, routes, what becomes of failures, and its travels."""

import asyncio
import json
import logging
import multiprocessing
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from grpo_bridge.errors import RewardError
from grpo_bridge.routes import own_cpus
from grpo_bridge.scorer import MIN_COUNTED, GroupScorer
from verifiers.errors import UsageError
from verifiers.types import Sample

TESTS = Path(__file__).parent
DOES = f"{TESTS}/toy_teachers.py:Does"
WORKER = {"worker": True}
GOOD = f"{TESTS}/toy_teachers.py:Good"
FAILURES = ["hang", "raise", "exit", "sys.exit", "abort", "kill", "nan", "inf", "word", "extra", "object"]


def scored(completions: list[str], **settings: Any) -> list[Any]:
    settings = {"max_not_judged": None, "deadline_s": 0.5, "options": WORKER, **settings}
    scorer = GroupScorer(DOES, **settings)
    return scorer.score([Sample(each, "p", "right") for each in completions])


def test_a_batch_finds_the_reference_and_judges_plain_and_chat() -> None:
    chat = [{"role": "assistant", "content": "\\boxed{6}"}]
    columns = {"solution": ["4", "6", "6"], "trainer_state": object(), "image": [object()] * 3}
    answers = GroupScorer("math").score_batch(["a", "b", "b"], ["\\boxed{4}", chat, "7"], columns)
    assert [each.reward for each in answers] == [1.0, 1.0, 0.0]
    assert all(each.valid and each.teacher == "math" for each in answers)


def test_a_batch_becomes_whole_samples() -> None:
    scorer = GroupScorer("math", columns={"id": "group"})
    scorer.keep_meta()
    samples = scorer.samples(("a", "b"), ["4", "5"], {"answer": ["6", None], "id": [1, 2], "task": "ignored"})
    metas = [{"answer": "6", "id": 1}, {"answer": None, "id": 2}]
    assert samples == [Sample("4", "a", "6", metas[0], 1), Sample("5", "b", None, metas[1], 2)]
    assert pickle.loads(pickle.dumps(samples)) == samples
    (bare,) = GroupScorer("math").samples(["a"], ["4"], {})
    assert bare == Sample("4", "a")


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"reference": "mine"}, {"mine": ["4"], "solution": ["5"]}),
        ({"reference": "reward_model.ground_truth"}, {"reward_model": [{"ground_truth": "4"}]}),
        ({}, {"reward_model": [{"ground_truth": "4"}]}),
        ({}, {"answer": ["4"], "extra": [None]}),
    ],
)
def test_the_reference_column_is_found_or_named(settings: dict[str, Any], columns: dict[str, Any]) -> None:
    (answer,) = GroupScorer("math", **settings).score_batch(["p"], ["\\boxed{4}"], columns)
    assert answer.reward == 1.0


def test_a_list_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="solution has 2 entries for 1 completions"):
        GroupScorer("math").score_batch(["p"], ["4"], {"solution": ["4", "5"]})


def test_rows_go_to_the_teacher_of_their_column() -> None:
    scorer = GroupScorer({"m": "math", "c": "choice"}, route_by="task", on_failure="mask", max_not_judged=None)
    columns = {"task": ["m", "c", "x"], "answer": ["4", "B", "1"]}
    answers = scorer.score_batch(["p"] * 3, ["4", "(B)", "1"], columns)
    assert [(each.reward, each.teacher) for each in answers] == [(1.0, "math"), (1.0, "choice"), (None, "none")]
    assert "there are: m, c" in answers[2].reason


def test_teachers_of_one_batch_run_side_by_side() -> None:
    scorer = GroupScorer({"a": DOES, "b": GOOD, "*": "math"}, options={"a": WORKER, "b": WORKER}, deadline_s=20.0)
    samples = [Sample("right", "p", "right", {"task": task}) for task in ("a", "b") for _ in range(3)]
    assert [each.reward for each in scorer.score([*samples, Sample("4", "p", "4")])] == [1.0] * 7


def test_a_file_names_or_composes_teachers(tmp_path: Path) -> None:
    plan, task = tmp_path / "plan.yaml", tmp_path / "task.json"
    plan.write_text("how: weighted\nteachers: [{teacher: math, weight: 3}, {teacher: format, weight: 1}]\n")
    task.write_text(json.dumps({"task": "numeric", "set": {}}))
    columns = {"answer": ["4"]}
    (composed,) = GroupScorer(str(plan)).score_batch(["p"], ["\\boxed{4}"], columns)
    assert [part.name for part in composed.parts][:1] == ["math"]
    assert composed.reward == 0.75
    (plain,) = GroupScorer(str(task)).score_batch(["p"], ["4"], columns)
    assert (plain.reward, plain.teacher) == (1.0, "numeric")


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_masked_and_its_neighbours_are_judged(failure: str) -> None:
    answers = scored(["right", failure, "wrong", f"{failure} again"])
    assert [each.reward for each in answers] == [1.0, None, 0.0, None]
    assert [each.valid for each in answers] == [True, False, True, False]
    assert all(each.reason for each in answers)


def test_failures_are_imputed_from_their_own_group() -> None:
    groups = [("a", "right"), ("a", "raise"), ("a", "wrong"), ("b", "raise"), ("b", "raise 2"), ("c", "wrong")]
    samples = [Sample(completion, prompt, "right") for prompt, completion in groups]
    answers = GroupScorer(DOES, options=WORKER, on_failure="impute", max_not_judged=None).score(samples)
    assert [each.reward for each in answers] == [1.0, 0.5, 0.0, None, None, 0.0]
    assert [each.valid for each in answers] == [True, False, True, False, False, True]


def test_zero_and_raise_are_explicit() -> None:
    assert [each.reward for each in scored(["right", "raise"], on_failure="zero")] == [1.0, 0.0]
    with pytest.raises(RewardError, match=r"1 of 2 samples were not judged: 1 x failed: .*ZeroDivisionError"):
        scored(["right", "raise"], on_failure="raise")


def test_too_many_failures_stop_the_run_also_over_small_calls() -> None:
    scorer = GroupScorer("math", max_not_judged=0.5)
    with pytest.raises(RewardError, match=r"20 of the last 20 samples could not be judged, .*20 x bad_reference"):
        scorer.score([Sample(str(i)) for i in range(20)])
    for i in range(MIN_COUNTED - 1):
        scorer.score([Sample(str(i))])
    with pytest.raises(RewardError):
        scorer.score([Sample("last")])


def test_half_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    samples = [Sample(str(i), reference="1" if i % 2 else None) for i in range(2 * MIN_COUNTED)]
    with caplog.at_level(logging.WARNING, "grpo_bridge"):
        answers = GroupScorer("math").score(samples)
    assert sum(each.valid for each in answers) == MIN_COUNTED
    assert len(caplog.records) == 1  # each kind of failure once


@pytest.mark.parametrize("task", ["math", DOES, {"a": "math", "*": "numeric"}])
def test_a_copy_in_another_process_scores_the_same(task: Any) -> None:
    scorer = GroupScorer(task, on_failure="impute")
    samples = [Sample("4", "p", "4"), Sample("5", "p", "4")]
    expected = [each.reward for each in scorer.score(samples)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        answers = pool.apply(pickle.loads(pickle.dumps(scorer)).score, (samples,))
    assert [each.reward for each in answers] == expected == [1.0, 0.0]


def test_a_teacher_object_travels(tmp_path: Path) -> None:
    from verifiers.compose import compose

    scorer = pickle.loads(pickle.dumps(GroupScorer(compose("math", "numeric"))))
    assert scorer.score([Sample("4", "p", "4")])[0].reward == 1.0


def test_threads_and_loops_share_a_scorer() -> None:
    scorer = GroupScorer(DOES, options=WORKER, deadline_s=20.0)
    samples = [Sample("right", "p", "right"), Sample("wrong", "p", "right")]
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(scorer.score(samples))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def both() -> list[Any]:
        return await asyncio.gather(scorer.ascore(samples), scorer.ascore(samples))

    answers += asyncio.run(both())
    assert [[each.reward for each in answer] for answer in answers] == [[1.0, 0.0]] * 6


def test_ranks_of_a_node_share_its_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    for ranks, cpus in (("1", 8), ("4", 2), ("16", 1), ("none", 8)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
        assert own_cpus() == cpus


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"on_failure": "ignore"}, "on_failure is one of mask, impute, raise, zero, not 'ignore'"),
        ({"max_not_judged": 2}, "max_not_judged is a share from 0 to 1"),
        ({"num_proc": 0}, "num_proc is 1 or more"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        GroupScorer("math", **settings)


def test_options_of_no_task_are_refused() -> None:
    with pytest.raises(UsageError, match="options for x, which is none of the tasks a"):
        GroupScorer({"a": "math"}, options={"x": {}})
    with pytest.raises(UsageError, match="no teacher: give a mapping"):
        GroupScorer({})


def test_the_public_names_stay() -> None:
    import grpo_bridge

    assert {"advantages", "pairs", "score_groups", "trl_reward"} <= set(grpo_bridge.__all__)
    for name in grpo_bridge.__all__:
        assert callable(getattr(grpo_bridge, name)), name
    with pytest.raises(AttributeError, match="no attribute 'verl_reward'"):
        _ = grpo_bridge.verl_reward


def test_importing_the_reward_function_loads_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "trl", "datasets", "fastapi", "ray", "numpy")
    code = f"import sys; from grpo_bridge import trl_reward; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
