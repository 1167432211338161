"""Process 1 of a box: takes jobs from the host, has them run, and reports. It never runs anything of a program's."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import socket
import sys

from . import frames, runs, seccomp, setting, warm
from .host import Host, HostGone
from .jobs import Work
from .outcomes import SetUpFailed

_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36


def main(options: argparse.Namespace) -> int:
    """Serve until the host leaves; return the exit status."""
    in_fd, out_fd = _open_line(options)
    if sys.platform == "linux":
        seccomp.prctl(_PR_SET_DUMPABLE, 0)
        seccomp.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    host = Host(in_fd, out_fd)
    here = setting.find(options.mode, options.root, options.scratch)
    try:
        runner = runs.Runner(here, host)
    except (OSError, warm.ZygoteLost) as error:
        host.say({"op": "retire", "reason": f"the box cannot start: {error}"})
        host.flush()
        return 1
    _greet(host, runner)
    try:
        return _serve(host, runner)
    except HostGone:
        return 0
    finally:
        runner.close()


def _leave(*_: object) -> None:
    sys.exit(0)


def _open_line(options: argparse.Namespace) -> tuple[int, int]:
    """Return the descriptors of the frames, out of the way of the standard streams."""
    if options.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(options.socket)
        fd = sock.detach()
        return fd, fd
    if options.source:
        return os.open(options.source, os.O_RDONLY | os.O_CLOEXEC), os.open(options.target, os.O_WRONLY | os.O_CLOEXEC)
    return os.dup(0), os.dup(1)


def _greet(host: Host, runner: runs.Runner) -> None:
    here = runner.setting
    accounting = runner.group.name if runner.group is not None else "proc"
    host.say(
        {
            "op": "hello", "version": frames.PROTOCOL_VERSION, "python": platform.python_version(),
            "machine": os.uname().machine, "mode": here.mode, "pid": os.getpid(), "accounting": accounting,
            "tools": setting.tools(here.env["PATH"]),
        }
    )  # fmt: skip
    host.flush()


def _serve(host: Host, runner: runs.Runner) -> int:
    while True:
        while not host.jobs:
            host.flush()
            host.read()
        job = host.jobs.popleft()
        number = job[0]["id"]
        runner.current_id = number
        failure = ""
        try:
            if number not in host.cancelled:
                Work(runner, job).perform()
        except SetUpFailed as error:
            failure = str(error)
        except (runs.Unfit, warm.ZygoteLost, OSError) as error:
            host.say({"op": "retire", "reason": f"{type(error).__name__}: {error}"})
            host.flush()
            return 1
        done = {"op": "done", "id": number, "cancelled": number in host.cancelled, "failure": failure}
        host.forget(number)
        host.say(done)
        host.flush_old()
