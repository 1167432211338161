"""AReaL's own AsyncRewardWrapper, with our function in its pool of processes.

`areal/__init__.py` imports the whole engine (and pins another torch), so the file that users' functions go through,
`areal/api/reward_api.py`, is imported as it was installed, but without the packages' `__init__` files.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def wrapper() -> Any:
    spec = importlib.util.find_spec("areal")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    for name, folder in (("areal", home), ("areal.utils", home / "utils"), ("areal.api", home / "api")):
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    return importlib.import_module("areal.api.reward_api").AsyncRewardWrapper


def called(wrapper: Any, function: Any, rows: list[tuple[str, dict[str, Any]]]) -> list[float]:
    async def run() -> list[float]:
        judge = wrapper(function, max_workers=1)
        return [await judge("2+3?", text, [1], [2], **data) for text, data in rows]

    return asyncio.run(run())


def test_the_wrapper_scores_in_its_processes(wrapper: Any) -> None:
    from grpo_bridge import areal

    rows = [("The answer is 5<|im_end|>", {"answer": "5", "messages": []}), ("6", {"answer": "5", "messages": []})]
    assert called(wrapper, areal.math, rows) == [1.0, 0.0]


def test_the_dotted_path_is_found_as_areal_finds_it() -> None:
    home, _, name = "grpo_bridge.areal.math".rpartition(".")
    assert callable(getattr(importlib.import_module(home), name))


def test_what_was_not_judged_gets_its_prompts_mean(wrapper: Any) -> None:
    from grpo_bridge.areal import RewardFunction

    rows = [("5", {"answer": "5"}), ("6", {"answer": "5"}), ("5", {"answer": None})]
    assert called(wrapper, RewardFunction("math", max_not_judged=None), rows) == [1.0, 0.0, 0.5]
