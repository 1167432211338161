"""What a forked process does before it becomes the program: own session, user, limits, folder and descriptors.

Everything it needs was imported by the zygote, so that nothing is loaded after the fork.
"""

from __future__ import annotations

import os
import resource
import signal
from typing import Any, Dict, List, Optional  # noqa: UP035  (Python 3.9 runs this file too)

from . import seccomp, spaces

OOM_FIRST = b"1000"
"""Programs are what the kernel kills first when memory ends."""
NICE = 10
"""Below the supervisor, so that it gets its turn among many spinning processes."""
FIRST_EXTRA_FD = 3
_HIGHEST_FD = 64
_PR_SET_DUMPABLE = 4
_LIMITS = (
    ("cpu_s", resource.RLIMIT_CPU),
    ("address_bytes", resource.RLIMIT_AS),
    ("processes", resource.RLIMIT_NPROC),
    ("file_bytes", resource.RLIMIT_FSIZE),
    ("stack_bytes", resource.RLIMIT_STACK),
    ("open_files", resource.RLIMIT_NOFILE),
)

Plan = Dict[str, Any]  # noqa: UP006
"""How to make one process: see `runs.Plan` for the fields."""


def become(plan: Plan, fds: List[int], refuse: Optional[seccomp.Filter]) -> None:  # noqa: UP006, UP045
    """Turn this fresh fork into the process that `plan` describes, up to the point of running it.

    Args:
        plan: `uid` (or None), `cwd`, `limits` and `strict`, `dumpable`.
        fds: Descriptors to become 0, 1, 2, 3 and so on; ascending, and each above its new number.
        refuse: The filter to install, unless the zygote is bound by it already.

    Raises:
        OSError: If any part of the isolation cannot be had. The process must then end.
    """
    os.setsid()
    _place(fds)
    _offer_to_oom_killer()
    if plan["strict"]:
        spaces.enter(plan)
    os.chdir(plan["cwd"])
    os.umask(plan.get("umask", 0o022))
    os.nice(NICE)
    _bound(plan["limits"])
    uid = plan["uid"]
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if hasattr(os, "uname") and os.uname().sysname == "Linux":
        seccomp.prctl(_PR_SET_DUMPABLE, int(plan["dumpable"]))
    if refuse is not None:
        refuse.install()


def _place(fds: List[int]) -> None:  # noqa: UP006
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
    os.closerange(len(fds), _HIGHEST_FD)


def _offer_to_oom_killer() -> None:
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:  # no /proc: not Linux, or a bare sandbox
        return
    try:
        os.write(fd, OOM_FIRST)
    except OSError:  # already higher than we may set
        pass
    finally:
        os.close(fd)


def _bound(limits: Dict[str, int]) -> None:  # noqa: UP006
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, number in _LIMITS:
        value = limits.get(name)
        if value is not None:
            soft, hard = value, value + (1 if number == resource.RLIMIT_CPU else 0)
            _, ceiling = resource.getrlimit(number)
            if ceiling != resource.RLIM_INFINITY:
                soft, hard = min(soft, ceiling), min(hard, ceiling)
            resource.setrlimit(number, (soft, hard))


def execute(argv: List[str], env: Dict[str, str]) -> None:  # noqa: UP006
    """Replace this process by a program.

    Raises:
        OSError: If it cannot be started.
    """
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(argv[0], argv, env)
