"""What a forked process does before it becomes the program: own session, user, limits, folder and descriptors.

Everything it needs was imported by the zygote, so that nothing is loaded after the fork. Every page that is touched
here costs a copy in every run: that is why this is written plainly.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any, NoReturn

from . import seccomp, spaces

OOM_FIRST = b"1000"
"""Programs are what the kernel kills first when memory ends."""
NICE = 10
"""Below the supervisor, so that it gets its turn among many spinning processes."""
NO_GROUP = 65_534
SET_UP_FAILED, CANNOT_EXECUTE = 125, 126
_HIGHEST_FD = 64
_PR_SET_DUMPABLE = 4
LIMIT_NUMBERS = {
    "cpu_s": resource.RLIMIT_CPU,
    "address_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_bytes": resource.RLIMIT_FSIZE,
    "stack_bytes": resource.RLIMIT_STACK,
    "open_files": resource.RLIMIT_NOFILE,
}
_LINUX = sys.platform == "linux"

Plan = dict[str, Any]
"""How to make one process: see `jobs.Work.plan` for the fields."""


def inherit(switch_users: bool, folder: str) -> None:
    """Set, once in the zygote, what all children shall have alike: it costs them nothing then."""
    os.chdir(folder)
    os.umask(0o022)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if switch_users:
        os.setgroups([])
        os.setresgid(NO_GROUP, NO_GROUP, NO_GROUP)
    if _LINUX:
        _offer_to_oom_killer()
        set_dumpable(False)


def become(plan: Plan, fds: list[int], refuse: seccomp.Filter | None) -> None:
    """Turn this fresh fork into the process that `plan` describes, up to the point of running it.

    Args:
        plan: `uid` (or None), `limits` as (number, soft, hard), `strict` and `cover`, `cwd` if it is not the zygote's,
            `dumpable`.
        fds: Descriptors to become 0, 1, 2, 3 and so on; ascending, and each above its new number.
        refuse: The filter to install, unless the zygote is bound by it already.

    Raises:
        OSError: If any part of the isolation cannot be had. The process must then end.
    """
    os.setsid()
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
    os.closerange(len(fds), _HIGHEST_FD)
    if plan["strict"]:
        spaces.enter(plan)
    if plan["cwd"]:
        os.chdir(plan["cwd"])
    for number, soft, hard in plan["limits"]:
        resource.setrlimit(number, (soft, hard))
    uid = plan["uid"]
    if uid is not None:
        os.setresuid(uid, uid, uid)
    if _LINUX and plan["dumpable"]:  # else /proc/self, and /dev/stdin with it, would be closed to it
        set_dumpable(True)
    if refuse is not None:
        refuse.install()


def set_dumpable(yes: bool) -> None:
    """Say whether processes of this user may look into this one."""
    seccomp.prctl(_PR_SET_DUMPABLE, int(yes))


def _offer_to_oom_killer() -> None:
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:  # a bare sandbox without /proc
        return
    try:
        os.write(fd, OOM_FIRST)
    except OSError:  # already higher than we may set
        pass
    finally:
        os.close(fd)


def give_up(plan: Plan, why: str) -> NoReturn:
    """End this process before the program is reached, in a way that the supervisor, and no program, knows."""
    os.write(2, f"{plan['token']} {why}".encode())
    os._exit(SET_UP_FAILED)


def execute(plan: Plan) -> NoReturn:
    """Replace this process by the program that `plan` names."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    program: str = plan["argv"][0]
    try:
        os.execvpe(program, plan["argv"], plan["env"])
    except OSError as error:
        if "/" not in program:  # a tool of ours; what has a path is of the job's own making
            give_up(plan, f"{program}: {error.strerror}")
        os.write(2, f"{program}: {error.strerror}\n".encode())
        os._exit(CANNOT_EXECUTE)
