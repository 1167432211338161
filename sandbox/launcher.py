"""What a backend must bring of its own: how a box is started, and how it is ended. All else is the pool's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Started:
    """A box that was started; it has not said hello yet.

    Attributes:
        handle: What the launcher knows it by.
        read_fd, write_fd: Where its frames come from and go to; whoever gets this closes them.
        multiplexed: Whether frames come in the engine's `attach` format.
    """

    handle: str
    read_fd: int
    write_fd: int
    multiplexed: bool = False


class Launcher(Protocol):
    """Starts and ends boxes. All methods belong to the loop's thread and never block it for long.

    Attributes:
        name: `docker`, `bwrap`, `unsafe_local`, or a third party's.
    """

    name: str

    @property
    def image(self) -> str:
        """What programs find around them, in a word that changes when it does: compiled files stay valid as long."""

    async def prepare(self) -> None:
        """Find out whether boxes can be started, and end those that dead owners left.

        Raises:
            SandboxUnavailable: If they cannot; the text says what to do.
        """

    async def start(self) -> Started:
        """Start a box.

        Raises:
            SandboxError: If that fails.
        """

    async def died(self, handle: str) -> str:
        """Say how a box died that has said nothing yet; empty = it lives."""

    async def end(self, handle: str) -> str:
        """End a box with all that runs in it, and remove what it used; say how it had died if it was dead already."""

    async def close(self) -> None:
        """End all boxes, and leave nothing behind."""
