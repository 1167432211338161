"""One run: have its processes forked, watch them, and leave the box as clean as it was."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from . import folders, limits, meter, setting, warm, zygote
from .finished import Ending, Finished, Unfit, note
from .host import Host, HostGone
from .setting import Setting

KILL_WAIT_S = 5.0
SWEEP_ROUNDS = 4
MAX_ZYGOTES = 3
CANCELLED = "cancelled"
LOST = "lost"
"""Reasons to end a run beside its limits: the host gave it up; it attacked the zygote."""


class Talk:
    """A conversation with a run's processes, over descriptors of the supervisor's."""

    fd = -1
    """Negative once it is over; the talk then has left the loop."""

    def attach(self, poll: select.poll) -> None:
        """Take part in a loop."""

    def readable(self, run: Finished) -> None:
        """Take in what was said; or go on with what is to be said."""


class Runner:
    """Makes runs, one after another."""

    def __init__(self, here: Setting, host: Host) -> None:
        self.setting, self.host = here, host
        self.group = meter.Group.find() if here.mode != "local" else None
        self._own = {os.getpid()}
        self._shared_user = here.uids is None
        self._has_own_disk = os.stat(here.work).st_dev != os.stat("/").st_dev and here.mode != "local"
        self._scratch = [path for path in here.scratch if os.path.isdir(path)]
        counted = (here.work, *self._scratch) if self._has_own_disk else ()
        self.usage = limits.Usage(self.group, self._own, counted)
        self._folder_ids = self._identify()
        self._last_pid, self._children = meter.LastPid(), meter.Children()
        self._zygotes: dict[tuple[str, ...], warm.Zygote] = {}
        self._next_uid = 0
        self.token = os.urandom(16).hex()
        """What a process that could not be set up says; no program ever knows it."""
        self._poll = select.poll()
        self._poll.register(host.in_fd, select.POLLIN)
        self._idle_processes = 0
        self.current_id = -1
        self.zygote(())
        self._idle_inodes = self._inodes()

    # Warm interpreters.

    def zygote(self, preload: Sequence[str]) -> warm.Zygote:
        """Return a warm interpreter, started if need be; it becomes the last to be dropped."""
        key = tuple(preload)
        found = self._zygotes.pop(key, None)
        if found is None:
            while len(self._zygotes) >= MAX_ZYGOTES:
                self._drop(next(iter(self._zygotes)))
            found = warm.Zygote(key, self.setting)
            self._own.add(found.pid)
            self.usage.idle_resident_bytes = _resident_bytes(found.pid)
        self._zygotes[key] = found
        self._settle()
        return found

    def _drop(self, key: tuple[str, ...]) -> None:
        dropped = self._zygotes.pop(key)
        dropped.close()
        self._own.discard(dropped.pid)

    def _settle(self) -> None:
        self._idle_processes = self.group.processes() if self.group is not None else 0
        self._idle_pid = self._last_pid.read()

    def uid(self) -> int | None:
        """Return the user of the next process, if users are switched."""
        uids = self.setting.uids
        if uids is None:
            return None
        self._next_uid = (self._next_uid + 1) % len(uids)
        return uids[self._next_uid]

    def close(self) -> None:
        """End everything in the box."""
        for key in list(self._zygotes):
            self._drop(key)
        self._kill_all([process.pid for process in meter.descendants({os.getpid()})])

    # Runs.

    def run(
        self,
        plans: list[dict[str, Any]],
        fds: Sequence[int],
        watch: limits.Watch,
        preload: Sequence[str] = (),
        talk: Talk | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> Finished:
        """Run the processes of `plans` until all have ended, and end what they leave.

        Args:
            plans: See `child.become`; each says by `fds` how many descriptors are its.
            fds: The descriptors of all, in order. Not closed.
            watch: What may be used.
            preload: Which warm interpreter.
            talk: Whom the processes talk to meanwhile.
            on_start: Called once they were asked for.

        Raises:
            Unfit: If the box is not fit for another run.
            HostGone: If the host left.
        """
        parent = self.zygote(preload) if tuple(preload) not in self._zygotes else self._zygotes[tuple(preload)]
        finished = Finished(len(plans))
        try:
            parent.ask(plans, fds)
            if on_start is not None:
                on_start()
            self._attend(parent, finished, watch, talk)
        except warm.ZygoteLost:
            finished.reason, finished.detail = LOST, "the warm interpreter was attacked"
        finished.wall_s = watch.wall_s
        finished.peak_bytes = max([watch.peak_bytes, *(ending.resident_bytes for ending in finished.endings)])
        # Pids come round again, so what went on forking may stand where nothing would; an orphan cannot hide from us.
        alone = self._last_pid.read() == self._idle_pid + len(plans) and self._children.all_are(self._own)
        self._clear(finished, plans, alone)
        used = sum(ending.cpu_s for ending in finished.endings)
        finished.cpu_s = used if alone else max(used, watch.cpu_s)
        if (self.group is not None and not alone) or finished.reason or any(end.status for end in finished.endings):
            finished.oom = self.usage.oom_happened()
            self.usage.settle()
        self._idle_pid = self._last_pid.read()
        return finished

    def _attend(self, parent: warm.Zygote, run: Finished, watch: limits.Watch, talk: Talk | None) -> None:
        """Wait for the processes' end, looking at their limits now and then."""
        poll = self._poll
        poll.register(parent.sock, select.POLLIN)
        if talk is not None:
            talk.attach(poll)
        started, running, deadline = 0, len(run.endings), 0.0
        try:
            while running:
                events = poll.poll(watch.next_look_s() * 1000)
                for fd, _ in events:
                    if fd == self.host.in_fd:
                        self.host.read()
                    elif talk is not None and fd == talk.fd:
                        talk.readable(run)
                    else:
                        for reply in parent.replies():
                            started += reply.tag != zygote.ENDED
                            running -= note(run, reply)
                if not events:
                    self.host.flush_old()
                if not run.reason:
                    self._look(run, watch)
                if run.reason and started == len(run.endings):
                    deadline = deadline or time.monotonic() + KILL_WAIT_S
                    self._kill(run)
                if (run.reason or not events) and self._stuck(parent, deadline):
                    raise warm.ZygoteLost("it does not answer")
        finally:
            poll.unregister(parent.sock)
            if talk is not None and talk.fd >= 0:
                poll.unregister(talk.fd)

    def _look(self, run: Finished, watch: limits.Watch) -> None:
        if self.current_id in self.host.cancelled:
            run.reason = CANCELLED
        elif watch.overdue:
            run.reason, run.detail = watch.exceeded()

    def _kill(self, run: Finished) -> None:
        spared = run.spare_until > time.monotonic()
        for ending in run.endings[1 if spared else 0 :]:
            if ending.pid > 0 and ending.status is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(ending.pid, signal.SIGKILL)

    def _stuck(self, parent: warm.Zygote, deadline: float) -> bool:
        """Return whether the zygote was stopped or killed by a program, or does not bury what was killed."""
        if deadline and time.monotonic() > deadline:
            return True
        if self.setting.mode not in ("single", "local"):
            return False
        flags = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, parent.pid, flags) is not None

    # Afterwards.

    def _clear(self, run: Finished, plans: Sequence[dict[str, Any]], alone: bool) -> None:
        """End what the run left behind: processes, then files."""
        if run.reason == LOST:
            run.disturbed = True
            self._restart()
        elif not alone and not self.setting.strict:
            self._reap()
            run.disturbed = self._leftovers() > 0
            if run.disturbed:
                self._sweep(plans)
        elif self.setting.strict and self.group is not None and self.group.processes() > self._idle_processes:
            self._reap()
        self._empty(plans)

    def _leftovers(self) -> int:
        if self.group is not None:
            return self.group.processes() - self._idle_processes
        return len(meter.descendants(self._own))

    def _reap(self) -> None:
        """Bury orphans, which come to us as process 1; their CPU time counts."""
        while True:
            try:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.usage.reaped_cpu_s += usage.ru_utime + usage.ru_stime
            if pid in self._own:
                for key, parent in list(self._zygotes.items()):
                    if parent.pid == pid:
                        self._drop(key)

    def _sweep(self, plans: Sequence[dict[str, Any]]) -> None:
        """End the processes that are left, first those of the run's users, then, if need be, all but ourselves."""
        for _ in range(SWEEP_ROUNDS):
            if self.setting.uids is not None:
                self._sweep_users([plan["uid"] for plan in plans], ())
            else:
                self._kill_all([process.pid for process in meter.descendants(self._own)])
            if self._all_gone(0.2):
                return
        if self.setting.mode == "local":
            raise Unfit("processes of a program cannot be ended")
        self._restart()

    def _sweep_users(self, uids: Sequence[Any], paths: Sequence[str]) -> bool:
        """Have a process of each user end all others of that user, and empty folders."""
        rights = {
            "kind": "sweep",
            "folders": list(paths),
            "fds": 0,
            "cwd": "",
            "strict": False,
            "dumpable": False,
            "token": "",
        }
        if not self._zygotes:
            return False
        parent = next(iter(self._zygotes.values()))
        try:
            parent.ask([dict(rights, uid=uid, limits=[]) for uid in uids], ())
            statuses: list[int] = []
            deadline = time.monotonic() + KILL_WAIT_S
            while len(statuses) < len(uids) and parent.answers(max(0.0, deadline - time.monotonic())):
                statuses += [r.value for r in parent.replies() if r.tag in (zygote.ENDED, zygote.REFUSED)]
        except warm.ZygoteLost:
            return False
        return len(statuses) == len(uids) and not any(statuses)

    @staticmethod
    def _kill_all(pids: Sequence[int]) -> None:
        """Stop all before the first is ended, so that none can put another in its place."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _all_gone(self, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while True:
            self._reap()
            if self._leftovers() <= 0:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)

    def _restart(self) -> None:
        """End every process in the box but this one, and start a new warm interpreter.

        Raises:
            Unfit: If they do not end.
        """
        if self.setting.mode == "local":
            self._kill_all([process.pid for process in meter.descendants({os.getpid()})])
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        for key in list(self._zygotes):
            self._drop(key)
        self._idle_processes = threads_of_ours() if self.group is not None else 0
        if not self._all_gone(KILL_WAIT_S):
            raise Unfit("processes of a program cannot be ended")
        try:
            self.zygote(())
        except warm.ZygoteLost as error:
            raise Unfit(str(error)) from error

    def _inodes(self) -> tuple[int, ...]:
        return tuple(os.statvfs(path).f_ffree for path in (self.setting.work, *self._scratch))

    def _identify(self) -> list[tuple[int, int]]:
        return [(status.st_dev, status.st_ino) for status in map(os.lstat, (self.setting.work, self.setting.job))]

    def _restore_folders(self) -> None:
        """Where programs are the user who owns the folders, they may have renamed or closed them, or added others."""
        here = self.setting
        try:
            intact = self._identify() == self._folder_ids
        except OSError:  # gone
            intact = False
        if not folders.empty(here.root, (setting.WORK, setting.JOB) if intact else ()):
            raise Unfit(f"{here.root} cannot be emptied")
        setting.make_folders(here.work, here.job)
        if not intact:  # our interpreters still live in the old ones
            self._folder_ids = self._identify()
            self._restart()

    def files_laid(self) -> None:
        """The folders were filled on purpose: this is what a run must leave."""
        self._idle_inodes = self._inodes()

    def _empty(self, plans: Sequence[dict[str, Any]]) -> None:
        """Empty the folders, if anything is in them.

        Raises:
            Unfit: If that cannot be done.
        """
        if self._shared_user:
            self._restore_folders()
        if self._has_own_disk and self._inodes() == self._idle_inodes:
            return
        paths = [path for path in (self.setting.work, *self._scratch) if not folders.empty(path)]
        if paths and self.setting.uids is not None:
            self._sweep_users([plan["uid"] for plan in plans], paths)
            paths = [path for path in paths if not folders.empty(path)]
        if paths:
            raise Unfit(f"{', '.join(paths)} cannot be emptied")


def threads_of_ours() -> int:
    """Return how many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


__all__ = ["CANCELLED", "LOST", "Ending", "Finished", "HostGone", "Runner", "Talk", "Unfit"]
