from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import sandbox_hostile
from sandbox_driver import LIMITS, Box, can

SITUATIONS = [
    pytest.param("local"),
    pytest.param("single", marks=pytest.mark.bwrap),
    pytest.param("uid", marks=pytest.mark.docker),
    pytest.param("strict", marks=pytest.mark.docker),
]
ISOLATED = SITUATIONS[1:]
ADD = "def add(a, b): return a + b"
FORKED_RANDOM = """
import os, random
r, w = os.pipe()
if not os.fork():
    os.write(w, str(random.random()).encode()); os._exit(0)
os.wait()
print(os.read(r, 99) != str(random.random()).encode())
"""
EARLY_ANSWERS = """
import os
for fd in range(99):
    try: os.write(fd, b"\\0\\0\\0\\2v5" * 9)
    except OSError: pass
def add(a, b): return 0
"""
TWO_THREE = '[[2,3],{"d":[]}]'


@pytest.fixture(scope="module")
def boxes() -> Iterator[dict[str, Box]]:
    made: dict[str, Box] = {}
    yield made
    for box in made.values():
        box.close()


@pytest.fixture
def box(request: pytest.FixtureRequest, boxes: dict[str, Box]) -> Box:
    situation = request.param
    if situation not in boxes:
        reason = can(situation)
        if reason and "CI" in os.environ:
            pytest.fail(reason)
        if reason:
            pytest.skip(reason)
        boxes[situation] = Box(situation)
    return boxes[situation]


everywhere = pytest.mark.parametrize("box", SITUATIONS, indirect=True)
isolated = pytest.mark.parametrize("box", ISOLATED, indirect=True)


def one(box: Box, source: str, stdin: bytes = b"", **fields: Any) -> dict[str, Any]:
    return box.do(box.python(source, [stdin], **fields))[0][0]


@everywhere
@pytest.mark.parametrize(
    ("source", "outcome", "stdout", "code"),
    [
        ("print(sum(map(int, input().split())))", "ok", b"5\n", 0),
        ("import sys; sys.stdout.write(sys.stdin.read())", "ok", b"2 3\n", 0),
        ("import sys; print(sys.stdin.buffer.read())", "ok", b"b'2 3\\n'\n", 0),
        ("print(open(0, closefd=False).read(), open('/proc/self/fd/0').read())", "ok", b"2 3\n 2 3\n\n", 0),
        ("import sys; print(__name__, sys.argv)", "ok", b"__main__ ['main.py']\n", 0),
        ("import sys; print('x'); sys.exit(3)", "runtime_error", b"x\n", 3),
        ("import sys; sys.exit('why')", "runtime_error", b"", 1),
        ("print('x'); 1 / 0", "runtime_error", b"x\n", 1),
        ("def f(:", "runtime_error", b"", 1),
        ("import os; os.write(1, b'y'); os._exit(0)", "ok", b"y", 0),
        ("import os; os.abort()", "runtime_error", b"", None),
        ("import atexit; atexit.register(print, 'late')", "ok", b"late\n", 0),
        ("import threading, time\nthreading.Timer(.01, print, 't').start()", "ok", b"t\n", 0),
        ("import random; a = random.random(); random.seed(0); print(a == random.random())", "ok", b"True\n", 0),
        (FORKED_RANDOM, "ok", b"True\n", 0),
        ("import inspect\ndef f():\n  return 1\nprint(inspect.getsource(f))", "ok", b"def f():\n  return 1\n\n", 0),
        ("import os; print(os.listdir('.'), hash('a') == hash('a'), os.environ['TZ'])", "ok", b"[] True UTC\n", 0),
        ("import box, frames", "runtime_error", b"", 1),
        ("x = bytearray(8 << 30)", "memory_limit", b"", 1),
        ("while True: print('x' * 10000)", "output_limit", None, None),
    ],
)  # fmt: skip
def test_python_when_run_ends_as_the_interpreter_would(
    box: Box, source: str, outcome: str, stdout: bytes | None, code: int | None
) -> None:
    report = one(box, source, b"2 3\n")
    assert report["outcome"] == outcome, report
    assert stdout is None or report["stdout"] == stdout
    assert code is None or report["exit_code"] == code


@everywhere
def test_python_when_it_fails_tells_where_without_our_frames(box: Box) -> None:
    report = one(box, "def f():\n    raise KeyError('k')\nf()")
    assert (
        report["stderr"].decode().split()
        == (
            'Traceback (most recent call last): File "main.py", line 3, in <module> File "main.py", line 2, in f '
            "KeyError: 'k'"
        ).split()
    )


@everywhere
@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(60)"], ids=["busy", "asleep"])
def test_python_when_its_time_is_up_is_ended(box: Box, source: str) -> None:
    report = one(box, source, limits={"cpu_s": 0.2, "wall_s": 0.8})
    assert report["outcome"] == "time_limit"


@everywhere
def test_many_bytes_in_and_out_pass_whole(box: Box) -> None:
    data = b"9" * 10_000_000
    report = one(box, "import sys; sys.stdout.write(sys.stdin.read())", data)
    assert report["outcome"] == "ok"
    assert report["stdout"] == data


@everywhere
def test_runs_of_a_job_each_find_a_clean_folder_with_the_jobs_files(box: Box) -> None:
    source = "import os, mine\nprint(sorted(os.listdir('.')), mine.X)\nopen('left', 'w'); os.remove('mine.py')"
    files = [{"name": "mine.py", "blob": 3, "place": "work"}, {"name": "data/x", "blob": 4, "place": "work"}]
    launch = {"kind": "python", "source": 0, "files": files}
    work = {"kind": "stdio", "stdins": [1, 2]}
    reports = box.do(box.job(launch, work, [source.encode(), b"", b"", b"X = 7", b"x"]))[0]
    assert [report["stdout"] for report in reports] == [b"['data', 'mine.py'] 7\n"] * 2
    assert one(box, "import os; print(os.listdir('.'))")["stdout"] == b"[]\n"


@everywhere
def test_stop_early_ends_a_job_at_the_first_failure(box: Box) -> None:
    source = "print(1 / int(input()))"
    reports = box.do(box.python(source, [b"1", b"0", b"1"], stop_early=True))[0]
    assert [report["outcome"] for report in reports] == ["ok", "runtime_error"]


@everywhere
def test_cancel_ends_a_running_and_a_queued_job(box: Box) -> None:
    from sandbox.box import frames

    jobs = [box.python("while True: pass"), box.python("print(1)", [b""] * 3), box.python("print(2)")]
    box.write(b"".join(jobs))
    last = box._last
    box.write(frames.encode({"op": "cancel", "id": last - 2}) + frames.encode({"op": "cancel", "id": last - 1}))
    first, second, third = box.results(3)
    assert (first, second, [report["stdout"] for report in third]) == ([], [], [b"2\n"])


@everywhere
def test_exec_without_its_tool_is_a_failure_of_ours(box: Box) -> None:
    job = box.job({"kind": "exec", "argv": ["no-such-tool"]}, {"kind": "stdio", "stdins": [0]}, [b""])
    with pytest.raises(RuntimeError, match="no-such-tool"):
        box.do(job)


@everywhere
def test_compile_makes_what_runs_use_and_sends_back_what_is_kept(box: Box) -> None:
    step = {"argv": ["python3", "make.py"], "limits": LIMITS, "keep": ["made", "none"]}
    launch = {
        "kind": "exec", "argv": ["python3", "@JOB@/made"], "compile": step, "files": [{"name": "make.py", "blob": 0}],
    }  # fmt: skip
    work = {"kind": "stdio", "stdins": [1, 1]}
    compiled, *reports = box.do(box.job(launch, work, [b"open('made', 'w').write('print(4)')", b""]))[0]
    assert compiled["files"] == {"made": b"print(4)"}
    assert [report["stdout"] for report in reports] == [b"4\n"] * 2
    (failed,) = box.do(box.job(launch, work, [b"import sys; sys.exit('no')", b""]))[0]
    assert (failed["outcome"], failed["stderr"]) == ("compile_error", b"no\n")


@everywhere
def test_run_that_changes_its_own_program_does_not_change_later_runs(box: Box) -> None:
    source = (
        b"import os\ntry: open(os.environ['BOX_JOB'] + '/m.py', 'w').write('print(9)')\nexcept OSError: pass\nprint(1)"
    )
    launch = {"kind": "exec", "argv": ["python3", "@JOB@/m.py"], "files": [{"name": "m.py", "blob": 0}]}
    first, second = box.do(box.job(launch, {"kind": "stdio", "stdins": [1, 1]}, [source, b""]))[0]
    assert first["stdout"] == b"1\n"
    assert second["outcome"] == "runtime_error" or second["stdout"] == b"1\n"


@everywhere
@pytest.mark.parametrize(
    ("source", "results"),
    [
        (ADD, [b"5", b"5"]),
        ("def add(a, b): return [(a, b), {a: b}]", [b'[{"t":[2,3]},{"d":[[2,3]]}]'] * 2),
        ("class S:\n  def add(self, a, b): return a + b\nadd = S().add", [b"5"] * 2),
        ("def add(a, b): raise ValueError(a)", ["ValueError: 2"] * 2),
        ("def add(a, b): raise SystemExit(0)", ["SystemExit: 0"] * 2),
        ("def other(): pass", ["NameError: name 'add' is not defined"] * 2),
        ("import os\ndef add(a, b): os._exit(0)", [""] * 2),
        ("import os; os._exit(0)", [""] * 2),
        ("raise SystemExit", [""] * 2),
        ("1 / 0", [""] * 2),
        (EARLY_ANSWERS, None),
        ("import os\nos.write(3, b'\\xff' * 4)\ndef add(a, b): return 5", None),
        ("def add(a, b):\n  print('noise' * 1000)\n  return a + b", [b"5"] * 2),
    ],
)  # fmt: skip
def test_calls_tell_values_and_errors(box: Box, source: str, results: list[Any] | None) -> None:
    reports = box.do(box.calls(source, "add", [TWO_THREE, TWO_THREE]))[0]
    assert len(reports) == 2
    if results is not None:
        assert [r["value"] if r["outcome"] == "ok" else r.get("error", "") for r in reports] == results
    assert one(box, "print(6)")["stdout"] == b"6\n"


@everywhere
def test_calls_when_one_hangs_still_make_the_others(box: Box) -> None:
    source = "def add(a, b):\n  while a == 0: pass\n  return a + b"
    calls = [TWO_THREE, '[[0,1],{"d":[]}]', '[[1,1],{"d":[]}]']
    reports = box.do(box.calls(source, "add", calls, limits={"cpu_s": 0.2, "wall_s": 1.0}))[0]
    assert [r["outcome"] for r in reports] == ["ok", "time_limit", "ok"]
    assert [r["value"] for r in reports] == [b"5", b"", b"2"]


@everywhere
def test_calls_when_an_answer_is_too_long_are_over(box: Box) -> None:
    report = box.do(box.calls("def add(a, b): return 'x' * 10**7", "add", [TWO_THREE], limits={"output_bytes": 10**6}))[
        0
    ][0]
    assert report["outcome"] == "output_limit"


@pytest.mark.parametrize("box", SITUATIONS[2:], indirect=True)
def test_memory_of_a_whole_tree_when_the_kernel_ends_it_is_a_memory_limit(box: Box) -> None:
    limits = {"memory_bytes": 8 << 30, "cpu_s": 20.0, "wall_s": 60.0}
    for source in (sandbox_hostile.FORKED_MEMORY, "x = [bytearray(b'x' * (1 << 26)) for _ in range(60)]"):
        assert one(box, source, limits=limits)["outcome"] == "memory_limit"
        assert one(box, sandbox_hostile.PROBE, b"2 3\n")["stdout"].endswith(b" [] [] 5\n")


@isolated
@pytest.mark.parametrize("name", sandbox_hostile.CASES)
def test_hostile_program_when_over_has_left_the_box_as_it_was(box: Box, name: str) -> None:
    source, outcomes = sandbox_hostile.CASES[name]
    before = one(box, sandbox_hostile.PROBE, b"2 3\n")
    report = one(box, source, limits={"cpu_s": 1.0, "wall_s": 3.0})
    after = one(box, sandbox_hostile.PROBE, b"2 3\n")
    assert report["outcome"] in outcomes, report
    assert before["stdout"] == after["stdout"]
    assert after["stdout"].endswith(b" [] [] 5\n")
