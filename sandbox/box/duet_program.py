"""The program's side of a duet: answers what the grader asks of its names and objects."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from . import duet_wire, python_calls, python_program, records, values

PEER_FD, SOURCE_FD = 3, 4
MAX_OBJECTS = 1_000_000


class _Back(Exception):
    """What the grader's function raised."""


class Objects:
    """The program's objects that the grader has handles of."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self.peer = records.Reader(PEER_FD)

    def tell(self, value: Any) -> Any:
        """Return the JSON of an object without an encoding."""
        if len(self._kept) >= MAX_OBJECTS:
            raise values.ValueTooLarge(f"more than {MAX_OBJECTS} objects")
        known = values._unknown(value)
        if type(known) is not dict or "o" not in known:
            return known
        self._kept.append(value)
        return {"h": len(self._kept) - 1, "type": values.type_name(type(value))}

    def find(self, data: dict[str, Any]) -> Any:
        """Return the object of a handle, or a stand-in for a function of the grader's."""
        if "h" in data:
            return self._kept[data["h"]]
        if "builtin" in data:
            return getattr(builtins, data["builtin"])
        if "g" in data:
            return lambda *args, **kwargs: _call_back(self, data["g"], args, kwargs)
        raise TypeError(f"the tests passed a {data.get('o')}, which cannot leave their process")

    def encode(self, value: Any) -> Any:
        """Return a value's JSON-ready data."""
        return values.Encoder(self.tell).encode(value)

    def decode(self, data: Any) -> Any:
        """Return the value of JSON data."""
        return values.decode(data, self.find)


def run(plan: dict[str, Any]) -> None:
    """Load the program, say ready, then answer until the grader leaves."""
    names = python_calls.load(python_program.read_all(SOURCE_FD))
    objects = Objects()
    duet_wire.send(PEER_FD, ["r", *[_answer(objects, names, ["name", name]) for name in plan["names"]]])
    while True:
        message = duet_wire.receive(objects.peer)
        if message is None:
            python_program.end(0)
        duet_wire.send(PEER_FD, _answer(objects, names, message))


def _answer(objects: Objects, names: dict[str, Any], message: list[Any]) -> list[Any]:
    try:
        return _REQUESTS[message[0]](objects, names, *message[1:])
    except MemoryError:
        raise
    except BaseException as error:  # the program's own, SystemExit included
        return duet_wire.exception(error)


def _name(objects: Objects, names: dict[str, Any], name: str) -> list[Any]:
    found = python_calls.find(names, name)
    return ["v", objects.encode(found), "class" if isinstance(found, type) else ""]


def _call(objects: Objects, _: Any, handle: Any, args: Any, kwargs: Any, write_back: bool) -> list[Any]:
    arguments, keywords = objects.decode(args), objects.decode(kwargs)
    result = objects.encode(objects.decode(handle)(*arguments, **keywords))
    return ["v", result, objects.encode(arguments) if write_back else None]


def _get(objects: Objects, _: Any, handle: Any, name: str) -> list[Any]:
    return ["v", objects.encode(getattr(objects.decode(handle), name)), None]


def _set(objects: Objects, _: Any, handle: Any, name: str, value: Any) -> list[Any]:
    setattr(objects.decode(handle), name, objects.decode(value))
    return ["v", None, None]


def _special(objects: Objects, _: Any, handle: Any, method: str, args: Any) -> list[Any]:
    owner = objects.decode(handle)
    if method == "__bool__":
        return ["v", bool(owner), None]
    function = getattr(type(owner), method, None)
    if function is None:  # a TypeError is what tells `list(x)` that there is no length
        raise TypeError(f"'{values.type_name(type(owner))}' object has no {method}")
    return ["v", objects.encode(function(owner, *objects.decode(args))), None]


_REQUESTS: dict[str, Callable[..., list[Any]]] = {
    "name": _name, "call": _call, "get": _get, "set": _set, "special": _special,
}  # fmt: skip


def _call_back(objects: Objects, function: int, args: Any, kwargs: Any) -> Any:
    """Have the grader call one of its functions; serve what that in turn asks of us."""
    duet_wire.send(PEER_FD, ["back", function, objects.encode(list(args)), objects.encode(kwargs)])
    while True:
        message = duet_wire.receive(objects.peer)
        if message is None:
            python_program.end(0)
        if message[0] == "v":
            return objects.decode(message[1])
        if message[0] == "e":
            raise _Back(message[3])
        duet_wire.send(PEER_FD, _answer(objects, {}, message))
