"""Programs that attack the box they run in: source, and the outcomes that are right for it."""

from __future__ import annotations

FORK_BOMB = """
import os
while True:
    try: os.fork()
    except OSError: pass
"""
DAEMONS = """
import os, time
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(64):
                try: os.close(fd)
                except OSError: pass
            while True: time.sleep(60)
        os._exit(0)
print("left some")
"""
FORK_RELAY = """
import os
while True:  # each process lives only until it has forked the next: nobody is ever there to be killed
    if os.fork(): os._exit(0)
"""
STOP_PARENT = """
import os, signal
for pid in [os.getppid(), 1, -1, *range(1, 200)]:
    if pid != os.getpid():
        for number in (signal.SIGSTOP, signal.SIGTSTP):
            try: os.kill(pid, number)
            except OSError: pass
print("stopped who would")
"""
STOP_SELF = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); os.kill(os.getpid(), signal.SIGKILL)"
KILL_ALL = """
import os, signal
for pid in [*range(1, 400), -os.getppid(), os.getppid(), -1]:
    if pid != os.getpid():
        try: os.kill(pid, signal.SIGKILL)
        except OSError: pass
print("killed who would")
"""
DEEP = """
import os
for _ in range(3000):
    os.mkdir("d"); os.chdir("d")
print("deep")
"""
CHMOD_TREE = """
import os
os.umask(0)
for i in range(30):
    os.makedirs(f"a{i}/b/c/d")
    open(f"a{i}/b/c/d/f", "w").close()
    os.symlink("/", f"a{i}/b/root"); os.symlink("nowhere", f"a{i}/loop"); os.mkfifo(f"a{i}/fifo")
    os.chmod(f"a{i}/b/c/d", 0o1777)
    for path in (f"a{i}/b/c/d/f", f"a{i}/b/c/d", f"a{i}/b/c", f"a{i}/b", f"a{i}"):
        os.chmod(path, 0)
os.mkdir("sticky"); open("sticky/x", "w").close(); os.chmod("sticky", 0o1777)
os.mkdir("/tmp/sticky"); open("/tmp/sticky/x", "w").close(); os.chmod("/tmp/sticky", 0o1000)
os.chmod(".", 0o000) if os.stat(".").st_uid == os.getuid() else None
print("sealed")
"""
ODD_NAMES = """
import os
for name in (b"\\xff\\xfe", b"-rf", b"a\\nb", b" ", b"x" * 255, "é".encode()):
    os.mkdir(name); open(name + b"/f" if len(name) < 250 else b"f", "w").close()
print("odd")
"""
INODES = """
i = 0
try:
    while i < 200000:
        open(f"f{i}", "w").close(); i += 1
except OSError: pass
print("many")
"""
FILL = """
import os
try:
    with open("/tmp/big", "wb") as f:
        while True: f.write(b"x" * 1000000)
except OSError: pass
os._exit(3)
"""
HUGE_ARGV = """
import subprocess, sys
for size in (10**5, 10**6, 10**7):
    try: subprocess.run([sys.executable, "-c", "pass"] + ["x" * 1000] * (size // 1000))
    except OSError: pass
print("called")
"""
CLOSE_ALL = """
import os
for fd in range(1024):
    try: os.close(fd)
    except OSError: pass
"""
FORGE = """
import os, json, struct
done = json.dumps({"op": "report", "id": 1, "run": 0, "outcome": "ok", "blobs": []}).encode()
ended = struct.pack("!BBiddq", 3, 0, 0, 0.0, 0.0, 0)
for data in (struct.pack("!II", len(done), 0) + done, ended, b"p", b"\\0\\0\\0\\1p"):
    for fd in range(1024):
        try: os.write(fd, data)
        except OSError: pass
for pid in os.listdir("/proc"):
    if pid.isdigit():
        for fd in range(64):
            try: os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK), done)
            except OSError: pass
"""
PTRACE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in range(1, 60):
    if pid == os.getpid(): continue
    for request in (16, 0x4206):  # attach, seize
        assert libc.ptrace(request, pid, 0, 0) < 0, pid
    for name in ("mem", "maps", "environ", "fd", "cwd", "root", "exe", "auxv", "stack", "syscall"):
        try:
            place = f"/proc/{pid}/{name}"
            os.listdir(place) if name in ("fd", "cwd", "root") else open(place, "rb").read(10)
        except OSError: continue
        if os.stat(f"/proc/{pid}").st_uid != os.getuid() or pid < 3: raise SystemExit(f"read {place}")
print("refused")
"""
THREADS = """
import threading, time
try:
    for _ in range(100000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError as error: print(error)
"""
STDOUT_GAMES = """
import os
os.write(1, b"x" * 1000); os.ftruncate(1, 0); os.lseek(1, 10**15, 0)
try: os.write(1, b"y")
except OSError as error: print(error)
os.ftruncate(1, 1 << 40)
"""
FORKED_MEMORY = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(os.urandom(1 << 20)) * 400
        time.sleep(60)
os.wait()
time.sleep(60)
"""
SHARED_MEMORY = """
import mmap
kept = []
while True:
    m = mmap.mmap(-1, 1 << 26); kept.append(m)
    for at in range(0, 1 << 26, 4096): m[at] = 1
"""
MEMFD_HOARD = """
import os
while True:
    fd = os.memfd_create("x")
    for _ in range(30): os.write(fd, b"x" * (1 << 20))
"""
IGNORE_XCPU = """
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass
"""
HIDDEN_CPU = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        for _ in range(300000): pass
        os._exit(0)
    for _ in range(300000): pass
"""
PRCTL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(1, 0)          # PR_SET_PDEATHSIG
libc.prctl(36, 1)         # PR_SET_CHILD_SUBREAPER
libc.prctl(15, b"python3")
libc.prctl(4, 0)          # not dumpable
libc.prctl(38, 0)         # undo no_new_privs
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time; time.sleep(600)
        os._exit(0)
print("asked")
"""
HOLD_FOLDER = """
import os, time
if os.fork() == 0:
    os.setsid(); open("held", "w").close(); os.mkdir("/tmp/mine"); os.chdir("/tmp/mine")
    while True:
        open(f"again{time.time_ns()}", "w").close()
time.sleep(0.05)
print("held")
"""
RENICE = """
import os, resource
os.setpriority(os.PRIO_PROCESS, 0, 19)
for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_FSIZE"):
    try: resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY,) * 2)
    except (ValueError, OSError): print(name)
"""
ASYNC_KILL = """
import fcntl, os, socket
a, b = socket.socketpair()
fcntl.fcntl(a, 10, 9)  # F_SETSIG, SIGKILL
for pid in (os.getppid(), 1):
    try: fcntl.fcntl(a, fcntl.F_SETOWN, pid)
    except OSError: continue
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    b.send(b"x")
print("signalled")
"""

CASES: dict[str, tuple[str, set[str]]] = {
    "fork bomb": (FORK_BOMB, {"time_limit", "runtime_error"}),
    "daemons": (DAEMONS, {"ok"}),
    "fork relay": (FORK_RELAY, {"ok", "runtime_error"}),
    "stop parent": (STOP_PARENT, {"ok", "runtime_error"}),
    "stop self": (STOP_SELF, {"time_limit", "runtime_error", "ok"}),
    "kill all": (KILL_ALL, {"ok", "runtime_error"}),
    "deep folders": (DEEP, {"ok"}),
    "closed trees": (CHMOD_TREE, {"ok"}),
    "odd names": (ODD_NAMES, {"ok"}),
    "inodes": (INODES, {"ok", "time_limit", "memory_limit", "runtime_error"}),
    "fill": (FILL, {"runtime_error", "memory_limit"}),
    "huge argv": (HUGE_ARGV, {"ok"}),
    "close all": (CLOSE_ALL, {"ok", "runtime_error"}),
    "forge": (FORGE, {"ok"}),
    "ptrace": (PTRACE, {"ok"}),
    "threads": (THREADS, {"ok"}),
    "stdout games": (STDOUT_GAMES, {"output_limit", "ok", "runtime_error"}),
    "forked memory": (FORKED_MEMORY, {"memory_limit", "time_limit"}),
    "shared memory": (SHARED_MEMORY, {"memory_limit", "runtime_error", "time_limit"}),
    "memfd hoard": (MEMFD_HOARD, {"memory_limit", "runtime_error", "time_limit"}),
    "ignore xcpu": (IGNORE_XCPU, {"time_limit"}),
    "hidden cpu": (HIDDEN_CPU, {"time_limit"}),
    "prctl": (PRCTL, {"ok"}),
    "hold folder": (HOLD_FOLDER, {"ok"}),
    "renice": (RENICE, {"ok"}),
    "async kill": (ASYNC_KILL, {"ok", "runtime_error"}),
}

PROBE = """
import os
others = [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]
print(len(others), os.listdir("."), os.listdir("/tmp"), sum(map(int, input().split())))
"""
"""What a well-kept box shows a program: the supervisor and its warm interpreter, and nothing in its folders."""
