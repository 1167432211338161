"""One job: its folders, its compiler, its runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import calls, duets, folders, limits, outcomes, runs, warm
from .host import Job
from .runs import Runner

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024


class Tampered(RuntimeError):
    """A run changed the files that later runs of the job would start from."""


class Work:
    """A job on its way: what all kinds of runs need."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self.runner, self.setting = runner, runner.setting
        self.header, self.blobs = job
        self.id: int = self.header["id"]
        self.launch: dict[str, Any] = self.header["launch"]
        self.limits: dict[str, Any] = self.header["limits"]
        self.preload: list[str] = self.launch.get("preload", [])
        self.reported = 0
        self._sealed: dict[str, tuple[int, int, int]] | None = None
        self._cover = {
            "cover": [self.setting.work, *self.setting.scratch], "cover_bytes": self.limits["file_bytes"],
        }  # fmt: skip
        self.python = self.launch["kind"] == "python"
        files = self.launch.get("files", [])
        self._job_files = self._files(files, "job")
        self._work_files = self._files(files, "work")

    def _files(self, files: Sequence[dict[str, Any]], place: str) -> list[tuple[str, bytes, bool]]:
        return [
            (file["name"], self.blobs[file["blob"]], bool(file.get("exec")))
            for file in files
            if file.get("place", "job") == place
        ]

    def perform(self) -> None:
        """Compile, run, report.

        Raises:
            Unfit, HostGone: See `runs.Runner.run`.
            outcomes.SetUpFailed: If a process could not be isolated.
        """
        if self._job_files:
            folders.lay(self.setting.job, self._job_files)
        try:
            if self.launch.get("compile") is None or self._compile(self.launch["compile"]):
                self.runner.files_laid()
                self._seal()
                self._run_all()
        finally:
            if self._job_files or self.launch.get("compile") is not None:
                self._empty_job_folder()

    def _run_all(self) -> None:
        asked = self.header["work"]
        try:
            _KINDS[asked["kind"]](self)
        except Tampered as error:
            count = len(asked.get("stdins") or asked.get("arguments") or asked.get("checks"))
            for number in range(self.reported, count):
                self.say(number, (outcomes.plain(outcomes.RUNTIME_ERROR, str(error)), []))

    def _empty_job_folder(self) -> None:
        if not folders.empty(self.setting.job):
            raise runs.Unfit(f"{self.setting.job} cannot be emptied")
        self.runner.files_laid()

    def _seal(self) -> None:
        """Remember the job's folder, where the program is the user who owns it and could change it."""
        self._sealed = None
        if self.setting.uids is None and (self._job_files or self.launch.get("compile") is not None):
            self._sealed = folders.fingerprint(self.setting.job)

    def check_seal(self) -> None:
        """Make sure that the program is still what it was before its runs.

        Raises:
            Tampered: If a run has changed it.
        """
        if self._sealed is not None and folders.fingerprint(self.setting.job) != self._sealed:
            raise Tampered("an earlier run changed the program's files")

    # Pieces of plans.

    def expand(self, text: str) -> str:
        """Return a text of the launch with the folders' paths put in."""
        return text.replace("@JOB@", self.setting.job).replace("@WORK@", self.setting.work)

    def plan(
        self,
        kind: str,
        fds: int,
        bounds: dict[str, Any],
        bound_address: bool = True,
        times: int = 1,
    ) -> dict[str, Any]:
        """Return the plan of a process in the working folder; see `child.become`.

        Args:
            kind: One of `programs.KINDS`.
            fds: How many descriptors it has.
            bounds: Its limits.
            bound_address: Whether its address space is bounded too.
            times: How often it may use up its CPU seconds.
        """
        address_bytes = self.runner.zygote(self.preload).address_bytes if bound_address else None
        # In `local` mode all that the user runs elsewhere would count as well.
        processes = {"uid": 0, "strict": 0, "single": OURS}.get(self.setting.mode)
        kernel = limits.for_kernel(bounds, address_bytes, processes, bounds["cpu_s"] * times)
        return {
            "kind": kind, "fds": fds, "uid": self.runner.uid(), "cwd": "", "strict": self.setting.strict,
            "dumpable": True, "limits": kernel, "token": self.runner.token,
            **({"cwd": self.setting.work, **self._cover} if self.setting.strict else {}),
        }  # fmt: skip

    def exec_plan(self, launch: dict[str, Any], fds: int, bounds: dict[str, Any], times: int = 1) -> dict[str, Any]:
        """Return the plan of a program that is executed."""
        env = {**self.setting.env, **{name: self.expand(text) for name, text in launch.get("env", {}).items()}}
        argv = [self.expand(text) for text in launch["argv"]]
        plan = self.plan("exec", fds, bounds, launch.get("address_space", True), times)
        return {**plan, "argv": argv, "env": env}

    def source(self) -> int:
        """Return a memory file with the program's source."""
        return warm.memory_file("source", self.blobs[self.launch["source"]])

    def lay_work_files(self) -> None:
        """Put what belongs there into the working folder, which is empty.

        Raises:
            Tampered: If the program is not what it was.
        """
        self.check_seal()
        if self._work_files:
            folders.lay(self.setting.work, self._work_files)

    def say(self, run: int, told: tuple[dict[str, Any], list[bytes]]) -> str:
        """Report a run; return its outcome."""
        header, blobs = told
        self.reported = run + 1
        self.runner.host.say({"op": "report", "id": self.id, "run": run, **header}, blobs)
        outcome: str = header["outcome"]
        return outcome

    def over(self, outcome: str) -> bool:
        """Return whether no further run is wanted after one with this outcome."""
        if self.id in self.runner.host.cancelled:
            return True
        return bool(self.header.get("stop_early")) and outcome != outcomes.OK

    # Compiling.

    def _compile(self, step: dict[str, Any]) -> bool:
        """Run the compiler in the job's folder; return whether there is a program now."""
        job = self.setting.job
        os.chmod(job, 0o777)
        streams = [warm.memory_file(name) for name in ("stdin", "stdout", "stderr")]
        try:
            plan = {**self.exec_plan(step, 3, step["limits"]), "cwd": job}
            watch = limits.Watch(step["limits"], self.runner.usage, (streams[1], streams[2]))
            run = self.runner.run([plan], streams, watch)
            header, blobs = outcomes.report(run, watch, (streams[1], streams[2]), self.runner.token)
        finally:
            for fd in streams:
                os.close(fd)
            os.chmod(job, 0o755)
        if run.reason == runs.CANCELLED:
            return False
        good: bool = header["outcome"] == outcomes.OK
        if not good:
            header["detail"] = f"{header['outcome']}: {header['detail']}"
            header["outcome"] = "compile_error"
        header["artifacts"] = self._artifacts(step.get("keep", []), blobs) if good else []
        self.runner.host.say({"op": "compiled", "id": self.id, **header}, blobs)
        return good

    def _artifacts(self, names: Sequence[str], blobs: list[bytes]) -> list[dict[str, Any]]:
        """Read what the compiler made; links are not followed, so nothing else can be read."""
        found = []
        for name in names:
            content, executable = _read_plain(os.path.join(self.setting.job, name))
            if content is not None:
                found.append({"name": name, "blob": len(blobs), "exec": executable})
                blobs.append(content)
        return found


OURS = 8
"""Processes of the box that count as the programs' user's, where users are not switched."""


def _read_plain(path: str) -> tuple[bytes | None, bool]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None, False
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if status.st_size > MAX_ARTIFACT_BYTES or status.st_mode & 0o170000 != 0o100000:
            return None, False
        return file.read(), bool(status.st_mode & 0o111)


def _stdio(work: Work) -> None:
    """Run the program once for each stdin."""
    for number, blob in enumerate(work.header["work"]["stdins"]):
        if work.over(_stdio_once(work, number, work.blobs[blob])):
            return


def _stdio_once(work: Work, number: int, stdin: bytes) -> str:
    streams = [
        warm.memory_file("stdin", stdin), warm.memory_file("stdout"), warm.memory_file("stderr"),
        *([work.source()] if work.python else ()),
    ]  # fmt: skip
    try:
        work.lay_work_files()
        if work.python:
            plan = {**work.plan("python", 4, work.limits), "args": work.launch.get("args", [])}
        else:
            plan = work.exec_plan(work.launch, 3, work.limits)
        watch = limits.Watch(work.limits, work.runner.usage, (streams[1], streams[2]))
        run = work.runner.run([plan], streams, watch, work.preload)
        if run.reason == runs.CANCELLED:
            return runs.CANCELLED
        return work.say(number, outcomes.report(run, watch, (streams[1], streams[2]), work.runner.token))
    finally:
        for fd in streams:
            os.close(fd)


_KINDS = {"stdio": _stdio, "calls": calls.perform, "duet": duets.perform}
