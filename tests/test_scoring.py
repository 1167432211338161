"""The engine: one verdict a sample, in order, whatever the teacher does."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest
import toy_teachers
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.engine import WINDOW, Scorer
from verifiers.errors import OptionError, TeacherNotFound, UsageError, WorkerError
from verifiers.memo import MAX_CHARS, MAX_ENTRIES, Memo
from verifiers.scoring import ascore, score, score_groups, scorer_for
from verifiers.teacher import teacher
from verifiers.types import Sample, Status, Verdict

DOES = toy_teachers.Does
GOOD = toy_teachers.Good


def statuses(samples, *args, **kwargs):
    return [verdict.status.value for verdict in score(samples, *args, **kwargs)]


@pytest.mark.parametrize("worker", [False, True], ids=["quick", "worker"])
def test_score_when_mixed_then_one_verdict_each_in_order(worker):
    samples = [Sample(str(i % 7), reference=str(i % 3)) for i in range(50)]
    rewards = [verdict.reward for verdict in score(samples, GOOD, worker=worker)]
    assert rewards == [float(i % 7 == i % 3) for i in range(50)]


HARM = {
    "raise": ("failed", "ZeroDivisionError"),
    "nan": ("failed", "finite"),
    "word": ("failed", "str"),
    "extra": ("unavailable", "needs the package"),
}
WORKER_HARM = {
    **HARM,
    "hang": ("deadline_exceeded", "deadline of 0.5 s"),
    "exit": ("failed", "crashed"),
    "sys.exit": ("failed", "SystemExit"),
    "abort": ("failed", "crashed"),
    "memory": ("failed", "memory"),
    "object": ("failed", "cannot be sent"),
}


def test_teacher_when_it_has_no_judge_then_quick_judges_and_what_it_leaves_says_so():
    samples = [Sample("a", reference="a"), Sample("later", reference="a"), Sample("b", reference="a")]
    right, left, wrong = score(samples, toy_teachers.OnlyQuick)
    assert (right.reward, left.reward, wrong.reward) == (1.0, None, 0.0)
    assert "OnlyQuick has no `judge`" in left.reason
    assert [verdict.reward for verdict in toy_teachers.OnlyQuick.build().score([samples[0], samples[2]])] == [1.0, 0.0]


@pytest.mark.parametrize("completion", HARM)
def test_score_when_quick_fails_then_the_sample_alone_is_not_judged(completion):
    before, bad, after = score([("a", "a"), (completion, "x"), ("a", "b")], DOES)
    assert (before.reward, bad.reward, after.reward) == (1.0, None, 0.0)
    status, words = HARM[completion]
    assert bad.status == status
    assert words in bad.reason


@pytest.mark.parametrize("completion", WORKER_HARM)
def test_score_when_a_worker_fails_then_the_sample_alone_is_not_judged(completion):
    rows = [("a", "a"), (completion, "x"), ("a", "b")]
    before, bad, after = score(rows, DOES, worker=True, deadline_s=0.5, num_proc=2)
    assert (before.reward, bad.reward, after.reward) == (1.0, None, 0.0)
    status, words = WORKER_HARM[completion]
    assert bad.status == status
    assert words in bad.reason


def test_score_when_the_teacher_prints_then_nobody_sees_it(capfd):
    assert score([("print", "print")], DOES, worker=True)[0].reward == 1.0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("worker", [False, True], ids=["quick", "worker"])
def test_verdict_when_sent_then_comes_back_equal(worker):
    verdict = score([("parts", "x")], DOES, worker=worker)[0]
    assert verdict.answer == "\ud800"
    assert verdict.parts[0].details == {"n": 2**70}
    assert verdict.parts[0].weight == 2.0


class Array:
    def tolist(self):
        return [1, 2]


class Odd:
    __iter__ = None


REFERENCES = [
    (1, "1"),
    (True, "True"),
    (1.0, "1.0"),
    ("1", "'1'"),
    (None, "None"),
    (2**80, str(2**80)),
    ("\ud800", r"'\ud800'"),
    ((1, 2), "[1, 2]"),
    (Array(), "[1, 2]"),
    ({"b": {3}, "a": Array()}, "{'a': [1, 2], 'b': [3]}"),
]


@pytest.mark.parametrize("worker", [False, True], ids=["quick", "worker"])
def test_reference_when_of_any_kind_then_the_teacher_sees_json_and_kinds_stay_apart(worker):
    verdicts = score([("reference", reference) for reference, _ in REFERENCES], DOES, worker=worker)
    assert [verdict.reason for verdict in verdicts] == [wanted for _, wanted in REFERENCES]


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (Sample("a", reference=Odd()), "Odd"),
        (Sample(None), "None"),  # type: ignore[arg-type]
        (Sample(5), "int"),  # type: ignore[arg-type]
        ("text", "str"),
    ],
    ids=["reference", "no completion", "number", "no sample"],
)
def test_sample_when_not_json_then_bad_row_names_the_type(sample, words):
    for verdict in (Scorer(GOOD).score([sample])[0], Scorer(GOOD).quick(sample), *Scorer(GOOD).stream([sample])):
        assert verdict.status == "bad_row"
        assert words in verdict.reason


def test_sample_when_deeply_nested_then_bad_row():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert statuses([Sample("a", reference=deep)], GOOD) == ["bad_row"]


@pytest.mark.parametrize("how", ["score", "settle", "stream"])
def test_equal_samples_when_in_one_batch_then_judged_once(how):
    scorer = Scorer(DOES, options={"worker": True})
    verdicts = list(getattr(scorer, how)([Sample("random", prompt=str(i)) for i in range(20)]))
    assert len({verdict.reason for verdict in verdicts}) == 1
    assert scorer.quick(Sample("random")) is verdicts[0]
    assert scorer.score([Sample("random 2")])[0].reason != verdicts[0].reason


def test_failures_when_asked_again_then_judged_again():
    scorer = Scorer(DOES)
    assert scorer.score([Sample("raise")])[0] is not scorer.score([Sample("raise")])[0]


def test_memo_when_full_then_stays_bounded_and_keeps_what_is_used():
    memo, verdict = Memo(), Verdict(1.0, Status.CORRECT)
    for i in range(10 * MAX_ENTRIES):
        memo.put((str(i),), verdict)
        assert memo.get(("0",)) is verdict
    assert len(memo._young) + len(memo._old) <= 2 * MAX_ENTRIES
    memo.put(("x" * MAX_CHARS,), verdict)
    assert memo.get(("x" * MAX_CHARS,)) is None


def test_stream_when_endless_then_pulls_a_bounded_window():
    pulled = 0

    def endless():
        nonlocal pulled
        while True:
            pulled += 1
            yield Sample("hang" if pulled == 1 else "a", reference=str(pulled))

    stream = Scorer(DOES, options={"worker": True}, deadline_s=0.5).stream(endless())
    assert next(stream).status == "deadline_exceeded"
    assert pulled <= WINDOW
    assert next(stream).reward == 0.0
    stream.close()


def test_stream_when_slow_and_quick_then_in_input_order():
    samples = [Sample("parts" if i % 5 else "hang", reference=str(i)) for i in range(11)]
    scorer = Scorer(DOES, options={"worker": True}, deadline_s=0.1, num_proc=4)
    found = [verdict.status.value for verdict in scorer.stream(samples)]
    assert found == ["partial" if i % 5 else "deadline_exceeded" for i in range(11)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3) | st.none() | st.integers()), max_size=20))
def test_score_when_any_text_then_the_ways_agree(rows):
    samples = [Sample(completion, reference=reference) for completion, reference in rows]
    together = Scorer(GOOD).score(samples)
    streamed = list(Scorer(GOOD).stream(samples))
    alone = [Scorer(GOOD).quick(sample) for sample in samples]
    assert [v.reward for v in together] == [v.reward for v in streamed] == [v.reward for v in alone]


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (toy_teachers.Batch(), [1.0, 0.0]),
        (toy_teachers.Batch(extra=1), [None, None]),
        (toy_teachers.NotAList(), [None, None]),
        (toy_teachers.FlatRewards(), [0.25, 0.25]),
        (toy_teachers.plain, [0.5, 0.5]),
        (toy_teachers.Good.build(), [1.0, 0.0]),
        ("toy_teachers:plain", [0.5, 0.5]),
        (toy_teachers.__file__ + ":Good", [1.0, 0.0]),
        ("toy_teachers:Batch", [1.0, 0.0]),
    ],
    ids=["protocol", "wrong length", "no list", "floats", "function", "built", "dotted", "file", "class"],
)
def test_teacher_when_of_any_kind_then_scores_or_says_why(made, wanted):
    verdicts = score([("a", "a"), ("a", "b")], made)
    assert [verdict.reward for verdict in verdicts] == wanted
    assert all(verdict.reason for verdict in verdicts if verdict.reward is None)


def local(sample):
    return 1.0


@pytest.mark.parametrize(
    ("made", "options", "kind"),
    [
        (lambda sample: 1.0, {}, UsageError),
        (teacher(version="1")(lambda sample: 1.0), {}, UsageError),
        (object(), {}, UsageError),
        (toy_teachers.Batch(extra=lambda: 0), {}, UsageError),
        (toy_teachers.Batch(), {"a": 1}, UsageError),
        ("toy_teachers", {}, UsageError),
        ("nowhere", {}, TeacherNotFound),
        (GOOD, {"wrker": True}, OptionError),
        (GOOD, {"worker": "perhaps"}, OptionError),
    ],
    ids="lambda spec object unpicklable built several nowhere option value".split(),
)
def test_teacher_when_not_usable_then_usage_error(made, options, kind):
    with pytest.raises(kind):
        score([("a", "a")], made, options=options)


def test_bounded_teacher_when_no_worker_can_import_it_then_works_at_once():
    made = teacher(version="1", bounded=True)(lambda sample: sample.completion == "a")
    assert [verdict.reward for verdict in score([("a", None), ("b", None)], made)] == [1.0, 0.0]


def test_function_when_defined_in_the_script_then_told_to_use_a_file(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from verifiers import score\ndef f(sample): return 1.0\nscore([('a', 'a')], f)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert "Put it into a file" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("rows", ["text", {"completion": "a"}, Sample("a"), ["text"], [("a",)], [3]])
def test_samples_when_of_a_wrong_kind_then_usage_error(rows):
    with pytest.raises(UsageError, match="sample"):
        score(rows, GOOD)


def test_samples_when_mappings_then_columns_are_found_and_bad_ones_are_rows():
    rows = [{"response": "a", "ground_truth": "a"}, {"nothing": 1}, {"completion": "a", "answer": "b"}]
    verdicts = score(rows, GOOD)
    assert [verdict.reward for verdict in verdicts] == [1.0, None, 0.0]
    assert verdicts[1].status == "bad_row"


@pytest.mark.parametrize("arguments", [{"num_proc": 0}, {"deadline_s": 0}, {"deadline_s": float("inf")}])
def test_scorer_when_numbers_are_not_allowed_then_usage_error(arguments):
    with pytest.raises(UsageError, match=next(iter(arguments))):
        Scorer(GOOD, **arguments)


def test_workers_when_they_cannot_start_then_unavailable(monkeypatch):
    def broken(*args, **kwargs):
        raise WorkerError("no processes left")

    monkeypatch.setattr("verifiers.workers.pool.shared_pool", broken)
    verdicts = Scorer(GOOD, options={"worker": True}).score([Sample("a"), Sample("b")])
    assert [(verdict.status, verdict.reason) for verdict in verdicts] == [("unavailable", "no processes left")] * 2


def test_score_groups_when_nested_then_same_shape():
    verdicts = score_groups([[("a", "a"), ("b", "a")], [], [("c", "c")]], GOOD)
    assert [[verdict.reward for verdict in group] for group in verdicts] == [[1.0, 0.0], [], [1.0]]


def test_ascore_when_awaited_then_the_loop_goes_on():
    async def main():
        ticks = 0
        task = asyncio.create_task(ascore([("hang", "1"), ("a", "a")], DOES, worker=True, deadline_s=0.4))
        while not task.done():
            ticks += 1
            await asyncio.sleep(0.02)
        return ticks, task.result()

    ticks, verdicts = asyncio.run(main())
    assert ticks >= 3
    assert [verdict.reward for verdict in verdicts] == [None, 1.0]


def test_ascore_when_cancelled_then_what_has_not_begun_is_given_up():
    async def main():
        rows = [(f"hang {i}", "1") for i in range(40)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ascore(rows, DOES, worker=True, deadline_s=0.5, num_proc=1), 0.2)

    start_s = time.monotonic()
    asyncio.run(main())  # waits for its threads
    assert time.monotonic() - start_s < 10  # 40 deadlines would be 20 s


def test_scorer_when_used_by_threads_then_each_gets_its_own():
    scorer, found = Scorer(GOOD, options={"worker": True}), {}

    def work(name):
        found[name] = [v.reward for v in scorer.score([Sample(str(name), reference=str(i)) for i in range(8)])]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {name: [float(name == i) for i in range(8)] for name in range(8)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scorer_when_forked_then_works_in_parent_and_child():
    scorer = scorer_for(GOOD, {"worker": True}, 1)
    assert scorer.score([Sample("a", reference="a")])[0].reward == 1.0
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if score([("b", "b")], GOOD, worker=True, num_proc=1)[0].reward == 1.0 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert scorer.score([Sample("c", reference="a")])[0].reward == 0.0


def test_scorers_when_asked_for_again_then_the_same_until_the_file_changes(tmp_path):
    file = tmp_path / "mine.py"
    text = "from verifiers.teacher import teacher\n@teacher(version='1', bounded=True)\ndef mine(sample):\n    return "
    file.write_text(text + "0.0\n")
    assert scorer_for(str(file), {}) is scorer_for(str(file), {})
    assert score([("a", "a")], str(file))[0].reward == 0.0
    file.write_text(text + "1.0 \n")
    assert score([("a", "a")], str(file))[0].reward == 1.0


def test_import_when_scoring_quickly_then_nothing_heavy_is_loaded():
    code = (
        "import sys; from verifiers.scoring import score; import toy_teachers;"
        "assert score([('a', 'a')], toy_teachers.Good)[0].reward == 1.0;"
        "heavy = {'sympy', 'mpmath', 'rich', 'click', 'yaml', 'numpy', 'verifiers.workers.pool'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=os.path.dirname(__file__), timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr
