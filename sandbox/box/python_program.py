"""Run Python source in a forked warm interpreter as `python3 main.py` would run it."""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

FILE_NAME = "main.py"
_TRACEBACK_SKIP = __file__.rpartition(".")[0]


def read_all(fd: int) -> bytes:
    """Read a memory file from its start, and close it."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0)
    os.close(fd)
    return data


def prepare(name: str, source: bytes, args: list[str]) -> types.ModuleType:
    """Make the module that the program will be, and what it sees of the interpreter.

    Args:
        name: Its `__name__`.
        source: Its text, for tracebacks.
        args: The program's arguments.
    """
    module = types.ModuleType(name)
    folder = os.getcwd()
    module.__file__ = os.path.join(folder, FILE_NAME)
    module.__dict__["__builtins__"] = __builtins__
    sys.modules[name] = module
    sys.argv = [FILE_NAME, *args]
    sys.path.insert(0, folder)
    module.__loader__ = _Loader(source)  # type: ignore[assignment]
    return module


class _Loader:
    """Gives the source to whom asks, such as `inspect.getsource`: there is no such file."""

    def __init__(self, source: bytes) -> None:
        self._source = source

    def get_source(self, _: str) -> str:
        """Return the program's text."""
        return self._source.decode("utf-8", "replace")


def run_main(source: bytes, args: list[str]) -> NoReturn:
    """Run the program, and end this process as the interpreter would."""
    module = prepare("__main__", source, args)
    end(guarded(lambda: exec(compile(source, FILE_NAME, "exec", dont_inherit=True), module.__dict__)), module)


def guarded(work: Callable[[], Any]) -> int:
    """Call `work`; return the exit status that the interpreter would have, having told stderr what went wrong."""
    try:
        work()
    except SystemExit as stop:
        return _status_of(stop)
    except BaseException as error:
        report(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def report(error: BaseException) -> None:
    """Write a traceback to stderr, without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_TRACEBACK_SKIP):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def _status_of(stop: SystemExit) -> int:
    code = stop.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def end(status: int, module: types.ModuleType | None = None) -> NoReturn:
    """Wait for threads, run exit handlers, flush, leave: the parts of the interpreter's end that others can see.

    Args:
        status: The exit status.
        module: Whose objects end too; `None` = nobody sees it if they do.
    """
    try:
        threading: Any = sys.modules.get("threading")
        if threading is not None and (_thread._count() or threading._threading_atexits):
            guarded(threading._shutdown)
        if atexit._ncallbacks():
            guarded(atexit._run_exitfuncs)
        status = _flush() or status
        if module is not None and not _thread._count():
            guarded(lambda: _let_go(module))
            status = _flush() or status
    finally:
        os._exit(status)


def _let_go(module: types.ModuleType) -> None:
    """Drop what a program holds: files that it left open are written then, and objects may print as they end."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    names = module.__dict__
    for name in list(names):
        if name != "__builtins__":
            names[name] = None


def _flush() -> int:
    status = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:  # whatever a program put there: the interpreter's own status for it is 120
            status = 120
    return status
