"""Finds the image among those that the engine has, and sees that it is the one that was built."""

from __future__ import annotations

from typing import Any

from sandbox.docker.engine import engine_errors
from sandbox.errors import SandboxUnavailable
from sandbox.image import store
from sandbox.image.recipe import REPOSITORY

RECIPE_LABEL = "grpo-teachers.recipe"
HOW = "run `verify sandbox build` (without a registry, on Debian: `verify sandbox build --from-debian`)"


def find_image(client: Any, wanted: str = "") -> str:
    """Return the id of the image to use, the digest of its contents.

    Args:
        client: The SDK's client.
        wanted: A name that the user gave; empty = the newest one that `verify sandbox build` made by today's recipe.

    Raises:
        SandboxUnavailable: If there is none, or it is not the one that was built here.
    """
    import docker

    with engine_errors("looking for the image"):
        try:
            if wanted:
                return str(client.images.get(wanted).id)
            images = client.images.list(REPOSITORY)
        except docker.errors.ImageNotFound as error:
            raise SandboxUnavailable(f"the engine has no image {wanted!r}: `docker pull` it, or {HOW}") from error
    current = [image for image in images if is_current(image)]
    if not current:
        old = f"; it has older ones: {', '.join(sorted(_tags(images)))}" if images else ""
        raise SandboxUnavailable(f"the engine has no image of the sandbox{old}: {HOW}")
    image = max(current, key=lambda image: (len(image.labels.get(RECIPE_LABEL, "").split()), image.attrs["Created"]))
    _verify(image)
    return str(image.id)


def is_current(image: Any) -> bool:
    """Whether its label names the recipe that its tag was made from, and that is one of today's."""
    recipe = store.parse_label(image.labels.get(RECIPE_LABEL, ""))
    return recipe is not None and recipe.tag in image.tags


def _tags(images: list[Any]) -> set[str]:
    return {tag for image in images for tag in image.tags}


def _verify(image: Any) -> None:
    """Compare the image's digest with those that were noted when it was built on this machine, if it was.

    Raises:
        SandboxUnavailable: If another image now bears the name.
    """
    for tag in image.tags:
        noted = store.noted_digests(tag)
        if noted and image.id not in noted:
            raise SandboxUnavailable(
                f"the image {tag} is not one that was built here: its digest is {image.id}; noted: {', '.join(noted)}. "
                "Build it again (`verify sandbox build`), or name the image that you trust in the setting `image`"
            )
