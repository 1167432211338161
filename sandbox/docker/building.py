"""Builds the image in the engine, from the Dockerfile or from Debian's packages."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.docker.engine import engine_errors
from sandbox.docker.images import RECIPE_LABEL
from sandbox.image import store
from sandbox.image.recipe import DOCKERFILE, REPOSITORY, Recipe, header_script

Say = Callable[[str], None]
IMPORT_TIMEOUT_S = 600


def import_tar(client: Any, made: Recipe, tar: Path) -> str:
    """Make an image of a file system; return its digest.

    Raises:
        EngineError: If the engine refuses.
    """
    with engine_errors("importing the image"):
        client.api.timeout = IMPORT_TIMEOUT_S
        repository, _, tag = made.tag.partition(":")
        client.api.import_image_from_file(
            str(tar), repository=repository, tag=tag, changes=[f'LABEL {RECIPE_LABEL}="{store.label(made)}"']
        )
    return _note(client, made)


def build_dockerfile(client: Any, made: Recipe, base: str, say: Say) -> str:
    """Build the Dockerfile; return the image's digest.

    Args:
        client: The SDK's client.
        made: Its recipe.
        base: The image to start from; empty = the Dockerfile's own.
        say: Told each step.

    Raises:
        EngineError: If the engine refuses, or cannot reach a registry.
    """
    packages = [name for name in made.packages if not name.startswith("python3")]
    arguments = {
        "PACKAGES": " ".join(packages),
        "HEADERS": header_script(),
        "RECIPE": store.label(made),
        **({"BASE": base} if base else {}),
    }
    with engine_errors("building the image"):
        client.api.timeout = IMPORT_TIMEOUT_S
        _, log = client.images.build(
            fileobj=_context(), custom_context=True, tag=made.tag, buildargs=arguments, rm=True, pull=not base
        )
        for line in log:
            if text := str(line.get("stream", "")).strip():
                say(text)
    return _note(client, made)


def _context() -> io.BytesIO:
    """Return what is sent to the engine: the Dockerfile alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(DOCKERFILE, "Dockerfile")
    buffer.seek(0)
    return buffer


def _note(client: Any, made: Recipe) -> str:
    with engine_errors("looking at the image"):
        digest = str(client.images.get(made.tag).id)
    store.note_digest(made.tag, digest)
    return digest


def list_images(client: Any) -> list[Any]:
    """Return all images of the sandbox that the engine has, old ones too."""
    with engine_errors("listing images"):
        return list(client.images.list(REPOSITORY))


def remove_image(client: Any, image: Any) -> None:
    """Remove an image and forget its digest."""
    with engine_errors("removing an image"):
        for tag in image.tags:
            client.images.remove(tag)
            store.forget_digest(tag)
