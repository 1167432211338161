"""The system calls that no program may make, and the kernel filter (classic BPF) that refuses them.

`REFUSED` may also serve for a container runtime's profile. Refusals are error numbers, never a kill: a runtime that
merely probes a call goes on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

# Name: numbers on x86_64 and aarch64; None where the machine has no such call.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Sockets: only socketpair stays, and such a socket cannot be given another address.
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "accept4": (288, 242), "bind": (49, 200),
    "listen": (50, 201),
    # System V and POSIX message queues, semaphores, shared memory: they outlive processes.
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182), "mq_timedreceive": (243, 183), "mq_notify": (244, 184), "mq_getsetattr": (245, 185),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # Other processes.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # Wide kernel surface.
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "lookup_dcookie": (212, 18),
    "memfd_secret": (447, 447), "modify_ldt": (154, None), "uselib": (134, None), "_sysctl": (156, None),
    "syslog": (103, 116), "vhangup": (153, 58), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    # Mounts and namespaces.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "unshare": (272, 97),
    "setns": (308, 268),
    # The machine itself.
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
}  # fmt: skip
# Calls whose first argument is a process, for `protect`.
SIGNALLING = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
              "rt_tgsigqueueinfo": (297, 240)}  # fmt: skip

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_CLONE, _CLONE3, _SOCKETPAIR, _IOCTL, _PERSONALITY = (56, 220), (435, 435), (53, 199), (16, 29), (135, 92)
_MEMFD_CREATE = (319, 279)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX = 1
_LOAD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_AT_NR, _AT_ARCH, _AT_ARG0, _AT_ARG1 = 0, 4, 16, 24
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2

Instruction = tuple[int, int, int, int]


def build(machine: str, protect: Iterable[int] = (), memory_files: bool = True) -> list[Instruction]:
    """Return the filter for a machine.

    Args:
        machine: As `uname -m` names it.
        protect: Processes that must not be signalled; with any, signalling everybody at once is refused as well.
        memory_files: Whether files in memory may be made. Without a control group nobody counts them.

    Raises:
        OSError: If there is no filter for this machine.
    """
    if machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"no system call filter for {machine!r}; there is one for {', '.join(MACHINES)}")
    column, arch = MACHINES[machine]
    code = [(_LOAD, 0, 0, _AT_ARCH), (_JEQ, 1, 0, arch), _refuse(errno.ENOSYS), (_LOAD, 0, 0, _AT_NR)]
    if machine == "x86_64":
        code += [(_JGE, 0, 1, _X32_BIT), _refuse(errno.ENOSYS)]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            code += [(_JEQ, 0, 1, number), _refuse(errno.EPERM)]
    if not memory_files:
        code += [(_JEQ, 0, 1, _MEMFD_CREATE[column]), _refuse(errno.ENOSYS)]
    # Its flags lie in memory, which a filter cannot read; the C library then falls back to clone.
    code += [(_JEQ, 0, 1, _CLONE3[column]), _refuse(errno.ENOSYS)]
    code += _on(_CLONE[column], _AT_ARG0, [(_JSET, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM)])
    code += _on(_SOCKETPAIR[column], _AT_ARG0, [(_JEQ, 1, 0, _AF_UNIX), _refuse(errno.EPERM)])
    code += _on(_PERSONALITY[column], _AT_ARG0, _unless((0, 0xFFFFFFFF)))
    code += _on(_IOCTL[column], _AT_ARG1, _if((_TIOCSTI, _TIOCLINUX)))
    pids = [pid & 0xFFFFFFFF for one in protect for pid in (one, -one)]
    if pids:
        for numbers in SIGNALLING.values():
            code += _on(numbers[column], _AT_ARG0, _if([*pids, 0xFFFFFFFF]))
    return [*code, (_RET, 0, 0, _ALLOW)]


def _refuse(number: int) -> Instruction:
    return (_RET, 0, 0, _ERRNO | number)


def _on(number: int, argument: int, then: list[Instruction]) -> list[Instruction]:
    """Return code that looks at one argument of one call, and else passes by with the call's number loaded."""
    body = [(_LOAD, 0, 0, argument), *then, (_RET, 0, 0, _ALLOW)]
    return [(_JEQ, 0, len(body), number), *body]


def _if(values: Iterable[int]) -> list[Instruction]:
    return [step for value in values for step in ((_JEQ, 0, 1, value), _refuse(errno.EPERM))]


def _unless(values: Iterable[int]) -> list[Instruction]:
    passes = [step for value in values for step in ((_JEQ, 0, 1, value), (_RET, 0, 0, _ALLOW))]
    return [*passes, _refuse(errno.EPERM)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *arguments: int) -> int:
    """Ask the kernel to change something of this process.

    Raises:
        OSError: If it fails.
    """
    padded = [*arguments, 0, 0, 0, 0][:4]
    result: int = _libc.prctl(option, *(ctypes.c_ulong(value) for value in padded))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Filter:
    """A filter that is built once and installed in any number of processes."""

    def __init__(self, protect: Iterable[int] = (), memory_files: bool = True) -> None:
        code = build(os.uname().machine, protect, memory_files)
        self._code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
        self._program = _Program(len(code), ctypes.addressof(self._code))

    def install(self) -> None:
        """Bind this process, and all it will ever start.

        Raises:
            OSError: If the kernel refuses.
        """
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(self._program))
