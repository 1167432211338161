"""What is known of a run's processes, and of how the run ended."""

from __future__ import annotations

from . import warm, zygote


class Unfit(RuntimeError):
    """This box cannot run another program."""


class Ending:
    """How one process ended."""

    def __init__(self) -> None:
        self.pid = 0
        self.status: int | None = None
        self.cpu_s = 0.0
        self.resident_bytes = 0


class Finished:
    """How a run ended: its processes, and the limit or other reason that ended it."""

    def __init__(self, count: int) -> None:
        self.endings = [Ending() for _ in range(count)]
        self.reason, self.detail = "", ""
        self.wall_s, self.cpu_s, self.peak_bytes = 0.0, 0.0, 0
        self.oom = False
        self.disturbed = False
        self.spare_until = 0.0
        """Before this time, the first process may end by itself though there is a reason to end the run."""


def note(run: Finished, reply: warm.Reply) -> int:
    """Take down what a zygote says; return how many processes have ended by it."""
    ending = run.endings[reply.child]
    if reply.tag == zygote.STARTED:
        ending.pid = reply.value
        return 0
    if reply.tag == zygote.REFUSED:
        raise Unfit("no process can be started")
    ending.status, ending.cpu_s, ending.resident_bytes = reply.value, reply.cpu_s, reply.resident_bytes
    return 1
