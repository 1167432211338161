"""A small host for a box: starts one and speaks frames with it. For tests of what runs inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sandbox.box import frames

BOX_FOLDER = Path(frames.__file__).parent
IMAGES = "grpo-teachers-sandbox"
LIMITS: dict[str, Any] = {
    "cpu_s": 2.0, "wall_s": 7.0, "memory_bytes": 512 << 20, "processes": 32, "output_bytes": 16 << 20,
    "file_bytes": 64 << 20, "stack_bytes": 64 << 20, "open_files": 128,
}  # fmt: skip
DOCKER = (
    "docker run -i --rm --network none --read-only --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add KILL "
    "--cap-add DAC_OVERRIDE --security-opt no-new-privileges --pids-limit 64 --memory 1g --memory-swap 1g --ipc none "
    "--cpus 1 --log-driver none --ulimit nofile=1024 "
    "--tmpfs /box:rw,nosuid,nodev,exec,size=128m,nr_inodes=16k,mode=755 "
    "--tmpfs /tmp:rw,nosuid,nodev,exec,size=64m,nr_inodes=16k,mode=1777"
).split()
BWRAP = (
    "bwrap --unshare-all --die-with-parent --new-session --as-pid-1 --cap-drop ALL --clearenv --ro-bind /usr /usr "
    "--symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev "
    "--size 134217728 --tmpfs /box --size 67108864 --tmpfs /tmp --remount-ro /"
).split()
NOBODY = 12_345


def _seccomp_file() -> str:
    path = os.path.join(tempfile.gettempdir(), f"box-seccomp-{os.getpid()}.json")
    Path(path).write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}))
    return path


def image() -> str:
    """Return the sandbox's image, the newest one; nothing if there is none."""
    command = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "dangling=false", IMAGES]
    return next(iter(subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()), "")


def command(situation: str) -> list[str]:
    """Return how a box is started: `uid`, `strict`, `single` or `local`."""
    box = ["-s", "-B", "/opt/grpo/box"]
    if situation in ("uid", "strict"):
        caps = ["--cap-add", "SYS_ADMIN"] if situation == "strict" else []
        mount = ["-v", f"{BOX_FOLDER}:/opt/grpo/box:ro", "--security-opt", f"seccomp={_seccomp_file()}"]
        return [*DOCKER, *caps, *mount, image(), "python3", *box, "--mode", situation, "--scratch", "/tmp"]
    if situation == "single":
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
        mount = ["--dir", "/opt/grpo", "--ro-bind", str(BOX_FOLDER), "/opt/grpo/box"]
        at = BWRAP.index("--remount-ro")
        bwrap = [*BWRAP[:at], *mount, *BWRAP[at:]]
        return [*as_nobody, *bwrap, "/usr/bin/python3", *box, "--scratch", "/tmp"]
    folder = tempfile.mkdtemp(prefix="box-local-")
    return [sys.executable, "-s", "-B", str(BOX_FOLDER), "--mode", "local", "--root", folder]


class Box:
    """One box."""

    def __init__(self, situation: str) -> None:
        self.situation = situation
        self.command = command(situation)
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self._decoder = frames.Decoder()
        self._ready: list[tuple[frames.Header, list[bytes]]] = []
        self._last = 0
        self.hello, _ = self.read()

    def write(self, data: bytes) -> None:
        self._in.write(data)
        self._in.flush()

    def read(self) -> tuple[frames.Header, list[bytes]]:
        """Return the next frame."""
        while not self._ready:
            data = os.read(self._out.fileno(), 1 << 20)
            if not data:
                raise EOFError(f"the box ended: {self.process.wait()}")
            self._ready += self._decoder.feed(data)
        return self._ready.pop(0)

    def job(self, launch: dict[str, Any], work: dict[str, Any], blobs: Sequence[bytes], **fields: Any) -> bytes:
        """Return the frame of a job. `limits` in `fields` are changes to the usual ones."""
        self._last += 1
        limits = {**LIMITS, **fields.pop("limits", {})}
        header = {"op": "job", "id": self._last, "limits": limits, "launch": launch, "work": work, **fields}
        return frames.encode(header, blobs)

    def python(self, source: str, stdins: Iterable[bytes] = (b"",), **fields: Any) -> bytes:
        """Return the frame of a job that runs Python source."""
        stdins = list(stdins)
        launch = {"kind": "python", "source": 0, **fields.pop("launch", {})}
        work = {"kind": "stdio", "stdins": list(range(1, len(stdins) + 1))}
        return self.job(launch, work, [source.encode(), *stdins], **fields)

    def calls(self, source: str, entry_point: str, arguments: Sequence[str], **fields: Any) -> bytes:
        """Return the frame of a job that makes calls; arguments as JSON text of `[args, kwargs]`."""
        work = {"kind": "calls", "entry_point": entry_point, "arguments": list(range(1, len(arguments) + 1))}
        blobs = [source.encode(), *(text.encode() for text in arguments)]
        return self.job({"kind": "python", "source": 0}, work, blobs, **fields)

    def duet(self, source: str, grader: str, checks: Sequence[str], names: Sequence[str], **fields: Any) -> bytes:
        """Return the frame of a duet."""
        asked = {"names": list(names), "write_back": fields.pop("write_back", False)}
        work = {"kind": "duet", "grader": 1, "checks": list(range(2, len(checks) + 2)), **asked}
        blobs = [text.encode() for text in (source, grader, *checks)]
        return self.job({"kind": "python", "source": 0}, work, blobs, **fields)

    def results(self, count: int = 1) -> list[list[dict[str, Any]]]:
        """Read until `count` jobs are done; return the reports of each, blobs put in."""
        done: list[list[dict[str, Any]]] = []
        reports: dict[int, list[dict[str, Any]]] = {}
        while len(done) < count:
            header, blobs = self.read()
            if header["op"] == "done":
                if header.get("failure"):
                    raise RuntimeError(header["failure"])
                done.append(reports.pop(header["id"], []))
            elif header["op"] in ("report", "compiled"):
                for name in ("stdout", "stderr", "value"):
                    header[name] = blobs[header[name]] if name in header else b""
                header["files"] = {a["name"]: blobs[a["blob"]] for a in header.get("artifacts", ())}
                reports.setdefault(header["id"], []).append(header)
            else:
                raise RuntimeError(f"{header}")
        return done

    def do(self, *jobs: bytes) -> list[list[dict[str, Any]]]:
        """Send jobs, return all their reports."""
        self.write(b"".join(jobs))
        return self.results(len(jobs))

    def close(self) -> None:
        """End the box."""
        self._in.close()
        self._out.close()
        self.process.wait(timeout=20)
        if self.situation == "local":
            shutil.rmtree(self.command[-1])


def can(situation: str) -> str:
    """Return why a situation cannot be had here; nothing if it can."""
    if situation in ("uid", "strict"):
        if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
            return "no Docker engine answers"
        if not image():
            return "the engine has no image of the sandbox: `verify sandbox build --from-debian`"
    elif situation == "single" and shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    return ""
