"""What is in the image. Its name ends in a hash of all this, so another recipe is another image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RECIPE_VERSION = 1
"""Raised when something changes that the hash does not see."""
REPOSITORY = "grpo-teachers-sandbox"
BASE_PACKAGES = ("python3", "python3-numpy", "gcc", "g++", "libc6-dev", "nodejs", "node-typescript", "bash")
EXTRA_PACKAGES = {
    "java": ("openjdk-17-jdk-headless",),
    "go": ("golang-go",),
    "rust": ("rustc",),
}
"""Further languages by name; each makes the image larger."""
HEADER_FLAGS = (("-O2", "-std=gnu++17"),)
"""Flags for which `bits/stdc++.h` is compiled beforehand: a compiler takes it only under the very same flags."""
DOCKERFILE = Path(__file__).with_name("Dockerfile")


class UnknownExtra(ValueError):
    """A language that no recipe has."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image.

    Attributes:
        source: `dockerfile`, or the Debian release that the packages come from.
        extras: Names of `EXTRA_PACKAGES`, sorted.
    """

    source: str
    extras: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """Debian's packages, without what they depend on."""
        return BASE_PACKAGES + tuple(name for extra in self.extras for name in EXTRA_PACKAGES[extra])

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when the recipe does."""
        parts = [RECIPE_VERSION, self.source, self.packages, HEADER_FLAGS, header_script()]
        if self.source == "dockerfile":
            parts.append(DOCKERFILE.read_text(encoding="utf-8"))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    @property
    def tag(self) -> str:
        """The image's name."""
        return f"{REPOSITORY}:{RECIPE_VERSION}-{self.digest}"


def recipe(source: str, extras: Iterable[str] = ()) -> Recipe:
    """Return the recipe with these further languages.

    Raises:
        UnknownExtra: If one of them is none of `EXTRA_PACKAGES`.
    """
    wanted = tuple(sorted(set(extras)))
    unknown = [name for name in wanted if name not in EXTRA_PACKAGES]
    if unknown:
        raise UnknownExtra(f"No language {unknown[0]!r} to add to the image; there are: {', '.join(EXTRA_PACKAGES)}.")
    return Recipe(source, wanted)


def header_script() -> str:
    """Return the shell commands that compile C++'s big header beforehand, where g++ then finds it by itself."""
    lines = [
        "set -e",
        "header=$(echo '#include <bits/stdc++.h>' | g++ -x c++ -M - | grep -o '/[^ ]*/bits/stdc++.h' | head -n 1)",
        'mkdir "$header.gch"',
    ]
    for number, flags in enumerate(HEADER_FLAGS):
        lines.append(f'g++ {" ".join(flags)} -x c++-header "$header" -o "$header.gch/{number}.gch"')
    return "\n".join(lines) + "\n"
