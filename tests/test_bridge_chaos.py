"""The bridge's chaos suite: no run dies, no failure becomes a 0, no deadline is overrun by more than 250 ms.

More of it: `test_remote` and `test_serve_hostile` (servers and clients that misbehave), `test_ray_bridge` (dead and
stuck actors), `test_bridge_trl` (a real trainer; groups across ranks; pickling into a spawned process).
"""

import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from chaos_teacher import FAILS, fate

from grpo_bridge import trl_reward
from grpo_bridge.errors import RewardError
from verifiers.errors import UsageError

TESTS = Path(__file__).parent
DOES = f"{TESTS}/toy_teachers.py:Does"
CHAOS = f"{TESTS}/chaos_teacher.py:chaos"
OVERRUN_S = 0.25
FAILURES = ["hang", "raise", "exit", "sys.exit", "abort", "kill", "nan", "inf", "word", "extra", "object"]


def rewards(reward: Any, completions: list[str], reference: Any = "right") -> list[float | None]:
    return list(reward(["p"] * len(completions), completions, answer=[reference] * len(completions)))


def storm(**settings: Any) -> Any:
    options = {"options": {"worker": True}, "max_not_judged": None, "deadline_s": 0.5, "num_proc": 2}
    return trl_reward(DOES, **{**options, **settings})


def test_a_step_with_every_failure_at_once_judges_the_rest() -> None:
    wanted = {"right": 1.0, "wrong": 0.0}
    completions = [text for failure in FAILURES for text in ("right", failure, "wrong")]
    assert rewards(storm(), completions) == [wanted.get(text) for text in completions]


def test_a_step_with_every_failure_at_once_is_imputed_and_never_zero() -> None:
    completions = ["right", *FAILURES]
    assert rewards(storm(on_failure="impute"), completions) == [1.0] * len(completions)


@pytest.mark.parametrize("failure", ["hang", "kill", "abort", "exit"])
def test_a_deadline_is_not_overrun(failure: str) -> None:
    reward = storm()
    assert rewards(reward, ["right", "wrong"]) == [1.0, 0.0]  # warm
    overruns = []
    for number in range(3):  # the machine may be busy with something else once
        start_s = time.monotonic()
        assert rewards(reward, ["right", f"{failure} {number}"]) == [1.0, None]
        overruns.append(time.monotonic() - start_s - 0.5)
    assert min(overruns) <= OVERRUN_S


def test_a_copy_is_as_sturdy() -> None:
    copy = pickle.loads(pickle.dumps(storm()))
    assert rewards(copy, ["right", "kill", "hang", "wrong"]) == [1.0, None, None, 0.0]


@pytest.mark.parametrize("listing", ["[]", "[1.0]", "[1.0] * (len(samples) + 1)", "None", "'11'", "{0: 1.0}"])
def test_a_teacher_that_gives_a_short_list_is_not_believed(listing: str, tmp_path: Path) -> None:
    source = "class Short:\n    name, version = 'short', '1'\n    def score(self, samples):\n        return "
    (tmp_path / "short.py").write_text(source + listing.replace("[1.0]", "[float(len(samples[0].completion) > 0)]"))
    reward = trl_reward(f"{tmp_path}/short.py:Short", max_not_judged=None)
    found = rewards(reward, ["a", "b", "c"])
    assert len(found) == 3
    assert 0.0 not in found
    assert found == [None] * 3 or listing == "[1.0]"  # given one by one, one value is a whole answer


def test_a_trainers_short_list_is_an_error_and_not_shifted() -> None:
    reward = trl_reward("numeric")
    with pytest.raises(UsageError, match="answer has 1 entries for 2 completions"):
        reward(["p", "p"], ["4", "5"], answer=["4"])


@pytest.mark.parametrize("engine", ["docker", "bwrap"])
def test_programs_without_a_sandbox_are_not_judged(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("PATH", "/nowhere")
    reward = trl_reward("code", options={"sandbox": engine}, max_not_judged=None)
    tests = {"inputs": ["1\n"], "outputs": ["1\n"]}
    found = rewards(reward, ["```python\nprint(input())\n```", "```python\nprint(2)\n```"], tests)
    assert found == [None, None]
    with pytest.raises(RewardError, match="could not be judged"):
        rewards(trl_reward("code", options={"sandbox": engine}), ["```python\nprint(1)\n```"] * 16, tests)


def test_a_plan_with_a_member_that_fails_is_none_and_its_other_members_do_not_fill_in(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"how: weighted\nteachers: [numeric, {{teacher: '{CHAOS}', name: chaos, reference: none}}]\n")
    reward = trl_reward(str(plan), max_not_judged=None, deadline_s=0.5)
    completions = [str(number) for number in range(24)]
    found = rewards(reward, completions, "4")
    for completion, value in zip(completions, found, strict=True):
        assert (value is None) == (fate(completion) in FAILS), completion
