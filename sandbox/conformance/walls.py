"""The suite's hostile half: what a program must not reach, and what it must not leave behind.

Each hostile program is followed by an honest one in the same slots, which must be right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sandbox.conformance.case import SHORT, Case, ends, program, says
from sandbox.types import MIB, Outcome

ANY = tuple(outcome for outcome in Outcome if outcome is not Outcome.INFRASTRUCTURE)
"""A hostile program may end in any way, but for breaking the sandbox."""
DENIED = b"denied"
ROOMY = replace(SHORT, cpu_s=3.0)

NETWORK = """
import socket
for family, address in ((socket.AF_INET, ('127.0.0.1', 80)), (socket.AF_INET6, ('::1', 80)), (socket.AF_UNIX, '\\0a')):
    try:
        socket.socket(family).connect(address)
        print('connected')
    except ConnectionRefusedError:
        print('a socket')
    except OSError:
        pass
print('denied')
"""
WRITING = """
import os
for folder in '/ /usr /etc /opt /proc/sys/kernel /sys /dev /dev/mqueue /run /var /var/tmp /home /root'.split():
    try:
        open(folder + '/grpo-sandbox-was-here', 'w').write('x')
        print('wrote to', folder)
    except OSError:
        pass
print('denied')
"""
USER = """
import os
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
wrong = [key for key in ('CapEff', 'CapPrm', 'CapAmb') if int(status[key], 16)]
wrong += [] if status['NoNewPrivs'].strip() == '1' else ['NoNewPrivs']
wrong += [] if status['Seccomp'].strip() == '2' else ['Seccomp']
wrong += ['root'] if 0 in os.getresuid() + os.getresgid() else []
print(wrong or 'denied')
"""
OTHERS = """
import os
for pid in filter(str.isdigit, os.listdir('/proc')):
    if int(pid) in (os.getpid(), os.getpgrp()):
        continue
    for name in ('mem', 'environ', 'maps', 'fd/0'):
        try:
            open(f'/proc/{pid}/{name}', 'rb').read(1)
            print('read', pid, name)
        except OSError:
            pass
print('denied')
"""
CALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
tries = {
    'shmget': lambda: libc.shmget(1234, 4096, 0o1666), 'semget': lambda: libc.semget(1234, 1, 0o1666),
    'msgget': lambda: libc.msgget(1234, 0o1666), 'ptrace': lambda: libc.ptrace(16, os.getppid(), 0, 0),
    'unshare': lambda: libc.unshare(0x10000000), 'mount': lambda: libc.mount(b'x', b'/tmp', b'tmpfs', 0, None),
    'chroot': lambda: libc.chroot(b'/tmp'), 'setuid': lambda: libc.setuid(0),
}
print([name for name, attempt in tries.items() if attempt() != -1] or 'denied')
"""
LEAVE_PROCESS = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        while True:
            time.sleep(0.01)
            open('left', 'w').write('x')
    os._exit(0)
print(42)
"""
LEAVE_FILES = """
import os, stat, tempfile
for folder in {os.getcwd(), os.environ['HOME'], tempfile.gettempdir(), '/tmp', '/dev/shm', '/var/tmp'}:
    try:
        os.makedirs(folder + '/left/left')
        os.chmod(folder + '/left', 0)
    except OSError:
        pass
print(42)
"""
LOOK = """
import os, tempfile
seen = [folder for folder in (os.getcwd(), os.environ['HOME'], tempfile.gettempdir(), '/tmp', '/dev/shm', '/var/tmp')
        if os.path.isdir(folder) and 'left' in os.listdir(folder)]
def who(pid):
    try:
        return os.stat('/proc/' + pid).st_uid
    except OSError:
        return -1
mine = [pid for pid in os.listdir('/proc') if pid.isdigit() and int(pid) != os.getpid() and who(pid) == os.getuid()]
lines = [open('/proc/' + pid + '/stat').read() for pid in mine]
print(seen or 42)
"""
FORKS = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
MEMORY_OF_CHILDREN = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(300 << 20)
        time.sleep(30)
time.sleep(30)
"""
DEEP_FOLDERS = """
import os
for _ in range(3000):
    os.mkdir('d')
    os.chdir('d')
print(42)
"""
FULL_DISK = f"""
try:
    for k in range(64):
        with open(str(k), 'wb') as file:
            for _ in range(64):
                file.write(bytes({MIB}))
except OSError:
    pass
print(42)
"""
MANY_FILES = """
try:
    for k in range(10**6):
        open(str(k), 'w').close()
except OSError:
    pass
print(42)
"""
KILL_ALL = "import os\nos.kill(-1, 9)"
KILL_NEAR = "import os\nfor pid in (1, os.getppid()):\n    os.kill(pid, 9)"


def walls() -> Iterator[Case]:
    """Yield the cases of what is forbidden, and of what must not outlive its run."""
    yield Case("no network", program(NETWORK), says(DENIED), walls=True)
    yield Case("no writing outside", program(WRITING), says(DENIED), walls=True)
    yield Case("no rights", program(USER), says(DENIED), walls=True)
    yield Case("no look at others", program(OTHERS), says(DENIED), walls=True)
    yield Case("no forbidden system calls", program(CALLS), says(DENIED), walls=True)
    hostile = {
        "kills everything": program(KILL_ALL),
        "kills its neighbours": program(KILL_NEAR),
        "leaves a process": program(LEAVE_PROCESS),
        "leaves files": program(LEAVE_FILES),
        "forks without end": program(FORKS, limits=replace(SHORT, cpu_s=0.5)),
        "nests 3000 folders": program(DEEP_FOLDERS, limits=ROOMY),
        "fills the disk": program(FULL_DISK, limits=ROOMY),
        "makes a million files": program(MANY_FILES, limits=ROOMY),
    }
    for name, job in hostile.items():
        yield Case(name, job, ends(*ANY), walls=True)
        yield Case(f"{name}: the next", program(LOOK), says(b"42"), walls=True)
    children = program(MEMORY_OF_CHILDREN, limits=replace(SHORT, cpu_s=2.0))
    yield Case("memory of children", children, ends(Outcome.MEMORY_LIMIT), walls=True)
