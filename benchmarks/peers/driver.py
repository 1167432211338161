"""The loop that every peer's process runs: a chunk of pairs a line in, their judgements a line out.

Standard library only: it runs inside the peers' own environments. A request is a JSON object `{"op": "judge", "pairs":
[{"gold", "text", "bare"}, ...]}`, its answer `{"answers": [{"correct", "cpu_s", "error", "reason"}, ...]}`. `{"op":
"memory"}` asks for the process's memory. Only the judgements are inside the measured CPU time, not the lines.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

Judge = Callable[[str, str, bool], "tuple[bool | None, object]"]
"""(reference, text, whether the text is a bare answer) -> (correct or `None` = passed on to a slower way, reason)."""

WARM_UP = [
    ("1", "The answer is \\boxed{1}.", False),
    ("\\frac{1}{2}", "\\boxed{\\frac{2}{4}}", False),
    ("x+1", "1+x", True),
]
"""Pairs judged before the first measured one, so that lazy imports and caches of grammars are nobody's cost."""


def serve(judge: Judge, packages: tuple[str, ...], slow: Judge | None = None, children: bool = False) -> None:
    """Answer requests from stdin until it closes.

    Args:
        judge: What is measured.
        packages: Distributions whose versions are reported.
        slow: Judges what `judge` passed on, when asked with `{"op": "slow", ...}`.
        children: Whether it judges in child processes, whose CPU counts too.
    """
    requests, out = sys.stdin, os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a peer prints must not mix with our lines
    clock = _cpu_with_children_s if children else time.process_time
    for pair in WARM_UP:
        _measure(judge, clock, *pair)
    _send(out, {"ready": True, "versions": {name: metadata.version(name) for name in packages}, **memory()})
    for line in requests:
        request = json.loads(line)
        if request.get("op") == "memory":
            _send(out, memory())
            continue
        chosen = slow if slow is not None and request.get("op") == "slow" else judge
        pairs = [(pair["gold"], pair["text"], pair["bare"]) for pair in request["pairs"]]
        _send(out, {"answers": [_measure(chosen, clock, *pair) for pair in pairs]})


def memory() -> dict[str, object]:
    """Return the process's memory in MB (now, and its peak) and whether it has loaded sympy."""
    return {"rss_mb": _status_mb("VmRSS"), "peak_mb": _status_mb("VmHWM"), "sympy": "sympy" in sys.modules}


def _cpu_with_children_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _measure(judge: Judge, clock: Callable[[], float], gold: str, text: str, bare: bool) -> dict[str, object]:
    error = ""
    reason: object = ""
    correct: bool | None = False
    started = clock()
    try:
        correct, reason = judge(gold, text, bare)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # peers' timeouts derive from BaseException; each is counted and shown
        error = f"{type(exc).__name__}: {exc}"[:200]
    cpu_s = clock() - started
    return {"correct": correct, "cpu_s": cpu_s, "error": error, "reason": str(reason)}


def _status_mb(field: str) -> float:
    """Read /proc (reset at exec); elsewhere fall back on the peak that the system reports."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def _send(out: Any, message: dict[str, object]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()
