"""The engine, by way of its SDK: blocking calls that the launcher makes in threads of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from sandbox.errors import NoEngine, SandboxError
from sandbox.owner import OWNER, SPACE, is_dead

CALL_TIMEOUT_S = 60
PING_TIMEOUT_S = 5
IN_PROGRESS = 409
"""Status of the answer when a container is being removed already."""
UNIX = "http+unix://"
NEEDS_EXTRA = "the docker package is not installed: pip install 'grpo-teachers[code]'"


class EngineError(SandboxError):
    """The engine refused something, or does not answer."""


class NoMount(EngineError):
    """The engine cannot see our files: it runs elsewhere."""


@contextlib.contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn whatever the SDK raises into `EngineError`.

    Args:
        what: What was tried, for the text.
    """
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        text = str(getattr(error, "explanation", None) or error)
        if "bind source path does not exist" in text or "invalid mount config" in text:
            raise NoMount(f"{what}: {text}") from error
        raise EngineError(f"{what}: {text}") from error


def connect() -> Any:
    """Return a client of the engine that the environment names (`DOCKER_HOST`, else docker's current context).

    Raises:
        NoEngine: If the SDK is missing, or no engine answers; the text says what to do.
    """
    try:
        import docker
    except ImportError as error:
        raise NoEngine(NEEDS_EXTRA) from error
    try:
        with engine_errors("asking the engine"):
            address = os.environ.get("DOCKER_HOST") or _context_address()
            _knock(docker.utils.parse_host(address, sys.platform == "win32"))
            client = _client(docker, address, PING_TIMEOUT_S)
            client.api.timeout = CALL_TIMEOUT_S
            return client
    except EngineError as error:
        raise NoEngine(
            f"no Docker engine answers ({error}): install Docker and start it, and see that this user may use it"
        ) from error


def _client(docker: Any, address: str | None, timeout_s: int) -> Any:
    if address is None or "DOCKER_HOST" in os.environ:
        return docker.from_env(version="auto", timeout=timeout_s)
    return docker.DockerClient(base_url=address, version="auto", timeout=timeout_s)


def _knock(url: str) -> None:
    """Open the engine's socket and close it again: the SDK leaves it open where nobody listens."""
    path = url.removeprefix(UNIX)
    if path == url:
        return
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PING_TIMEOUT_S)
        try:
            sock.connect(path)
        except OSError as error:
            raise OSError(f"{path}: {error.strerror or error}") from error


def _context_address() -> str | None:
    """Return the address of docker's current context, as `docker context use` sets it; `None` = the default."""
    from docker.context import ContextAPI

    context = ContextAPI.get_current_context()
    if context is None or context.name == "default":
        return None
    address: str | None = context.endpoints.get("docker", {}).get("Host")
    return address


def shares_files(client: Any, runtime: str) -> bool:
    """Whether the engine runs on this very kernel, so that a FIFO of ours is one for its containers too."""
    local = sys.platform == "linux" and str(client.api.base_url).startswith(("http+docker", "http+unix"))
    return local and "runsc" not in runtime and client.info().get("KernelVersion") == os.uname().release


def reap(client: Any) -> int:
    """End the containers of dead owners; return how many."""
    count = 0
    with engine_errors("listing containers"):
        for container in client.api.containers(all=True, filters={"label": OWNER}):
            labels = container.get("Labels", {})
            if is_dead(labels.get(OWNER, ""), labels.get(SPACE, "")):
                remove(client, container["Id"])
                count += 1
    return count


def remove(client: Any, container: str, wait: bool = False) -> None:
    """End and remove a container; it may be gone already.

    Args:
        client: Of the engine.
        container: Its id.
        wait: Also where the engine is removing it already, as it does by itself when a box ends.

    Raises:
        EngineError: If the engine does not answer, or refuses.
    """
    import docker

    with engine_errors("removing a container"), contextlib.suppress(docker.errors.NotFound):
        try:
            client.api.remove_container(container, force=True, v=True)
        except docker.errors.APIError as error:
            if error.status_code != IN_PROGRESS:
                raise
            if wait:
                client.api.wait(container, timeout=CALL_TIMEOUT_S, condition="removed")
