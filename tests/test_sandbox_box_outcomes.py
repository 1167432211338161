"""What a run's ending is called."""

from __future__ import annotations

import signal
from typing import Any, cast

import pytest

from sandbox.box import limits, outcomes, runs

LIMITS = {"cpu_s": 1.0, "wall_s": 3.0, "memory_bytes": 1 << 20, "output_bytes": 100}


class Watch:
    """One that saw nothing itself."""

    limits = LIMITS

    def too_much_output(self) -> tuple[str, str]:
        return "", ""


@pytest.mark.parametrize(
    ("reason", "oom", "status", "cpu_s", "outcome"),
    [
        ("", False, 0, 0.1, "ok"),
        ("", False, 256, 0.1, "runtime_error"),
        ("", False, 0, 1.1, "time_limit"),
        ("", False, int(signal.SIGXCPU), 0.1, "time_limit"),
        ("", True, 0, 0.1, "memory_limit"),
        ("", True, int(signal.SIGKILL), 1.1, "memory_limit"),
        (limits.TIME, False, int(signal.SIGKILL), 1.1, "time_limit"),
        (limits.TIME, True, int(signal.SIGKILL), 1.1, "memory_limit"),
        (limits.OUTPUT, True, int(signal.SIGKILL), 0.1, "output_limit"),
        (runs.LOST, True, int(signal.SIGKILL), 0.1, "runtime_error"),
    ],
)
def test_run_when_several_limits_were_met_then_the_cause_is_named(
    reason: str, oom: bool, status: int, cpu_s: float, outcome: str
) -> None:
    run = runs.Finished(1)
    run.reason, run.oom, run.cpu_s = reason, oom, cpu_s
    run.endings[0].status = status
    assert outcomes.judge(run, cast("Any", Watch()), b"")[0] == outcome
