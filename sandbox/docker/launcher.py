"""Starts and ends boxes that are containers.

Frames go over two FIFOs in a folder that the container sees: no socket is needed in it, and no engine is between.
Where the engine cannot see our folders (macOS, a remote engine, gVisor), they go over its `attach` stream.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import socket
import ssl
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sandbox import box
from sandbox.docker import options
from sandbox.docker.engine import EngineError, NoMount, connect, engine_errors, reap, remove, shares_files
from sandbox.docker.images import find_image
from sandbox.launcher import Started
from sandbox.owner import OWNER, SPACE, leave_folder, me, own_folder, reap_folders, space
from sandbox.settings import Settings
from sandbox.shipping import bootstrap, parcel
from sandbox.threads import Threads

T = TypeVar("T")
THREADS = 4
"""Of the SDK's blocking calls; none of them is for a program."""
START_S = 30.0
"""How long a container that is being started when all is closed is waited for."""
PIPE_BYTES = 1024 * 1024
F_SETPIPE_SZ = 1031
LOG_BYTES = 2000
_THREADS_NAME = "grpo-sandbox-docker"


class DockerLauncher:
    """A `sandbox.launcher.Launcher` of containers."""

    name = "docker"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = Threads(THREADS, _THREADS_NAME)
        self._numbers = itertools.count(1)
        self._client: Any = None
        self._image = ""
        self._shares_files = False
        self._folders: dict[str, Path] = {}
        self._label = uuid.uuid4().hex

    @property
    def image(self) -> str:
        """The digest of the image; see `Launcher`."""
        return self._image

    async def prepare(self) -> None:
        """Find the engine and the image, and end what dead owners left; see `Launcher`."""
        await self._call(self._prepare)

    def _prepare(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = connect()
        with engine_errors("asking the engine"):
            self._shares_files = shares_files(self._client, self._settings.runtime)
        self._image = find_image(self._client, self._settings.image)
        reap(self._client)
        reap_folders()

    async def start(self) -> Started:
        """Start a container; see `Launcher`."""
        if self._shares_files:
            try:
                return await self._start_with_fifos()
            except NoMount:
                self._shares_files = False
        return await self._start_attached()

    async def died(self, handle: str) -> str:
        """Say how a container died; see `Launcher`."""
        return await self._call(self._died, handle)

    def _died(self, handle: str) -> str:
        import docker

        try:
            with engine_errors("asking for a container"):
                self._client.api.inspect_container(handle)
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return self._last_words(handle) or "the container ended"
        return ""

    async def end(self, handle: str) -> str:
        """Remove a container; see `Launcher`."""
        words = self._last_words(handle)
        try:
            await self._call(partial(remove, self._client), handle)
        except EngineError as error:
            words = words or str(error)
        folder = self._folders.pop(handle, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return words

    async def close(self) -> None:
        """Remove all containers of this launcher, also those that were just being started; see `Launcher`."""
        await self._threads.idle(START_S)  # the engine does not list a container that it is still making
        if self._client is not None:
            with contextlib.suppress(EngineError):
                await self._call(self._remove_all)
        for folder in self._folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        leave_folder()
        if self._client is not None:
            await self._call(self._client.close)
        self._threads.close()

    def _remove_all(self) -> None:
        with engine_errors("listing containers"):
            mine = self._client.api.containers(all=True, filters={"label": f"{OWNER}.pool={self._label}"})
        for container in mine:
            with contextlib.suppress(EngineError):  # the others go all the same
                remove(self._client, container["Id"], wait=True)

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        return await self._threads.call(function, *args)

    def _last_words(self, handle: str) -> str:
        folder = self._folders.get(handle)
        try:
            log = (folder / "log").read_bytes() if folder else b""
        except OSError:
            return ""
        return log[-LOG_BYTES:].decode(errors="replace").strip()

    # -- over FIFOs

    async def _start_with_fifos(self) -> Started:
        folder = self._make_folder()
        # Opened before the container is: it then finds a reader and a writer, and sees the end when we are gone.
        read_fd = os.open(folder / "out", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        write_fd = os.open(folder / "in", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            for descriptor in (read_fd, write_fd):
                with contextlib.suppress(OSError):  # above what this user may have: the usual size does too
                    fcntl.fcntl(descriptor, F_SETPIPE_SZ, PIPE_BYTES)
            handle = await self._call(self._run_with_fifos, folder)
        except BaseException:
            os.close(read_fd)
            os.close(write_fd)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._folders[handle] = folder
        return Started(handle, read_fd, write_fd)

    def _make_folder(self) -> Path:
        folder = own_folder() / f"{self._label}-{next(self._numbers)}"
        folder.mkdir(mode=0o700, parents=True)  # another launcher of ours may just have left the one above
        for name in ("in", "out"):
            os.mkfifo(folder / name, 0o600)
        return folder

    def _run_with_fifos(self, folder: Path) -> str:
        from docker.types import Mount

        mounts = [
            Mount(options.CODE, str(Path(box.__file__).parent), type="bind", read_only=True),
            Mount(options.LINE, str(folder), type="bind"),
        ]
        command = f"exec python3 -I -B {options.CODE} {self._arguments()}"
        line = options.LINE
        handle = self._create(["/bin/sh", "-c", f"{command} <{line}/in >{line}/out 2>{line}/log"], mounts)
        self._start(handle)
        return handle

    # -- over the engine's stream

    async def _start_attached(self) -> Started:
        handle, line = await self._call(self._run_attached)
        return Started(handle, line, line, multiplexed=True)

    def _run_attached(self) -> tuple[str, int]:
        command = ["python3", "-I", "-B", "-c", bootstrap(f"{options.BOX}/.code"), *self._arguments().split()]
        handle = self._create(command, [], stdin_open=True)
        try:
            with engine_errors("attaching to a container"):
                wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                stream = self._client.api.attach_socket(handle, params=wanted)
                line = _plain_descriptor(stream)
            self._start(handle)
            os.set_blocking(line, True)
            _write_all(line, parcel())
        except BaseException:
            remove(self._client, handle)
            raise
        return handle, line

    # -- both

    def _arguments(self) -> str:
        return (
            f"--mode {self._settings.mode} --root {options.BOX} --scratch {options.SCRATCH} --scratch {options.SHARED}"
        )

    def _create(self, command: list[str], mounts: list[Any], stdin_open: bool = False) -> str:
        api = self._client.api
        with engine_errors("creating a container"):
            made = api.create_container(
                self._image,
                command,
                user="0:0",
                stdin_open=stdin_open,
                working_dir=options.BOX,
                entrypoint=[],
                labels={OWNER: me(), SPACE: space(), f"{OWNER}.pool": self._label},
                host_config=api.create_host_config(**options.host_options(self._settings, mounts)),
            )
        return str(made["Id"])

    def _start(self, handle: str) -> None:
        try:
            with engine_errors("starting a container"):
                self._client.api.start(handle)
        except BaseException:
            remove(self._client, handle)
            raise


def _plain_descriptor(stream: Any) -> int:
    """Take the descriptor out of what the SDK made around it.

    Raises:
        EngineError: If it is more than a descriptor, as with TLS or ssh.
    """
    inner = getattr(stream, "_sock", None)
    if not isinstance(inner, socket.socket) or isinstance(inner, ssl.SSLSocket):
        raise EngineError(
            "programs cannot be run over a TLS or ssh connection to the engine: "
            "forward its socket to this machine (ssh -L) and name that in DOCKER_HOST"
        )
    return inner.detach()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
