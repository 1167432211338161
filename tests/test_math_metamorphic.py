"""Verdicts that must not change when the writing or the surroundings do, and must change when the value does."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import pytest
from cases.math_trees import RENDERINGS, Tree, exact, latex, numeric, perturbed, plain, rational_trees, value_trees
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from verifiers import Sample, Verdict, ascore, score
from verifiers.registry import find
from verifiers.teacher import BaseTeacher

POINTS: list[dict[str, Fraction]] = [
    {"x": Fraction(2, 3), "y": Fraction(-7, 5)},
    {"x": Fraction(-11, 4), "y": Fraction(13, 6)},
    {"x": Fraction(5, 7), "y": Fraction(1, 9)},
]
BUSY_S = 20
"""Seconds after which the busy processes end by themselves."""

bounded = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def judged(answer: str, reference: str) -> Verdict:
    """Judge a boxed answer in this process, in the slow way too if the fast path passes it on."""
    teacher = find("math").build()
    assert isinstance(teacher, BaseTeacher)
    sample = Sample(f"The answer is $\\boxed{{{answer}}}$.", reference=reference)
    return teacher.quick(sample) or teacher.judge(sample)


def _assume_real(tree: Tree) -> None:
    for point in POINTS:
        try:
            numeric(tree, {name: abs(float(value)) for name, value in point.items()})
        except ValueError:
            assume(False)


@bounded
@given(value_trees(), st.sampled_from(sorted(RENDERINGS)), st.sampled_from(sorted(RENDERINGS)))
def test_number_in_two_renderings_is_equal(tree: Tree, first: str, second: str) -> None:
    _assume_real(tree)
    answer, reference = RENDERINGS[first](tree), RENDERINGS[second](tree)

    verdict = judged(answer, reference)

    assert verdict.reward == 1.0, (answer, reference, verdict.reason)


@bounded
@given(value_trees(("x", "y")), st.sampled_from(sorted(RENDERINGS)), st.sampled_from(sorted(RENDERINGS)))
def test_expression_in_two_renderings_is_equal(tree: Tree, first: str, second: str) -> None:
    _assume_real(tree)
    answer, reference = RENDERINGS[first](tree), RENDERINGS[second](tree)

    verdict = judged(answer, reference)

    assert verdict.reward == 1.0, (answer, reference, verdict.reason)


@bounded
@given(rational_trees())
def test_rational_worked_out_is_equal(tree: Tree) -> None:
    value = exact(tree, {})
    assume(value is not None and value.denominator < 10**9 and abs(value.numerator) < 10**12)
    assert value is not None
    reference = f"{value.numerator}/{value.denominator}" if value.denominator > 1 else str(value.numerator)

    verdict = judged(latex(tree), reference)

    assert verdict.reward == 1.0, (latex(tree), reference, verdict.reason)


@bounded
@given(rational_trees(("x", "y")), st.data())
def test_perturbed_expression_is_wrong(tree: Tree, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(list(perturbed(tree))))
    values = [(exact(tree, point), exact(other, point)) for point in POINTS]
    assume(all(a is not None and b is not None for a, b in values))
    assume(any(a != b for a, b in values))

    verdict = judged(latex(other), plain(tree))

    assert verdict.reward == 0.0, (latex(other), plain(tree), verdict.reason)


@bounded
@given(value_trees(), value_trees())
def test_comparison_of_numbers_is_symmetric(first: Tree, second: Tree) -> None:
    _assume_real(first)
    _assume_real(second)

    forth, back = judged(latex(first), latex(second)), judged(latex(second), latex(first))

    assert forth.reward == back.reward, (latex(first), latex(second), forth.reason, back.reason)


PAIRS = [
    ("7", "7"),
    ("7", "8"),
    ("\\frac{1}{2}", "0.5"),
    ("2\\sqrt{2}", "\\sqrt{8}"),
    ("\\pi", "3.14"),
    ("x^2+2x+1", "(x+1)^2"),
    ("x^2+2x+2", "(x+1)^2"),
    ("\\{2,1\\}", "\\{1,2\\}"),
    ("(2,1)", "(1,2)"),
    ("x>2", "(2,\\infty)"),
    ("[2,5]", "(2,5]"),
    ("2:3", "4:6"),
    ("\\sin 2x", "2\\sin x\\cos x"),
    ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
    ("10^{30}+1", "10^{30}"),
    ("9^{9^{9^9}}", "1"),
    ("\\int_0^1 x^2\\,dx", "\\frac{1}{3}"),
    ("\\int_0^{\\pi} \\sin x\\,dx", "2"),
    ("\\int_0^1 x^2\\,dx", "\\frac{1}{4}"),
    ("\\lim_{x\\to 0}\\frac{\\sin x}{x}", "1"),
    ("\\sum_{k=0}^{\\infty}\\frac{1}{2^k}", "2"),
    ("x^{1000}-1", "x^{1000}"),
    ("\\text{yes}", "yes"),
    ("", "5"),
    ("5", "\\frac{"),
]
"""Answers and references of every tier, from plain text to sympy's, right and wrong."""

Told = list[tuple[float | None, str, str | None]]


def samples() -> list[Sample]:
    return [Sample(f"So $\\boxed{{{answer}}}$", reference=reference) for answer, reference in PAIRS]


def told(verdicts: list[Verdict]) -> Told:
    return [(verdict.reward, str(verdict.status), verdict.answer) for verdict in verdicts]


def everything() -> Told:
    """Judge all pairs; module-level, so that other processes can be sent here."""
    return told(score(samples(), "math"))


@pytest.fixture(scope="module")
def expected() -> Told:
    return everything()


MIRRORED = [(i, pair) for i, pair in enumerate(PAIRS) if pair[0] and pair[1] != "\\frac{"]
"""Pairs whose answer could as well be the reference."""


@pytest.mark.parametrize(("number", "pair"), MIRRORED)
def test_pair_and_its_mirror_agree(number: int, pair: tuple[str, str], expected: Told) -> None:
    answer, reference = pair
    mirrored = judged(reference, answer)
    if expected[number][1] == "limit_exceeded":  # past the bounds it is no reference either
        assert (mirrored.reward, mirrored.status) == (None, "bad_reference")
    else:
        assert mirrored.reward == expected[number][0]


def _in_thread() -> Told:
    found: list[Told] = []
    thread = threading.Thread(target=lambda: found.append(everything()))
    thread.start()
    thread.join()
    return found[0]


def _in_asyncio() -> Told:
    return told(asyncio.run(ascore(samples(), "math")))


def _inside_running_loop() -> Told:
    async def caller() -> Told:
        return everything()

    return asyncio.run(caller())


def _in_process_pool() -> Told:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(everything).result()


def _one_by_one() -> Told:
    return told([verdict for sample in samples() for verdict in score([sample], "math")])


def _backwards() -> Told:
    return told(score(samples()[::-1], "math"))[::-1]


def _in_kernel() -> Told:
    """A notebook's kernel: `__main__` has no file, cells are executed as text."""
    cell = "from test_math_metamorphic import everything; found = everything()"
    code = (
        f"import json, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); cells = {{'__name__': '__main__'}}; "
        f"exec({cell!r}, cells); print(json.dumps(cells['found']))"
    )
    done = subprocess.run([sys.executable, "-"], input=code, text=True, capture_output=True, check=True)
    return [tuple(each) for each in json.loads(done.stdout)]


def _after_fork() -> Told:
    everything()  # the parent has workers, which the fork must not use
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(everything).result()


@contextmanager
def _busy_machine() -> Iterator[None]:
    loop = f"import time\nend = time.time() + {BUSY_S}\nwhile time.time() < end: pass"
    busy = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(3)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _under_load() -> Told:
    with _busy_machine():
        return everything()


@pytest.mark.parametrize(
    "run",
    [
        *(_in_thread, _in_asyncio, _inside_running_loop, _in_process_pool, _after_fork, _in_kernel),
        *(_one_by_one, _backwards, _under_load),
    ],
)
def test_verdicts_elsewhere_are_the_same(run: Callable[[], Told], expected: Told) -> None:
    assert run() == expected


class Actor:
    """Of Ray: methods run in a thread of the actor's process."""

    def everything(self) -> Told:
        return everything()


class AsyncActor:
    """Of Ray: methods run in an event loop."""

    async def everything(self) -> Told:
        return told(await ascore(samples(), "math"))


@pytest.mark.ray
def test_verdicts_in_ray_are_the_same(expected: Told) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    # Ray's workers import this module by name.
    here = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, runtime_env=here)
    try:
        assert ray.get(ray.remote(everything).remote()) == expected
        for kind in (Actor, AsyncActor):
            actor = ray.remote(kind).options(num_cpus=0).remote()
            assert ray.get(actor.everything.remote()) == expected
    finally:
        ray.shutdown()
