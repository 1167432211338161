"""Brings the box's own code into a place that sees none of our folders: over the line that frames take later."""

from __future__ import annotations

import io
import struct
import tarfile
from functools import cache
from pathlib import Path

from sandbox import box

SIZE = struct.Struct("!I")
_BOOTSTRAP = """
import io, os, runpy, struct, sys, tarfile
def read(size):
    data = b''
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            sys.exit('the host went away')
        data += part
    return data
code = {folder!r}
with tarfile.open(fileobj=io.BytesIO(read(struct.unpack('!I', read(4))[0]))) as tar:
    tar.extractall(code)
sys.argv[0] = code + '/box'
runpy.run_path(code + '/box', run_name='__main__')
"""


def bootstrap(folder: str) -> str:
    """Return the Python program that receives the parcel, unpacks it into a folder and starts the box from there."""
    return _BOOTSTRAP.format(folder=folder)


@cache
def parcel() -> bytes:
    """Return the box's code, preceded by its size."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(Path(box.__file__).parent.glob("*.py")):
            tar.addfile(_entry(path), io.BytesIO(path.read_bytes()))
    data = buffer.getvalue()
    return SIZE.pack(len(data)) + data


def _entry(path: Path) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"box/{path.name}")
    entry.size = path.stat().st_size
    entry.mode = 0o644
    return entry
