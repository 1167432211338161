"""What a container may do: nothing but what is stated here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.settings import Settings
from sandbox.types import MIB, Limits

SECCOMP = Path(__file__).with_name("seccomp.json")
CAPABILITIES = ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE")
"""Of the supervisor: to make programs other users, to end them, and to clean up after them."""
STRICT_CAPABILITY = "SYS_ADMIN"
"""Makes namespaces; programs have no capabilities, and a filter of the supervisor's."""
PIDS = 64
NANO_CPUS = 1_000_000_000
INODES = 65_536
OPEN_FILES = 1024
BOX = "/box"
SCRATCH = "/tmp"
SCRATCH_BYTES = 32 * MIB
SHARED = "/dev/shm"
"""Where semaphores and shared memory of Python's `multiprocessing` live."""
SHARED_BYTES = 32 * MIB
QUEUES = "/dev/mqueue"
"""The engine mounts message queues here, whatever `ipc_mode` says, and they outlive programs: hidden."""
BOX_BYTES = 6 * Limits().file_bytes
"""Room for the job's folder and the working folder together; memory of the slot, when used."""
CODE = "/opt/grpo-sandbox/box"
"""Where the box's own code is found."""
LINE = "/run/grpo-sandbox"
"""Where the FIFOs are found."""


def host_options(settings: Settings, mounts: list[Any]) -> dict[str, Any]:
    """Return the arguments of the SDK's `create_host_config`.

    Args:
        settings: What was chosen.
        mounts: The SDK's mounts.
    """
    strict = [STRICT_CAPABILITY] if settings.mode == "strict" else []
    options: dict[str, Any] = {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": [*CAPABILITIES, *strict],
        "security_opt": ["no-new-privileges", f"seccomp={SECCOMP.read_text(encoding='utf-8')}"],
        "pids_limit": PIDS,
        "mem_limit": settings.memory_bytes,
        "memswap_limit": settings.memory_bytes,
        "ipc_mode": "none",
        "log_config": {"Type": "none", "Config": {}},
        "nano_cpus": NANO_CPUS,
        "tmpfs": {
            BOX: f"rw,exec,nosuid,nodev,mode=755,size={BOX_BYTES},nr_inodes={INODES}",
            SCRATCH: f"rw,noexec,nosuid,nodev,mode=1777,size={SCRATCH_BYTES},nr_inodes={INODES}",
            SHARED: f"rw,noexec,nosuid,nodev,mode=1777,size={SHARED_BYTES},nr_inodes={INODES}",
            QUEUES: "ro,noexec,nosuid,nodev,mode=0,size=4k,nr_inodes=1",
        },
        "ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
        ],
        "mounts": mounts,
        "auto_remove": True,
    }
    if settings.runtime:
        options["runtime"] = settings.runtime
    if strict:
        # The default AppArmor profile forbids all mounts, and nothing else that is not forbidden above.
        options["security_opt"].append("apparmor=unconfined")
    return options
