"""axolotl's reward functions, by their dotted path: TRL's, made on first use.

    trl:
      reward_funcs: ["grpo_bridge.axolotl.math"]

A plan or options: `GRPO_BRIDGE_TASK=plan.yaml` and `grpo_bridge.axolotl.reward`. One function for a run: TRL counts the
`None` of one of several as 0.

Read and run: axolotl 0.19.0, `core/trainers/grpo/__init__.py` (`get_reward_func`). Its trainer drops `log_extra` and
`log_metric`, so that parts are not logged.
"""

from __future__ import annotations

from grpo_bridge.doors import chosen_task, door
from grpo_bridge.routes import AnyTask
from grpo_bridge.trl import TrlReward, trl_reward


def _make(task: AnyTask) -> TrlReward:
    return trl_reward(chosen_task(task))


__getattr__ = door(globals(), "grpo_bridge.axolotl", _make, ("reward",))
