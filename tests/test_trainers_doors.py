"""Trainers that are not on PyPI, through their interfaces as their sources have them, and the doors of all.

slime 624b824, EasyR1 b44b311 and NeMo-RL 7ea279a were read, and what they call is written down here; their own code ran
with these files once, by hand.
"""

import asyncio
import importlib
import importlib.util
import inspect
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grpo_bridge import axolotl, doors, easyr1, ms_swift, nemo_rl, openrlhf, slime
from verifiers.errors import UsageError

MODULES = ("verl", "openrlhf", "slime", "areal", "easyr1", "axolotl")
CHAT = [{"role": "user", "content": "2+3?"}]


@pytest.mark.parametrize("name", MODULES)
def test_every_teacher_is_an_attribute_and_nothing_else_is(name: str) -> None:
    module = importlib.import_module(f"grpo_bridge.{name}")
    assert callable(module.math)
    assert module.math is module.math
    assert not hasattr(module, "no_such_teacher")
    assert not hasattr(module, "__path__")


@pytest.mark.parametrize("name", ["verl", "openrlhf", "slime", "easyr1", "areal"])
def test_what_a_door_gives_travels_by_its_name(name: str) -> None:
    made = importlib.import_module(f"grpo_bridge.{name}").math
    assert pickle.loads(pickle.dumps(made)) is made or name == "areal"
    assert callable(pickle.loads(pickle.dumps(made)))


def test_no_task_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(doors.TASK_VARIABLE, raising=False)
    with pytest.raises(UsageError, match="GRPO_BRIDGE_TASK=math"):
        easyr1.reward_function("")([{"response": "5", "response_length": 1, "ground_truth": "5"}])


def test_shaping_teachers_have_names_that_python_allows() -> None:
    assert all(name.isidentifier() for name in doors.attribute_names())
    assert doors.attribute_names()["shaping_length"] == "shaping/length"


@pytest.mark.parametrize("module", [openrlhf, easyr1, ms_swift], ids=lambda module: module.__name__)
def test_a_module_prints_the_file_that_its_trainer_loads(module: Any) -> None:
    command = [sys.executable, "-m", module.__name__]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    assert Path(printed).is_file()
    wanted = ms_swift.PLUGIN if module is ms_swift else Path(str(module.__file__))
    assert Path(printed) == wanted


def test_prime_rls_file_needs_the_standard_library_only() -> None:
    source = subprocess.run(
        [sys.executable, "-m", "grpo_bridge.prime_rl"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    block = "import sys; sys.modules['verifiers'] = sys.modules['grpo_bridge'] = None"
    alone = f"{block}; exec(sys.stdin.read(), {{'__name__': 'x'}})"
    done = subprocess.run([sys.executable, "-I", "-c", alone], input=source, text=True, timeout=60)
    assert done.returncode == 0


# slime: `load_function(path)`, then `await fn(args, sample)`, or with --group-rm `await fn(args, samples)`.


def slimes(response: str, label: Any = "5", group: int = 1) -> Any:
    fields = {"metadata": {}, "group_index": group, "remove_sample": False, "reward": None}
    return SimpleNamespace(prompt="2+3?", response=response, label=label, **fields)


def test_slime_scores_one_sample_at_a_time() -> None:
    args = SimpleNamespace(n_samples_per_prompt=3, reward_key=None, eval_reward_key=None)
    samples = [slimes("5", group=71), slimes("6", group=71), slimes("5", None, group=71)]

    async def run() -> list[Any]:
        return await asyncio.gather(*(slime.math(args, each) for each in samples))

    assert asyncio.run(run()) == [1.0, 0.0, 0.5]
    assert [each.remove_sample for each in samples] == [False, False, True]


def test_slime_scores_a_group_with_a_reward_key() -> None:
    args = SimpleNamespace(n_samples_per_prompt=2, reward_key="score", eval_reward_key=None)
    found = asyncio.run(slime.math(args, [slimes("5"), slimes("6")]))
    assert found == [{"score": 1.0, "judged": 1.0}, {"score": 0.0, "judged": 1.0}]


# EasyR1: the file is loaded as `custom_reward_fn`, REWARD_TYPE is read, the function is called with keyword arguments.


def test_easyr1_loads_the_file_and_scores_a_step() -> None:
    spec = importlib.util.spec_from_file_location("custom_reward_fn", easyr1.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.REWARD_NAME, module.REWARD_TYPE) == ("grpo-teachers", "batch")
    inputs = [
        {"response": text, "response_length": 1, "ground_truth": reference}
        for text, reference in (("5", "5"), ("6", "5"), ("5", None), ("7", "7"), ("7", "7"), ("8", "7"))
    ]
    found = partial(module.main, task="math", group_size=3)(inputs)
    assert [each["overall"] for each in found] == [1.0, 0.0, 0.5, 1.0, 1.0, 0.0]
    assert {tuple(each) for each in found} == {("overall", "accuracy", "judged")}
    assert partial(module.math)(inputs[:2])[0]["overall"] == 1.0


# NeMo-RL: `step(message_log_batch, metadata)`; a message may hold tensors of its tokens.


def test_nemo_rls_environment_judges_a_batch() -> None:
    answers = ["The answer is 5<|im_end|>", "6", "5"]
    logs = [[*CHAT, {"role": "assistant", "content": text, "token_ids": object()}] for text in answers]
    environment = nemo_rl.BatchEnvironment({"num_workers": 2, "options": {"percent": "strict"}}, "math")
    metadata = [{"ground_truth": "5"}, {"ground_truth": "5"}, {"ground_truth": None}]
    rewards, scored = environment.judge(logs, metadata)
    assert rewards == [1.0, 0.0, 0.5]
    assert [each.valid for each in scored] == [True, True, False]


@pytest.mark.parametrize("task", ["http://:a-token-of-some-length@scorers:8000", "my.yaml"])
def test_nemo_rls_registry_takes_no_task_that_it_could_not_find_again(task: str) -> None:
    with pytest.raises(UsageError, match="GRPO_BRIDGE_TASK") as refused:
        nemo_rl.register("verify", task)
    assert task not in str(refused.value)


# axolotl: `getattr(module, name)`, at least two declared parameters, then TRL's calls, after a pickle.


def test_axolotls_function_is_trls() -> None:
    function = getattr(importlib.import_module("grpo_bridge.axolotl"), "numeric")  # noqa: B009 (as axolotl does)
    assert len(inspect.signature(function).parameters) >= 2
    copy = pickle.loads(pickle.dumps(function))
    assert copy(prompts=["2+3?"] * 2, completions=["5", "6"], answer=["5", "5"]) == [1.0, 0.0]
    assert axolotl.numeric is function


def test_ms_swifts_registry_gets_a_class_for_each_teacher() -> None:
    orms: dict[str, Any] = {}
    ms_swift.register(orms)
    assert {"verify", "verify_math", "verify_code", "verify_shaping_length"} <= set(orms)
    chats = [[*CHAT, {"role": "assistant", "content": text}] for text in ("5", "6", "5")]
    judge = orms["verify_math"](args=None)
    found = judge(["5", "6", "5"], messages=chats, solution=["5", "5", None], trainer_state=None)
    assert found == [1.0, 0.0, 0.5]
