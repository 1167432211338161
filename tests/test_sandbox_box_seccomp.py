from __future__ import annotations

import errno
import struct

import pytest

from sandbox.box import seccomp

ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def verdict(code: list[seccomp.Instruction], arch: int, number: int, *arguments: int) -> int:
    """Run a filter as the kernel would: 0 for allowed, else the error number."""
    words = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, *[0] * 6)][:6]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    at, accumulator = 0, 0
    while True:
        operation, yes, no, k = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif operation == 0x06:
            assert k == ALLOW or k & 0xFFFF0000 == ERRNO
            return 0 if k == ALLOW else k & 0xFFFF
        else:
            taken = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[operation]
            at += yes if taken else no


@pytest.fixture(params=sorted(seccomp.MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_filter_refuses_all_that_is_listed(machine: str) -> None:
    column, arch = seccomp.MACHINES[machine]
    code = seccomp.build(machine)
    for name, numbers in seccomp.REFUSED.items():
        if numbers[column] is not None:
            assert verdict(code, arch, numbers[column]) == errno.EPERM, name


def test_filter_allows_every_other_call(machine: str) -> None:
    column, arch = seccomp.MACHINES[machine]
    code = seccomp.build(machine)
    refused = {numbers[column] for numbers in seccomp.REFUSED.values()} | {435, 53 if column == 0 else 199}
    assert [number for number in range(600) if number not in refused and verdict(code, arch, number)] == []


def test_filter_when_the_machine_is_another_has_no_such_call(machine: str) -> None:
    arch = seccomp.MACHINES[machine][1]
    code = seccomp.build(machine)
    assert verdict(code, 0x40000003, 1) == errno.ENOSYS
    if machine == "x86_64":
        assert verdict(code, arch, 0x40000000 | 41) == errno.ENOSYS
    assert verdict(code, arch, 435) == errno.ENOSYS


@pytest.mark.parametrize("flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
def test_filter_when_clone_asks_for_a_namespace_refuses(machine: str, flag: int) -> None:
    column, arch = seccomp.MACHINES[machine]
    code = seccomp.build(machine)
    clone = (56, 220)[column]
    assert verdict(code, arch, clone, flag | 17) == errno.EPERM
    assert verdict(code, arch, clone, 0x3D0F00) == 0


def test_filter_when_arguments_matter_looks_at_them(machine: str) -> None:
    column, arch = seccomp.MACHINES[machine]
    code = seccomp.build(machine, protect=[1, 7], memory_files=False)
    socketpair, ioctl, kill = (53, 199)[column], (16, 29)[column], (62, 129)[column]
    assert verdict(code, arch, socketpair, 1, 1) == 0
    assert verdict(code, arch, socketpair, 2, 1) == errno.EPERM
    assert verdict(code, arch, ioctl, 0, 0x5412) == errno.EPERM
    assert verdict(code, arch, ioctl, 0, 0x5401) == 0
    assert [verdict(code, arch, kill, pid, 9) for pid in (1, -1, 7, -7)] == [errno.EPERM] * 4
    assert [verdict(code, arch, kill, pid, 9) for pid in (8, 0, -8)] == [0] * 3
    assert verdict(code, arch, (319, 279)[column]) == errno.ENOSYS


def test_build_for_an_unknown_machine_is_refused() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.build("riscv64")
