"""The protocol between the host and the supervisor in a box.

A frame is `!II` (header bytes, blob bytes), a JSON object (UTF-8), and blobs back to back. The header's `blobs` lists
their sizes; other fields name a blob by its index in that list. Any number of frames may be written at once, and any
number of jobs queued: a box works on one after another. What a field lacks has the default stated here.

Host to box
-----------
job     id: int, unique in this box
        limits: {cpu_s, wall_s: float; memory_bytes, processes, output_bytes, file_bytes, stack_bytes, open_files: int}
        stop_early: bool = false                end the job with the first run whose outcome is not `ok`
        launch: {
          kind: "python" | "exec"               Python source in a forked warm interpreter, or a program by its `argv`
          source: blob                          (python) the main file; its `__name__` is `__main__` for stdio work,
                                                and `solution` for calls and duets
          args: [str] = []                      (python) sys.argv[1:]
          preload: [str] = []                   (python) modules to have in the warm interpreter, such as ["numpy"];
                                                the box keeps those of the few last used lists
          argv: [str]                           (exec) argv[0] is a path, or is looked up in PATH
          env: {str: str} = {}                  (exec) added to the box's own: PATH, HOME, TMPDIR, LANG=C.UTF-8, TZ=UTC,
                                                PYTHONHASHSEED=0, BOX_JOB, BOX_WORK
          files: [{name, blob, place: "job" | "work" = "job", exec: bool = false}] = []
          address_space: bool = true            whether `memory_bytes` also bounds each process' address space (not for
                                                node, java, go); python: always
          compile: null | {argv, env = {}, limits, address_space = true, keep: [str] = []}
        }
        work: {kind: "stdio", stdins: [blob]}                   one run for each stdin
            | {kind: "calls", entry_point: str, arguments: [blob]}    one run for each call; JSON of [args, kwargs]
            | {kind: "duet", grader: blob, checks: [blob], names: [str], write_back: bool = false}
                                                one run for each check; python only. write_back: what the program does
                                                to a list, dict, set or bytearray that it is passed, is done to the
                                                tests' own
cancel  id: ends a queued or running job; its `done` says `cancelled`. An unknown or finished id is ignored.
ping    id: any; answered by `pong` with the same id, in order
close   ends the box

Folders. A run's working folder (`$BOX_WORK`, the place "work") is empty before each run but for files of that place.
The job's folder (`$BOX_JOB`, the place "job", reached from the working folder as `../job`) holds files of that place
and the compiler's output; only the compiler may write to it. The compiler's working folder is the job's folder.
In `argv` and `env`, the texts `@JOB@` and `@WORK@` stand for the two folders' paths.
`keep` names what the compiler made: those files are sent back in `compiled` so that the host can cache them; a later
job then gives them as `files` (with `exec` as it was told) and no `compile`.

Box to host
-----------
hello    version: int, python: "3.12.3", machine: "x86_64", mode: "uid" | "strict" | "single" | "local",
         pid: int, tools: {name: path} of the compilers and interpreters found in PATH,
         accounting: "cgroup1" | "cgroup2" | "proc"
compiled id, the fields of a report, artifacts: [{name, blob, exec}]. An outcome other than `ok` becomes
         `compile_error` (with what the compiler wrote as stderr), and the job is done.
report   id, run: int, outcome: a value of sandbox.types.Outcome
         exit_code: int | null, signal: int | null, cpu_s: float, wall_s: float, memory_bytes: int, detail: str
         error: str = ""        calls, duet: "TypeName: text" of the exception that was seen
         origin: str = ""       whose exception it was: "program"; (duet) "check": an assert failed; "grader": the
                                grader's own code raised something else, which may mean a bad reference
         stdout, stderr, value: blob, only where not empty. Calls of one process share stdout and stderr: they come
                                with the report of the call at which the process ended.
         disturbed: bool = false   the program attacked the box itself, or left processes behind
done     id, cancelled: bool = false, failure: str = ""   after all reports of the job. A failure is the box's own
                                fault (a process could not be isolated, a tool is not installed), never a program's:
                                run the job in another box.
pong     id
retire   reason: str. The box is not fit for another job, and ends by itself. Jobs without a `done` must be run again in
         another box.

Call protocol (`exec` programs, work `calls`)
---------------------------------------------
Descriptor 3 of the program is a stream socket. The program, once loaded, writes a record tagged `r` (ready). Then, for
each call: it reads `!I` (bytes) and the argument blob; it writes one record. End of file on reading: exit.
A record is `!I` (bytes, the tag included), one tag byte, text (UTF-8):
  r   ready, no text        v   the value, type-tagged JSON        e   "TypeName: message" of an exception
If it ends before a call is answered, that call is reported by the way it ended, and a new process makes the rest;
if it ends before `r`, all calls are reported so.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

PROTOCOL_VERSION = 1
HEAD = struct.Struct("!II")
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_BLOB_BYTES = 1024 * 1024 * 1024
CALL_FD = 3
RECORD = struct.Struct("!I")

Header = dict[str, Any]


class FrameError(ValueError):
    """The other side does not speak this protocol."""


def encode(header: Header, blobs: Sequence[bytes] = ()) -> bytes:
    """Return a frame.

    Args:
        header: The fields; `blobs` is added.
        blobs: What the fields refer to by index.
    """
    text = json.dumps(dict(header, blobs=[len(blob) for blob in blobs]), separators=(",", ":")).encode()
    total = sum(len(blob) for blob in blobs)
    if len(text) > MAX_HEADER_BYTES or total > MAX_BLOB_BYTES:
        raise FrameError(f"a frame of {len(text)} + {total} bytes; at most {MAX_HEADER_BYTES} + {MAX_BLOB_BYTES}")
    return b"".join((HEAD.pack(len(text), total), text, *blobs))


class Decoder:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need = HEAD.size

    def feed(self, data: bytes) -> Iterator[tuple[Header, list[bytes]]]:
        """Yield the frames that `data` completes.

        Raises:
            FrameError: If the stream is not made of frames; it cannot be read on.
        """
        self._buffer += data
        while len(self._buffer) >= self._need:
            header_bytes, blob_bytes = HEAD.unpack_from(self._buffer)
            if header_bytes > MAX_HEADER_BYTES or blob_bytes > MAX_BLOB_BYTES:
                raise FrameError(f"a frame of {header_bytes} + {blob_bytes} bytes was announced")
            end = HEAD.size + header_bytes + blob_bytes
            if len(self._buffer) < end:
                self._need = end
                return
            frame = bytes(memoryview(self._buffer)[HEAD.size : end])
            del self._buffer[:end]
            self._need = HEAD.size
            yield _parse(frame, header_bytes)


def _parse(frame: bytes, header_bytes: int) -> tuple[Header, list[bytes]]:
    try:
        header = json.loads(frame[:header_bytes])
        sizes = header["blobs"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FrameError(f"not a frame's header: {frame[:60]!r}") from error
    blobs, at = [], header_bytes
    for size in sizes:
        blobs.append(frame[at : at + size])
        at += size
    if at != len(frame):
        raise FrameError(f"blobs of {at - header_bytes} bytes in a frame of {len(frame) - header_bytes}")
    return header, blobs
