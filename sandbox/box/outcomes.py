"""From how a run ended to the report of it."""

from __future__ import annotations

import os
import signal
from typing import Any

from . import child, limits, runs

MAX_STDERR_BYTES = 16 * 1024
MAX_REFUSED_OUTPUT_BYTES = 64 * 1024
"""Of an output that was too long, so much is shown."""
OK, RUNTIME_ERROR, INFRASTRUCTURE = "ok", "runtime_error", "infrastructure"
_OUT_OF_MEMORY = (b"MemoryError", b"terminate called after throwing an instance of 'std::bad_alloc'", b"out of memory")


class SetUpFailed(RuntimeError):
    """A process could not be isolated as it should be."""


def judge(run: runs.Finished, watch: limits.Watch, stderr_tail: bytes) -> tuple[str, str]:
    """Return the outcome of a run by its first process, and a line about it."""
    bounds = watch.limits
    if run.reason == runs.LOST:
        return RUNTIME_ERROR, run.detail
    if run.oom and run.reason in ("", limits.TIME):  # waiting for memory, or for what was killed, takes time too
        return limits.MEMORY, "the kernel ended it because memory was used up"
    if run.reason:
        return run.reason, run.detail
    reason, detail = watch.too_much_output()
    if reason:
        return reason, detail
    status = run.endings[0].status
    if run.cpu_s > bounds["cpu_s"] or _signal_of(status) == signal.SIGXCPU:
        return limits.TIME, f"used {run.cpu_s:.2f} of {bounds['cpu_s']:g} CPU seconds"
    if run.peak_bytes > bounds["memory_bytes"]:
        return limits.MEMORY, f"held {run.peak_bytes} of {bounds['memory_bytes']} bytes"
    if status == 0:
        return OK, ""
    if _ran_out_of_memory(run, bounds, stderr_tail):
        return limits.MEMORY, "could not get more memory"
    number = _signal_of(status)
    return RUNTIME_ERROR, f"ended by {_name(number)}" if number else f"exit status {exit_code(status)}"


def _ran_out_of_memory(run: runs.Finished, bounds: dict[str, Any], stderr_tail: bytes) -> bool:
    lines = stderr_tail.rstrip().rsplit(b"\n", 3)[-3:]
    if any(line.startswith(_OUT_OF_MEMORY[:2]) for line in lines):
        return True
    crashed = _signal_of(run.endings[0].status) in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
    return crashed and run.peak_bytes >= limits.NEAR_LIMIT * bounds["memory_bytes"]


def _signal_of(status: int | None) -> int:
    return os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def exit_code(status: int | None) -> int | None:
    """Return the exit status; `None` if it was killed."""
    return os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None


def report(
    run: runs.Finished,
    watch: limits.Watch,
    outputs: tuple[int, int],
    token: str,
    **fields: Any,
) -> tuple[dict[str, Any], list[bytes]]:
    """Return the header and blobs that tell of a run.

    Args:
        run: How it ended.
        watch: What it used.
        outputs: Its stdout and stderr.
        token: What a process says that could not be set up.
        **fields: More of the header.

    Raises:
        SetUpFailed: If the program was never reached.
    """
    stdout, said = outputs[0], tail(outputs[1])
    status = run.endings[0].status
    if exit_code(status) == child.SET_UP_FAILED and said.startswith(token.encode()):
        raise SetUpFailed(said[len(token) + 1 :].decode("utf-8", "replace"))
    outcome, detail = judge(run, watch, said)
    size = os.fstat(stdout).st_size
    most = watch.limits["output_bytes"] if outcome != limits.OUTPUT else MAX_REFUSED_OUTPUT_BYTES
    header = {
        "outcome": outcome, "detail": detail, "exit_code": exit_code(status), "signal": _signal_of(status) or None,
        "cpu_s": round(run.cpu_s, 6), "wall_s": round(run.wall_s, 6), "memory_bytes": run.peak_bytes, **fields,
    }  # fmt: skip
    if run.disturbed:
        header["disturbed"] = True
    return attach(header, {"stdout": os.pread(stdout, min(size, most), 0), "stderr": said})


def attach(header: dict[str, Any], named: dict[str, bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return the header with the indices of those blobs that are not empty, and these blobs."""
    blobs: list[bytes] = []
    for name, blob in named.items():
        if blob:
            header[name] = len(blobs)
            blobs.append(blob)
    return header, blobs


def tail(fd: int) -> bytes:
    """Return the end of a memory file."""
    size = os.fstat(fd).st_size
    return os.pread(fd, MAX_STDERR_BYTES, max(0, size - MAX_STDERR_BYTES)) if size else b""


def plain(outcome: str, detail: str) -> dict[str, Any]:
    """Return the header of a run that is part of a process that goes on."""
    return {"outcome": outcome, "detail": detail, "exit_code": None, "signal": None, "memory_bytes": 0}
