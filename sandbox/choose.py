"""Which backend runs programs here. Never one with fewer walls than was asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from sandbox.backend import Backend
from sandbox.errors import NoEngine, SandboxUnavailable
from sandbox.launcher import Launcher
from sandbox.pool import Pool
from sandbox.settings import AUTO, UNSAFE_LOCAL, Settings

BUILT_IN = ("docker", "bwrap", UNSAFE_LOCAL)
HOW = """Programs need one of:
  docker   install Docker, `pip install 'grpo-teachers[code]'`, and then `verify sandbox build`
  bwrap    install the package bubblewrap (Linux)
`verify sandbox check` says whether it works. For programs that you have read there is also sandbox=unsafe_local."""


async def choose(settings: Settings) -> Backend:
    """Return the backend of these settings, ready to run.

    Raises:
        SandboxUnavailable: If there is none; the text says how to get one.
        ValueError: If the name is none of a backend.
    """
    if settings.backend == AUTO:
        return await _automatic(settings)
    if ":" in settings.backend:
        return _third_party(settings)
    return await _ready(settings.backend, settings)


async def _automatic(settings: Settings) -> Backend:
    try:
        return await _ready("docker", settings)
    except NoEngine as no_docker:
        try:
            return await _ready("bwrap", settings)
        except SandboxUnavailable as no_bwrap:
            raise SandboxUnavailable(
                f"No sandbox here.\n  docker: {no_docker}\n  bwrap: {no_bwrap}\n{HOW}"
            ) from no_bwrap


async def _ready(name: str, settings: Settings) -> Backend:
    pool = Pool(launcher(name, settings), settings.slot_count, settings.memory_bytes)
    try:
        await pool.prepare()
    except BaseException:
        await pool.close()
        raise
    return pool


def launcher(name: str, settings: Settings) -> Launcher:
    """Return the launcher of a built-in backend.

    Raises:
        ValueError: If the name is none of them.
    """
    match name:
        case "docker":
            from sandbox.docker.launcher import DockerLauncher

            return DockerLauncher(settings)
        case "bwrap":
            from sandbox.bwrap import BwrapLauncher

            return BwrapLauncher(settings)
        case "unsafe_local":
            from sandbox.local import LocalLauncher

            return LocalLauncher()
    raise ValueError(
        f"No sandbox {name!r}; there are: {AUTO}, {', '.join(BUILT_IN)}, and a third party's as module:function."
    )


def _third_party(settings: Settings) -> Backend:
    module, _, attribute = settings.backend.partition(":")
    try:
        make: Callable[[Settings], Any] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SandboxUnavailable(f"the sandbox {settings.backend!r} cannot be loaded: {error}") from error
    backend: Backend = make(settings)
    return backend
