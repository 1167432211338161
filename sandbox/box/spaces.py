"""Fresh namespaces for one run (`strict` mode): processes, mounts and System V / POSIX IPC of its own.

The zygote calls `fork_into_new`; the forked process, which is number 1 among the run's processes, calls `enter`. When
it ends, the kernel ends all others and drops the mounts.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
MAX_INODES = 16_384

_libc = ctypes.CDLL(None, use_errno=True)
_own_pids: int | None = None


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def prepare_fork() -> None:
    """Have the next fork start a new process namespace.

    Raises:
        OSError: If this process may not (it needs CAP_SYS_ADMIN).
    """
    global _own_pids
    if _own_pids is None:
        _own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    else:
        # A second unshare is only allowed from the namespace that one lives in.
        _checked(_libc.setns(_own_pids, _CLONE_NEWPID), "setns")
    _checked(_libc.unshare(_CLONE_NEWPID), "unshare")


def enter(plan: dict[str, Any]) -> None:
    """Give this process mounts and IPC of its own, with an empty file system at each folder that programs may write to.

    Args:
        plan: `cover` (these folders; what the first holds is kept) and `cover_bytes`, the size of each.

    Raises:
        OSError: If the kernel refuses.
    """
    _checked(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWIPC), "unshare")
    _checked(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "mount private")
    options = f"mode=0777,size={plan['cover_bytes']},nr_inodes={MAX_INODES}".encode()
    old = os.open(plan["cover"][0], os.O_RDONLY | os.O_DIRECTORY)
    for folder in plan["cover"]:
        _checked(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, options), f"mount {folder}")
    _checked(_libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None), "mount /proc")
    _copy(old, plan["cover"][0])
    os.close(old)


def _copy(source: int, target: str) -> None:
    """Copy the files that the supervisor laid down before the new file system covered them."""
    for folder, folders, files, fd in os.fwalk(".", dir_fd=source):
        for name in folders:
            os.mkdir(os.path.join(target, folder, name), 0o777)
        for name in files:
            with open(name, "rb", opener=lambda n, flags, fd=fd: os.open(n, flags, dir_fd=fd)) as file:  # type: ignore[misc]
                data, mode = file.read(), os.fstat(file.fileno()).st_mode
            with open(os.path.join(target, folder, name), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode & 0o777)
