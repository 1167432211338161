"""Builds the image in the engine, from the Dockerfile or from Debian's packages."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.docker.engine import EngineError, engine_errors
from sandbox.docker.images import RECIPE_LABEL
from sandbox.image import store
from sandbox.image.recipe import DOCKERFILE, Recipe, header_script

Say = Callable[[str], None]
IMPORT_TIMEOUT_S = 600


def import_tar(client: Any, made: Recipe, tar: Path) -> str:
    """Make an image of a file system; return its digest.

    Raises:
        EngineError: If the engine refuses.
    """
    with engine_errors("importing the image"):
        client.api.timeout = IMPORT_TIMEOUT_S
        said = client.api.import_image_from_file(str(tar), changes=[f'LABEL {RECIPE_LABEL}="{store.label(made)}"'])
        told = json.loads(said.splitlines()[-1])
        if "error" in told:
            raise EngineError(f"importing the image: {told['error']}")
        image = client.images.get(told["status"])
    return _name(client, made, image)


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
        image, log = client.images.build(
            fileobj=_context(), custom_context=True, buildargs=arguments, rm=True, pull=not base
        )
        for line in log:
            if text := str(line.get("stream", "")).strip():
                say(text)
    return _name(client, made, image)


def _context() -> io.BytesIO:
    """Return what is sent to the engine: the Dockerfile alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(DOCKERFILE, "Dockerfile")
    buffer.seek(0)
    return buffer


def _name(client: Any, made: Recipe, image: Any) -> str:
    """Note a new image's digest and give it its name; the image that had it goes, if nothing runs in it."""
    repository, _, tag = made.tag.partition(":")
    with engine_errors("naming the image"):
        before = [old for old in client.images.list(repository) if made.tag in old.tags and old.id != image.id]
        store.note_digest(made.tag, str(image.id))
        image.tag(repository, tag)
    for old in before:
        with contextlib.suppress(EngineError), engine_errors("removing the image before"):
            client.images.remove(old.id)
    return str(image.id)


def list_images(client: Any) -> list[Any]:
    """Return all images of the sandbox that the engine has: old ones too, and such as have lost their name."""
    with engine_errors("listing images"):
        return list(client.images.list(filters={"label": RECIPE_LABEL}))


def remove_image(client: Any, image: Any) -> None:
    """Remove an image and forget its digest."""
    with engine_errors("removing an image"):
        for name in image.tags or [image.id]:
            client.images.remove(name)
            store.forget_digest(name)
