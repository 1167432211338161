"""Scores rollouts with PyPI's `verifiers`, in an environment where our package of that name is not: prints JSON.

Run as `python -I prime_driver.py PATH_OF_PRIME_RL_PY`, with VERIFY_URL set. Rows come as JSON on standard input.
"""

import asyncio
import json
import sys
from typing import Any

import verifiers.v1 as vf
from verifiers.v1.configs.task import TaskConfig


class Row(vf.TaskData):
    answer: str | None = None


class Question(vf.Task[Row, TaskConfig]):
    pass


async def scored(text: str, answer: str | None) -> Any:
    config = TaskConfig.model_validate({"rewards": {"verify": {"fn": f"{sys.argv[1]}:reward", "weight": 2.0}}})
    row = Row(prompt="2+3?", answer=answer)
    trace = vf.Trace.model_construct(task=vf.TraceTask.model_construct(type="Question", data=row), root_reply=text)
    trace.rewards, trace.metrics = {}, {}
    try:
        await Question(row, config).score(trace)
    except vf.TaskError as error:
        return f"TaskError: {error}"
    reward = trace.rewards["verify"]
    return [reward.score, reward.weight]


async def main() -> None:
    rows = json.loads(sys.stdin.read())
    print(json.dumps(await asyncio.gather(*(scored(*row) for row in rows))))


asyncio.run(main())
