"""The grader's side of a duet: runs trusted test code whose names reach into the program's process.

What comes from the program is decoded to plain built-in values or `Handle`s; a handle is equal to nothing but itself,
so that no method of the program's ever decides a comparison.
"""

from __future__ import annotations

import builtins
import json
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import duet_wire, python_calls, python_program, records, values

PEER_FD, SOURCE_FD, REPORT_FD = 3, 4, 5
PASSED, FAILED, GONE = b"p", b"f", b"g"
BEFORE_LOADED = "the program ended before it was loaded"
MALFORMED = (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError)
"""What reading a hostile message may raise."""
STOPS = frozenset({"StopIteration", "StopAsyncIteration"})


class Gone(BaseException):
    """The program's process ended or does not speak the protocol: no test code may catch that."""


class Link:
    """The way to the program."""

    def __init__(self) -> None:
        self.classes: set[str] = set()
        self.functions: list[Callable[..., Any]] = []
        self.write_back = False
        self.peer = records.Reader(PEER_FD)
        self.raised: BaseException | None = None

    def open(self, count: int) -> list[Any]:
        """Wait for the program; return, for each of `count` names, its object and kind, or the exception that it gave.

        Raises:
            Gone: If it does not come up.
        """
        try:
            first = duet_wire.receive(self.peer)
            if first is not None:
                if first[0] != "r" or len(first) != count + 1:
                    raise ValueError("it began with something else")
                return [self._opened(answer) for answer in first[1:]]
        except (OSError, *MALFORMED) as error:
            raise Gone(f"the program does not speak as it should: {error}") from None
        raise Gone(BEFORE_LOADED)

    def _opened(self, answer: list[Any]) -> Any:
        try:
            return self._accept(answer)
        except Exception as error:
            if error is not self.raised:
                raise
            return error

    def ask(self, *message: Any) -> list[Any]:
        """Send a request, serve the program's calls back, and return the answer.

        Raises:
            Exception: What the program raised, as its nearest built-in class.
            Gone: If there is no answer.
        """
        try:
            duet_wire.send(PEER_FD, list(message))
            while True:
                answer = duet_wire.receive(self.peer)
                if answer is None:
                    raise Gone("the program ended")
                if answer[0] != "back":
                    return self._accept(answer, may_stop=message[2:3] == ("__next__",))
                duet_wire.send(PEER_FD, self._serve(answer))
        except (OSError, *MALFORMED) as error:
            if error is self.raised:
                raise
            raise Gone(f"the program does not answer as it should: {error}") from None

    def _accept(self, answer: list[Any], may_stop: bool = False) -> list[Any]:
        if answer[0] == "v":
            return [self.decode(answer[1]), self.decode(answer[2])]
        if answer[0] != "e":
            raise ValueError("neither a value nor an exception")
        kinds, arguments, text = answer[1:]
        self.raised = self._exception(kinds, arguments, text, may_stop)
        raise self.raised

    def _exception(self, kinds: list[Any], arguments: Any, text: str, may_stop: bool) -> BaseException:
        """Return what the program raised. `StopIteration` would end a `map` of the tests early, `all` of it well."""
        for name in kinds if may_stop or not STOPS.intersection(kinds) else ():
            kind = getattr(builtins, name, None) if type(name) is str else None
            if isinstance(kind, type) and issubclass(kind, Exception):
                error = kind.__new__(kind)
                decoded = self.decode(arguments)
                error.args = decoded if type(decoded) is tuple else (text,)
                return error
        return RuntimeError(f"{kinds[0] if kinds else 'nothing'}: {text}")

    def _serve(self, message: list[Any]) -> list[Any]:
        """Call a function that the tests handed to the program."""
        _, number, arguments, keywords = message
        function = self.functions[number]
        args, kwargs = self.decode(arguments), self.decode(keywords)
        try:
            return ["v", self.encode(function(*args, **kwargs))]
        except Exception as error:  # told to the program, as it would be in one process
            return duet_wire.exception(error)

    def encode(self, value: Any) -> Any:
        """Return the JSON of a value of the tests'."""
        return values.Encoder(self._tell).encode(value)

    def _tell(self, value: Any) -> Any:
        if isinstance(value, Handle):
            return {"h": object.__getattribute__(value, "_number")}
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)):
            self.functions.append(value)
            told = {"g": len(self.functions) - 1}
            name = getattr(value, "__name__", "")
            # A type such as `int` is of use only as itself: the program has one too.
            return {**told, "builtin": name} if getattr(builtins, name, None) is value else told
        raise TypeError(f"a {type(value).__name__} cannot be passed to the program's process")

    def decode(self, data: Any) -> Any:
        """Return the value, or handle, of the program's JSON."""
        return values.decode(data, self._object)

    def _object(self, data: dict[str, Any]) -> Any:
        if "h" in data:
            return Handle(self, int(data["h"]), str(data.get("type")))
        if "g" in data:
            return self.functions[data["g"]]
        return Handle(self, -1, str(data.get("o")))


class Handle:
    """An object of the program's."""

    def __init__(self, link: Link, number: int, kind: str) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        link = object.__getattribute__(self, "_link")
        sent = list(args)
        result, after = link.ask("call", link.encode(self), link.encode(sent), link.encode(kwargs), link.write_back)
        if type(after) is list:
            for number, theirs in enumerate(after[: len(sent)]):
                _write_back(sent[number], theirs)
        return result

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__dict__"):
            return object.__getattribute__(self, name)
        return _open(self, name).ask("get", _own(self), name)[0]

    def __setattr__(self, name: str, value: Any) -> None:
        link = _open(self, name)
        link.ask("set", _own(self), name, link.encode(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and _own(self) == _own(other) and _own(self)["h"] >= 0

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_number"))


def _own(handle: Handle) -> dict[str, int]:
    return {"h": object.__getattribute__(handle, "_number")}


def _open(handle: Handle, name: str) -> Link:
    """Return the link, if attributes of this object may be asked for.

    Tests look into objects of the classes that they name. With others they mean a string's or a list's methods, and an
    object of the program's making could answer those with whatever pleases the test.
    """
    link: Link = object.__getattribute__(handle, "_link")
    kind = object.__getattribute__(handle, "_kind")
    if kind in link.classes or (kind == "type" and link.classes):
        return link
    link.raised = AttributeError(f"'{kind}' object has no attribute '{name}'")
    raise link.raised


def _special(name: str) -> Callable[..., Any]:
    def method(self: Handle, *args: Any) -> Any:
        link = object.__getattribute__(self, "_link")
        return link.ask("special", _own(self), name, link.encode(list(args)))[0]

    return method


for _name in duet_wire.SPECIAL:
    setattr(Handle, _name, _special(_name))


def _write_back(mine: Any, theirs: Any) -> None:
    """Do to the tests' own mutable argument what the program did to its copy."""
    if isinstance(mine, (list, bytearray)) and type(mine) is type(theirs):
        mine[:] = theirs
    elif isinstance(mine, (dict, set)) and type(mine) is type(theirs):
        mine.clear()
        mine.update(theirs)


class Missing:
    """A name that the program does not define."""

    def __init__(self, link: Link, error: BaseException) -> None:
        self._link, self._error = link, error

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self._link.raised = self._error
        raise self._error


def run(plan: dict[str, Any]) -> None:
    """Run the checks from `plan["first"]` on, and tell the supervisor of each."""
    grader, *checks = json.loads(python_program.read_all(SOURCE_FD))
    link = Link()
    link.write_back = plan["write_back"]
    module = python_program.prepare("__main__", grader.encode("utf-8", "surrogatepass"), [])
    first = plan["first"]
    failure = _attempt(link, lambda: _open_tests(link, plan["names"], grader, module))
    for check in checks[first:]:
        text = failure or _attempt(link, lambda: _run(check, module))  # noqa: B023  (called at once)
        records.send(REPORT_FD, text or PASSED)
    python_program.end(0)


def _open_tests(link: Link, names: list[str], grader: str, module: types.ModuleType) -> None:
    for name, found in zip(names, link.open(len(names))):  # noqa: B905  (strict= is of Python 3.10)
        if isinstance(found, BaseException):  # not there: a failure only of the test that uses it
            module.__dict__[name] = Missing(link, found)
            continue
        module.__dict__[name], kind = found
        if kind == "class":
            link.classes.add(name)
    _run(grader, module)


def _run(source: str, module: types.ModuleType) -> None:
    exec(compile(source, "tests.py", "exec", dont_inherit=True), module.__dict__)


def _attempt(link: Link, work: Callable[[], None]) -> bytes:
    """Return the record of a failure; nothing if there was none."""
    try:
        work()
    except Gone as gone:
        return GONE + str(gone).encode("utf-8", "replace")
    except BaseException as error:  # the tests' verdict
        return FAILED + json.dumps([_origin(link, error), python_calls.describe(error)]).encode()
    return b""


def _origin(link: Link, error: BaseException) -> str:
    if error is link.raised:
        return "program"
    return "check" if isinstance(error, AssertionError) else "grader"
