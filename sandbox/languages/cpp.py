"""C++: g++, GNU C++17, optimised; the header `bits/stdc++.h` comes compiled if the image has it so.

Tests of functions are compiled into the program, once for all of them: a harness behind it (`harness/values.hpp`) makes
the calls that it is asked for and tells what they returned. It never learns what was expected.
"""

from __future__ import annotations

import re

from sandbox.errors import UnsupportedWork
from sandbox.languages.language import (
    JOB,
    CompileStep,
    File,
    Language,
    Plan,
    harness,
    own_files,
    positional,
    refuse,
)
from sandbox.types import Calls, Duet, Limits, Program, Snippets, Stdio, Work

FLAGS = ("-O2", "-std=gnu++17", "-w")
"""The first two are those for which the image has the header compiled."""
MAX_ARGUMENTS = 32
_ENTRY_POINT = re.compile(r"(?:(?P<type>[A-Za-z_]\w*+(?:::\w++)*+)(?:\(\))?+\.)?+(?P<name>[A-Za-z_]\w*+(?:::\w++)*+)")
_HEAD = re.compile(r"(?:[ \t]*+(?:#[ \t]*+include\b[^\n]*+|//[^\n]*+|using namespace [^\n]*+)?+\n)*+")
"""The lines before a program's own code; where a macro is defined before them, GCC takes no compiled header."""
_WORDS = (
    "int long short char bool float double unsigned signed const static auto void return if else for while switch case "
    "default break continue struct class template typename using namespace public private operator new delete this "
    "true false try catch throw inline constexpr sizeof explicit noexcept enum union "
    "std first second begin end size data value real imag insert emplace push_back reset c_str string vector map "
    "min max abs swap sort read write send plain bare tell serve receive items kind text word"
)
_AFTER = "\n#undef main\n" + "".join(f"#undef {word}\n" for word in _WORDS.split()) + '#line 1 "tests.cpp"\n'
"""Macros such as `#define int long long` end with the program."""


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin, calls, and tests written in C++."""
    runs: Stdio | Calls
    args: tuple[str, ...]
    match work:
        case Stdio():
            source, runs, args = program.source, work, work.args
        case Calls():
            source, runs, args = _with_calls(program.source, work), work, ()
        case Snippets():
            source = _with_snippets(program.source, work)
            runs, args = Calls("", snippet_requests(len(work.snippets))), ()
        case Duet():
            raise refuse("C++", work)
    step = CompileStep(("g++", *FLAGS, "-s", "-o", "main", "main.cpp"), keep=("main",))
    return Plan(
        "cpp",
        runs,
        argv=(f"{JOB}/main", *args),
        files=(File("main.cpp", source.encode(errors="surrogatepass")), *own_files(program)),
        compile=step,
        tools=("g++",),
    )


def snippet_requests(count: int) -> tuple[bytes, ...]:
    """Return the arguments of calls that ask for one snippet each, by its number."""
    return tuple(str(number).encode() for number in range(count))


def without_main(source: str) -> str:
    """Rename the `main` that a program may bring along: it is not run where its functions are tested."""
    if "main" not in source:
        return source
    found = _HEAD.match(source)
    end = found.end() if found else 0
    line = source.count("\n", 0, end) + 1
    return f'{source[:end]}#define main vh_program_main\n#line {line} "main.cpp"\n{source[end:]}'


def _with_calls(source: str, work: Calls) -> str:
    target = _call_target(work.entry_point)
    counts = {positional("C++", arguments) for arguments in work.arguments}
    if max(counts, default=0) > MAX_ARGUMENTS:
        raise UnsupportedWork(f"A call of {max(counts)} arguments; at most {MAX_ARGUMENTS} can be given.")
    cases = "".join(_case(target, count) for count in sorted(counts))
    return (
        f"{without_main(source)}{_AFTER}#define VH_PLAIN\n{harness('values.hpp')}{harness('arguments.hpp')}"
        "int main() {\n"
        "    return vh_tests::serve([](const std::string &vh_request, std::string &vh_out) {\n"
        "        vh_tests::Json vh_json = vh_tests::Reader(vh_request).value().items.at(0);\n"
        "        auto vh_arg = [&](std::size_t i) { return vh_tests::Argument{&vh_json.items[i]}; };\n"
        f"        switch (vh_json.items.size()) {{\n{cases}        }}\n"
        "    });\n}\n"
    )


def _case(target: str, count: int) -> str:
    arguments = ", ".join(f"vh_arg({number})" for number in range(count))
    call = f"vh_tests::tell_result(vh_out, [&]() -> decltype(auto) {{ return {target}({arguments}); }})"
    return f"            case {count}: {call}; break;\n"


def _call_target(entry_point: str) -> str:
    found = _ENTRY_POINT.fullmatch(entry_point.strip())
    if not found:
        raise UnsupportedWork(f"The entry point {entry_point[:60]!r} names no C++ function (`name`, `Type.name`).")
    return f"{found['type']}().{found['name']}" if found["type"] else found["name"]


def _with_snippets(source: str, work: Snippets) -> str:
    functions = "".join(
        f"static void vh_snippet_{number}(std::string &vh_out) {{\n{snippet.code}\n;"
        f"vh_tests::tell(vh_out, {snippet.result});\n}}\n"
        for number, snippet in enumerate(work.snippets)
    )
    table = ", ".join(f"vh_snippet_{number}" for number in range(len(work.snippets)))
    return (
        f"{without_main(source)}\n{work.preamble}{_AFTER}{harness('values.hpp')}{functions}"
        f"static void (*const vh_snippets[])(std::string &) = {{{table}}};\n"
        "int main() {\n"
        "    return vh_tests::serve([](const std::string &vh_request, std::string &vh_out) {\n"
        "        vh_snippets[std::stoul(vh_request)](vh_out);\n"
        "    });\n}\n"
    )


LANGUAGE = Language(
    "cpp",
    plan,
    aliases=("c++", "cc", "cxx", "cpp17", "cpp20", "c++17", "c++14", "c++11", "c++20", "g++", "gnu c++"),
    calls=True,
    snippets=True,
    memory_signs=(b"std::bad_alloc",),
)
