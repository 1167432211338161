"""The suite: outcomes, limits, large data, order of things, and each language's first program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sandbox.conformance.case import SHORT, Case, Judge, ends, only, program, says, work
from sandbox.conformance.walls import walls
from sandbox.types import MIB, Calls, Duet, JobReport, Limits, Outcome, Stdio

SLEEPY = Limits(cpu_s=0.3)
"""The wall clock's backstop is then below two seconds."""
LARGE_OUTPUT = 300_000
LARGE_INPUT = 10_000_000
ANSWER = b"42"

HELLO = {
    "python": "print(int(input()) * 2)",
    "c": '#include <stdio.h>\nint main(void) { int n; scanf("%d", &n); printf("%d\\n", n * 2); return 0; }',
    "cpp": "#include <bits/stdc++.h>\nint main() { int n; std::cin >> n; std::cout << n * 2 << std::endl; }",
    "javascript": "console.log(Number(require('fs').readFileSync(0, 'utf8')) * 2)",
    "typescript": "declare var require: any;\nconst n: number = Number(require('fs').readFileSync(0, 'utf8'));\n"
    "console.log(n * 2);",
    "java": "import java.util.*;\npublic class Main { public static void main(String[] a) "
    "{ System.out.println(new Scanner(System.in).nextInt() * 2); } }",
    "go": 'package main\nimport "fmt"\nfunc main() { var n int; fmt.Scan(&n); fmt.Println(n * 2) }',
    "rust": "use std::io::*;\nfn main() { let mut s = String::new(); stdin().read_to_string(&mut s).unwrap();\n"
    'println!("{}", s.trim().parse::<i32>().unwrap() * 2); }',
    "bash": "read n; echo $((n * 2))",
}
SURROUNDINGS = """
import locale, os, sys, time
print(hash('a'), time.tzname[0], sys.getdefaultencoding(), sys.stdout.encoding, os.environ['OMP_NUM_THREADS'])
"""
POOL = """
import multiprocessing
def double(number):
    return number * 2
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(double, [1, 20])))
"""
SPAWN = POOL.replace("    with", "    multiprocessing.set_start_method('spawn')\n    with")
OWN_SOURCE = "import sys\nprint(open(__file__).read() == open(sys.argv[0]).read() and 42)"
LATE_OUTPUT = {
    "stdout put aside": "import io, sys\nprint(42, end='')\nsys.stdout = io.StringIO()\nprint(7)",
    "a file left open": "file = open('/dev/stdout', 'w')\nfile.write('42')",
    "the last object's end": "class Last:\n    def __del__(self):\n        print(42)\nlast = Last()",
}
DEEPER_STACK = "import resource as r\nr.setrlimit(r.RLIMIT_STACK, (r.RLIM_INFINITY, r.RLIM_INFINITY))\nprint(42)"
GRADER = "def twice(f, x):\n    return f(f(x))\n"


def cases() -> Iterator[Case]:
    """Yield every case; those of `walls` have a backend with walls to themselves."""
    yield from _outcomes()
    yield from _large()
    yield from _work()
    yield from walls()
    for language, source in HELLO.items():
        limits = Limits(cpu_s=10.0)
        yield Case(f"{language}: first program", program(source, b"21\n", limits, language), says(ANSWER))


def _outcomes() -> Iterator[Case]:
    yield Case("ok", program("print(6 * 7)"), says(ANSWER))
    yield Case("exit status", program("raise SystemExit(3)"), _exit_code(3))
    yield Case("exception", program("1 / 0"), ends(Outcome.RUNTIME_ERROR))
    yield Case("signal", program("import os; os.abort()"), ends(Outcome.RUNTIME_ERROR))
    yield Case("busy loop", program("while True: pass"), ends(Outcome.TIME_LIMIT))
    yield Case("sleep", program("import time; time.sleep(60)", limits=SLEEPY), ends(Outcome.TIME_LIMIT))
    yield Case("memory", program("x = bytearray(8 << 30)"), ends(Outcome.MEMORY_LIMIT))
    yield Case("output", program(f"print('x' * {40 * MIB})"), ends(Outcome.OUTPUT_LIMIT))
    yield Case("compile error", program("int main( {", language="c"), ends(Outcome.COMPILE_ERROR))


def _large() -> Iterator[Case]:
    yield Case("300 KB of output", program(f"print('x' * {LARGE_OUTPUT})"), says(b"x" * LARGE_OUTPUT))
    job = program("print(len(input()))", b"9" * LARGE_INPUT, replace(SHORT, cpu_s=3.0))
    yield Case("10 MB of stdin", job, says(str(LARGE_INPUT).encode()))


def _work() -> Iterator[Case]:
    yield Case("many inputs", work("print(int(input()) * 2)", Stdio((b"1", b"x", b"3"))), _many_inputs)
    stopping = replace(work("print(int(input()) * 2)", Stdio((b"1", b"x", b"3"))), stop_early=True)
    yield Case("early stop", stopping, _two_runs)
    calls = Calls("add", (b'[[2,3],{"d":[]}]', b'[["a"],{"d":[]}]', b'[[],{"d":[["a",1],["b",2]]}]'))
    yield Case("calls", work("def add(a, b):\n    return a + b", calls), _calls)
    duet = Duet(GRADER, ("assert twice(inc, 1) == 3", "assert inc(1) == 3"), ("inc",))
    yield Case("a grader of its own", work("def inc(x):\n    return x + 1", duet), _duet)
    for name, source in (("a pool of processes", POOL), ("a pool of new interpreters", SPAWN)):
        yield Case(name, program(source, limits=Limits()), says(ANSWER))
    yield Case("own source", program(OWN_SOURCE), says(ANSWER))
    yield Case("a deeper stack", program(DEEPER_STACK), says(ANSWER))
    for name, source in LATE_OUTPUT.items():
        yield Case(f"output at the end: {name}", program(source), says(ANSWER))
    yield Case("same surroundings", work(SURROUNDINGS, Stdio((b"", b""))), _surroundings)


def _exit_code(code: int) -> Judge:
    def judge(report: JobReport) -> str:
        wrong = only(report, Outcome.RUNTIME_ERROR)
        found = None if wrong else report.runs[0].exit_code
        return wrong or ("" if found == code else f"exit status {code} was expected, {found} came")

    return judge


def _many_inputs(report: JobReport) -> str:
    found = [(run.outcome.value, run.stdout) for run in report.runs]
    expected = [("ok", b"2\n"), ("runtime_error", b""), ("ok", b"6\n")]
    return "" if found == expected else f"{expected} was expected, {found} came"


def _two_runs(report: JobReport) -> str:
    return "" if len(report.runs) == 2 else f"2 runs were expected, {len(report.runs)} reported"


def _calls(report: JobReport) -> str:
    found = [(run.outcome.value, run.value) for run in report.runs]
    expected = [("ok", b"5"), ("runtime_error", b""), ("ok", b"3")]
    return "" if found == expected else f"{expected} was expected, {found} came"


def _duet(report: JobReport) -> str:
    found = [(run.outcome.value, run.origin) for run in report.runs]
    expected = [("ok", ""), ("runtime_error", "check")]
    return "" if found == expected else f"{expected} was expected, {found} came"


def _surroundings(report: JobReport) -> str:
    if len(report.runs) != 2 or report.runs[0].stdout != report.runs[1].stdout:
        return f"two runs differ: {[run.stdout for run in report.runs]}"
    words = report.runs[0].stdout.split()[1:]
    expected = [b"UTC", b"utf-8", b"utf-8", b"1"]
    return "" if words == expected else f"{expected} was expected, {words} came"
