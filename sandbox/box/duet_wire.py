"""How the two processes of a duet speak: JSON records over one socket, a request at a time, calls back in between.

The program, once loaded:   ["r", the answer for each name that the tests ask for...]
Requests of the grader:     ["call", handle, args, kwargs, write_back]  ["get", handle, name]
                            ["set", handle, name, value]  ["special", handle, method, args]
Requests of the program:    ["back", function, args, kwargs]          only while it answers a call
Answers of either:          ["v", value, kind or arguments after]     ["e", [class, its bases...], args, text]
"""

from __future__ import annotations

import json
from typing import Any

from . import records, values

SPECIAL = ("__len__", "__iter__", "__next__", "__getitem__", "__setitem__", "__delitem__", "__bool__", "__str__",
           "__repr__", "__enter__", "__exit__")  # fmt: skip
"""Methods that the grader may have the program carry out. None of them is told what is expected, as `__eq__`,
`__contains__` or `__sub__` would be."""


_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def send(fd: int, message: list[Any]) -> None:
    """Write a message of JSON-ready data."""
    records.send(fd, _write(message).encode())


def receive(reader: records.Reader) -> list[Any] | None:
    """Read a message; `None` at the end of the stream.

    Raises:
        ValueError: If it is not one.
    """
    text = reader.receive()
    if text is None:
        return None
    try:
        message = json.loads(text)
    except RecursionError as error:
        raise ValueError("a message nested too deep") from error
    if type(message) is not list or not message:
        raise ValueError("not a message")
    return message


def exception(error: BaseException) -> list[Any]:
    """Return the answer that tells of an exception."""
    kinds = [values.type_name(kind) for kind in type.mro(type(error))[:-1]]
    try:
        text = str(error)[:2_000]
    except BaseException:  # a hostile `__str__`
        text = ""
    try:
        arguments = values.Encoder().encode(BaseException.args.__get__(error))  # type: ignore[attr-defined]
    except BaseException:  # arguments that cannot be told
        arguments = {"t": [text]}
    return ["e", kinds, arguments, text]
