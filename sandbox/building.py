"""`verify sandbox build`, `list` and `prune`: images of the engine, and root folders for bubblewrap."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.docker.building import build_dockerfile, import_tar, list_images, remove_image
from sandbox.docker.engine import connect, reap
from sandbox.docker.images import is_current
from sandbox.errors import NoEngine, SandboxUnavailable
from sandbox.image import store
from sandbox.image.from_debian import build_tar, unpack
from sandbox.image.recipe import recipe
from sandbox.image.sources import release
from sandbox.owner import reap_folders

Say = Callable[[str], None]
DOCKER, BWRAP = "docker", "bwrap"


class Built(NamedTuple):
    """One image or root folder.

    Attributes:
        backend: Who uses it.
        name: Its tag, or its path.
        digest: Of an image.
        is_current: Whether today's recipe makes the same.
    """

    backend: str
    name: str
    digest: str
    is_current: bool


def build(extras: Sequence[str], targets: Sequence[str], from_debian: bool, base: str, say: Say) -> None:
    """Build what programs run in.

    Args:
        extras: Further languages.
        targets: `docker`, `bwrap`; none = docker, and with `from_debian` also bwrap, as far as they are here.
        from_debian: From this machine's Debian packages, else from the Dockerfile.
        base: For the Dockerfile: the image to start from; empty = its own.
        say: Told each step.

    Raises:
        SandboxUnavailable: If something is missing, or a step fails; the text says what to do.
    """
    if from_debian:
        _from_debian(extras, targets or _here(), say)
    elif BWRAP in targets:
        raise SandboxUnavailable("A root folder for bwrap is made of Debian's packages: add --from-debian.")
    else:
        made = recipe("dockerfile", extras)
        client = connect()
        say(f"building {made.tag}")
        say(f"built {made.tag}, digest {build_dockerfile(client, made, base, say)}")


def _here() -> list[str]:
    """Return the backends that this machine has."""
    found = [BWRAP] if shutil.which(BWRAP) else []
    try:
        connect()
    except NoEngine:
        if not found:
            raise
        return found
    return [DOCKER, *found]


def _from_debian(extras: Sequence[str], targets: Sequence[str], say: Say) -> None:
    made = recipe(release(), extras)
    client = connect() if DOCKER in targets else None
    with tempfile.TemporaryDirectory(prefix="grpo-sandbox-image-") as folder:
        tar = Path(folder, "root.tar")
        say(f"collecting {', '.join(made.packages)} and what they need from Debian {made.source}")
        build_tar(made, tar)
        if client is not None:
            say(f"built {made.tag}, digest {import_tar(client, made, tar)}")
        if BWRAP in targets:
            say(f"built {unpack(tar, made)}")


def built() -> Iterator[Built]:
    """Yield all that was built, as far as it can be seen from here."""
    for path in store.root_folders():
        yield Built(BWRAP, str(path), "", store.is_current_root(path))
    try:
        client = connect()
    except NoEngine:
        return
    for image in list_images(client):
        yield Built(DOCKER, " ".join(image.tags) or "(no name)", str(image.id), is_current(image))


def prune(everything: bool, say: Say) -> None:
    """Remove what dead owners left, and what older recipes made.

    Args:
        everything: Remove what today's recipes made, too.
        say: Told what was removed.
    """
    reap_folders()
    for path in store.root_folders():
        if everything or not store.is_current_root(path):
            shutil.rmtree(path)
            say(f"removed {path}")
    try:
        client = connect()
    except NoEngine as error:
        say(str(error))
        return
    _prune_engine(client, everything, say)


def _prune_engine(client: Any, everything: bool, say: Say) -> None:
    if count := reap(client):
        say(f"ended {count} containers of dead owners")
    for image in list_images(client):
        if everything or not is_current(image):
            name = " ".join(image.tags) or str(image.id)
            remove_image(client, image)
            say(f"removed {name}")
