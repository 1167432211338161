"""Carries out a language's plan with this machine's own compilers: what the box does, without any of its walls."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from sandbox.languages.language import JOB, Plan
from sandbox.languages.registry import plan
from sandbox.types import Job, Program, Stdio, Work

RUN_S = 60.0
Told = tuple[str, str]
"""A record's tag and text; `end` and the exit status for a call that was never answered."""


def needs(*tools: str) -> None:
    """Skip the test where one of the tools is missing."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")


def told(tmp_path: Path, language: str, source: str, work: Work) -> list[Told]:
    """Return what a program told of each call, or wrote for each stdin (`out`); `[("compile", ...)]` if refused."""
    made = plan(Job(Program(language, source), work))
    job, place = tmp_path / "job", tmp_path / "work"
    for folder in (job, place):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for file in made.files:
        ((job if file.place == "job" else place) / file.name).write_bytes(file.content)
    if made.compile is not None:
        done = _run(made, made.compile.argv, job, job)
        if done.returncode:
            return [("compile", done.stderr.decode(errors="replace"))]
    if isinstance(made.work, Stdio):
        return [("out", _run(made, made.argv, job, place, data).stdout.decode()) for data in made.work.stdins]
    return _calls(made, job, place)


def _environment(made: Plan, job: Path) -> dict[str, str]:
    return {**os.environ, **{key: value.replace(JOB, str(job)) for key, value in made.env.items()}}


def _run(
    made: Plan, argv: tuple[str, ...], job: Path, folder: Path, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = [word.replace(JOB, str(job)) for word in argv]
    return subprocess.run(
        command, input=data, cwd=folder, env=_environment(made, job), capture_output=True, timeout=RUN_S
    )


def _calls(made: Plan, job: Path, folder: Path) -> list[Told]:
    answers: list[Told] = []
    arguments = list(made.work.arguments)  # type: ignore[union-attr]
    while len(answers) < len(arguments):
        answers += _one_process(made, job, folder, arguments[len(answers) :])
    return answers


def _one_process(made: Plan, job: Path, folder: Path, arguments: list[bytes]) -> list[Told]:
    """Make calls until the process ends."""
    ours, theirs = socket.socketpair()
    ours.settimeout(RUN_S)
    command = [word.replace(JOB, str(job)) for word in made.argv]
    shell = ["bash", "-c", f'exec 3<&{theirs.fileno()}; exec "$@"', "bash", *command]
    with ours, subprocess.Popen(
        shell, cwd=folder, env=_environment(made, job), pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        theirs.close()
        if _record(ours) is None:
            return [("end", str(process.wait()))] * len(arguments)
        answers: list[Told] = []
        for argument in arguments:
            ours.sendall(struct.pack("!I", len(argument)) + argument)
            record = _record(ours)
            if record is None:
                return [*answers, ("end", str(process.wait()))]
            answers.append((chr(record[0]), record[1:].decode()))
        ours.shutdown(socket.SHUT_WR)
        process.wait(RUN_S)
        return answers


def _record(stream: socket.socket) -> bytes | None:
    head = _exactly(stream, 4)
    return None if head is None else _exactly(stream, struct.unpack("!I", head)[0])


def _exactly(stream: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = stream.recv(size - len(data))
        if not part:
            return None
        data += part
    return data
