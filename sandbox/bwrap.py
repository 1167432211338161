"""Boxes made by bubblewrap: for machines without an engine, and without being root.

The box sees `/usr` of this machine, or a root folder that `verify sandbox build --from-debian` made, read-only; empty
file systems where it may write; no network; and nothing else. As a user who is not root, all its programs are one user
(mode `single`): the supervisor is number 1 of their process namespace, and so out of their reach.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from glob import glob
from pathlib import Path

from sandbox import box
from sandbox.errors import SandboxUnavailable
from sandbox.image import store
from sandbox.process import ProcessLauncher
from sandbox.settings import Settings
from sandbox.types import MIB, Limits

PROGRAM = "bwrap"
TRY_TIMEOUT_S = 10.0
BOX = "/box"
CODE = "/opt/grpo-sandbox/box"
BOX_BYTES = 6 * Limits().file_bytes
SCRATCH = ("/tmp", "/dev/shm")
SCRATCH_BYTES = 32 * MIB
"""Of each."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
)
"""Of this machine's own, where there is no root folder: what programs need to be found and linked, and no more."""
JAVA_SETTINGS = "/etc/java-*-openjdk"
FOLDERS = ("/etc", "/etc/ssl", "/opt", "/opt/grpo-sandbox")
CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_OVERRIDE")
PYTHON = "/usr/bin/python3"
PATH = "/usr/local/bin:/usr/bin:/bin"
NOBODY = 65_534
GET_IT = "install the package bubblewrap (apt install bubblewrap, dnf install bubblewrap)"


class BwrapLauncher(ProcessLauncher):
    """A `sandbox.launcher.Launcher` of bubblewrap's sandboxes."""

    name = "bwrap"

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._program = ""
        self._many_users = False

    @property
    def image(self) -> str:
        """The root folder, or this machine's own; see `Launcher`."""
        return str(self._root() or "/")

    async def prepare(self) -> None:
        """Find bubblewrap and see that it works; see `Launcher`."""
        self._program = shutil.which(PROGRAM) or ""
        if sys.platform != "linux" or not self._program:
            raise SandboxUnavailable(f"bubblewrap is not installed: {GET_IT}")
        # Root can give each program a user of its own, but for where it is root of a container only.
        self._many_users = os.getuid() == 0 and not await self._threads.call(self._problem, True)
        if self._settings.mode == "strict" and not self._many_users:
            raise SandboxUnavailable("bubblewrap has the mode strict only for root: use the mode uid, or docker")
        if not self._many_users and (why := await self._threads.call(self._problem, False)):
            raise SandboxUnavailable(
                f"bubblewrap does not work here ({why}): user namespaces may be switched off "
                "(sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
            )

    def _problem(self, many_users: bool) -> str:
        """Run nothing in it; return what went wrong."""
        check = "import sys; sys.exit('its Python is older than 3.9' if sys.version_info < (3, 9) else 0)"
        command = [*self._sandbox(many_users), PYTHON, "-I", "-c", check]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=TRY_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"

    def command(self) -> list[str]:
        """Return the command of a box."""
        options = ["--mode", self._settings.mode if self._many_users else "single", "--root", BOX]
        options += [word for folder in SCRATCH for word in ("--scratch", folder)]
        return [*self._sandbox(self._many_users), PYTHON, "-I", "-B", CODE, *options]

    def _sandbox(self, many_users: bool) -> list[str]:
        root = self._root()
        words = [self._program, "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"]
        words += [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
        words += ["--hostname", "box", "--setenv", "PATH", PATH, "--cap-drop", "ALL"]
        if many_users:
            strict = ["CAP_SYS_ADMIN"] if self._settings.mode == "strict" else []
            words += [word for name in [*CAPABILITIES, *strict] for word in ("--cap-add", name)]
        else:
            words += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
        # Folders that bubblewrap makes on its way are its own user's alone.
        words += [word for name in FOLDERS for word in ("--perms", "0755", "--dir", name)]
        words += _whole(root) if root else _system()
        # Nothing in it is left behind for the next program, not even by one of the same user in /dev/shm.
        words += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
        words += ["--perms", "0755", "--size", str(BOX_BYTES), "--tmpfs", BOX]
        for folder in SCRATCH:
            words += ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", folder]
        words += ["--ro-bind", str(Path(box.__file__).parent), CODE, "--remount-ro", "/", "--chdir", BOX]
        return words

    def _root(self) -> Path | None:
        if self._settings.rootfs:
            return Path(self._settings.rootfs)
        return next(iter(store.root_folders()), None)


def _whole(root: Path) -> list[str]:
    """Show each folder of a root folder, so that what bubblewrap makes itself has room beside them."""
    words: list[str] = []
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), f"/{path.name}"]
        elif path.is_dir() and path.name in {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc"}:
            words += ["--ro-bind", str(path), f"/{path.name}"]
    return words


def _system() -> list[str]:
    """Show what this machine itself has."""
    words: list[str] = []
    for name in SYSTEM:
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    for name in [*SETTINGS, *glob(JAVA_SETTINGS)]:
        words += ["--ro-bind-try", name, name]
    return words
