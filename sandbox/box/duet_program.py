"""The program's side of a duet: answers what the grader asks of its names and objects."""

from __future__ import annotations

import builtins
from typing import Any, Callable, Dict, List  # noqa: UP035  (Python 3.9 runs this file too)

from . import duet_wire, python_calls, python_program, values

PEER_FD, SOURCE_FD = 3, 4
MAX_OBJECTS = 1_000_000


class _Back(Exception):
    """What the grader's function raised."""


class Objects:
    """The program's objects that the grader has handles of."""

    def __init__(self) -> None:
        self._kept: List[Any] = []  # noqa: UP006

    def tell(self, value: Any) -> Any:
        """Return the JSON of an object without an encoding."""
        if len(self._kept) >= MAX_OBJECTS:
            raise values.ValueTooLarge(f"more than {MAX_OBJECTS} objects")
        known = values._unknown(value)
        if "o" not in known or type(known) is not dict:
            return known
        self._kept.append(value)
        return {"h": len(self._kept) - 1, "type": values.type_name(type(value))}

    def find(self, data: Dict[str, Any]) -> Any:  # noqa: UP006
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


def run(plan: Dict[str, Any]) -> None:  # noqa: UP006
    """Load the program, say ready, then answer until the grader leaves."""
    names = python_calls.load(python_program.read_all(SOURCE_FD))
    objects = Objects()
    duet_wire.send(PEER_FD, ["r"])
    while True:
        message = duet_wire.receive(PEER_FD)
        if message is None:
            python_program.end(0)
        duet_wire.send(PEER_FD, _answer(objects, names, message))


def _answer(objects: Objects, names: Dict[str, Any], message: List[Any]) -> List[Any]:  # noqa: UP006
    try:
        return _REQUESTS[message[0]](objects, names, *message[1:])
    except MemoryError:
        raise
    except BaseException as error:  # the program's own, SystemExit included
        return duet_wire.exception(error)


def _name(objects: Objects, names: Dict[str, Any], name: str) -> List[Any]:  # noqa: UP006
    found = python_calls.find(names, name)
    return ["v", objects.encode(found), "class" if isinstance(found, type) else ""]


def _call(objects: Objects, _: Any, handle: Any, args: Any, kwargs: Any, write_back: bool) -> List[Any]:  # noqa: UP006
    arguments, keywords = objects.decode(args), objects.decode(kwargs)
    result = objects.encode(objects.decode(handle)(*arguments, **keywords))
    return ["v", result, objects.encode(arguments) if write_back else None]


def _get(objects: Objects, _: Any, handle: Any, name: str) -> List[Any]:  # noqa: UP006
    return ["v", objects.encode(getattr(objects.decode(handle), name)), None]


def _set(objects: Objects, _: Any, handle: Any, name: str, value: Any) -> List[Any]:  # noqa: UP006
    setattr(objects.decode(handle), name, objects.decode(value))
    return ["v", None, None]


def _special(objects: Objects, _: Any, handle: Any, method: str, args: Any) -> List[Any]:  # noqa: UP006
    owner = objects.decode(handle)
    if method == "__bool__":
        return ["v", bool(owner), None]
    return ["v", objects.encode(getattr(type(owner), method)(owner, *objects.decode(args))), None]


_REQUESTS: Dict[str, Callable[..., List[Any]]] = {  # noqa: UP006
    "name": _name, "call": _call, "get": _get, "set": _set, "special": _special,
}  # fmt: skip


def _call_back(objects: Objects, function: int, args: Any, kwargs: Any) -> Any:
    """Have the grader call one of its functions; serve what that in turn asks of us."""
    duet_wire.send(PEER_FD, ["back", function, objects.encode(list(args)), objects.encode(kwargs)])
    while True:
        message = duet_wire.receive(PEER_FD)
        if message is None:
            python_program.end(0)
        if message[0] == "v":
            return objects.decode(message[1])
        if message[0] == "e":
            raise _Back(message[3])
        duet_wire.send(PEER_FD, _answer(objects, {}, message))
