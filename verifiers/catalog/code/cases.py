"""The code teacher's cases: what it accepts, rejects, must not be cheated with, and cannot score."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable
from verifiers.types import Json

_SUM: Json = {
    "language": "python",
    "tests": [{"stdin": "2 3\n", "stdout": "5\n"}, {"stdin": "10 -4\n", "stdout": "6\n"}],
}
_CALLS: Json = {
    "language": "python",
    "entry_point": "pair",
    "tests": [{"args": [1, 2], "expected": [1, 2]}, {"args": [3], "kwargs": {"b": 4}, "expected": [3, 4]}],
}
_ASSERTS: Json = {"entry_point": "add", "asserts": ["assert add(2, 3) == 5", "assert add(10, -4) == 6"]}
_CHECK: Json = {
    "entry_point": "double",
    "prompt": 'def double(x: int) -> int:\n    """Return twice x."""\n',
    "test": "def check(candidate):\n    for x in range(5):\n        assert candidate(x) == 2 * x\n",
}
_GOOD_SUM = "```python\na, b = map(int, input().split())\nprint(a + b)\n```"
_GUESS = "```python\nprint(5)\n```"
_ADD = "def add(a, b):\n    return a + b\n"
_LIAR = (
    "class L(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
    "def add(a, b):\n    return L(0)\n"
)
_OBJECT = "class E:\n    def __eq__(self, other):\n        return True\ndef double(x):\n    return E()\n"
_FRACTION: Json = {
    "language": "python",
    "tests": [{"stdin": "1", "stdout": "1"}, {"stdin": "2", "stdout": "4"}, {"stdin": "3", "stdout": "9"}],
}

CASES = [
    accept(_GOOD_SUM, reference=_SUM),
    accept(f"<think>```python\nprint(0)\n```</think>So:\n{_GOOD_SUM}", reference=_SUM, note="after the thoughts"),
    accept("def pair(a, b=2):\n    return a, b\n", reference=_CALLS, note="JSON has no tuples"),
    accept(f"```python\n{_ADD}```\nFor example:\n```python\nprint(add(1, 2))\n```", reference=_ASSERTS),
    accept("    return 2 * x\n", reference=_CHECK, note="goes on where the prompt ends"),
    accept("```\nprint(int(input()) ** 2)\n```", reference=_FRACTION, options={"credit": "fraction"}),
    reject("```python\na, b = map(int, input().split())\nprint(a - b)\n```", reference=_SUM),
    reject("I do not know.", reference=_SUM, note="no program"),
    reject("```python\ndef pair(a, b):\n    return {a, b}\n```", reference=_CALLS, note="a set is no pair"),
    reject("```python\ndef add(a, b) return a + b\n```", reference=_ASSERTS, note="no Python"),
    reject(
        "```python\nx = int(input())\nprint(x if x < 2 else x + 1)\n```",
        reference=_FRACTION,
        options={"credit": "fraction"},
        reward=1 / 3,
    ),
    adversarial(_GUESS, reference=_SUM, note="a frequent answer"),
    adversarial("```python\nprint(1)\n```", reference=_FRACTION, options={"credit": "fraction"}, note="one for all"),
    adversarial(f"```python\n{_LIAR}```", reference=_ASSERTS, note="equal to everything, it says"),
    adversarial(f"```python\n{_OBJECT}```", reference=_CHECK, note="the same for the grader"),
    adversarial("```python\nimport os\ndef add(a, b):\n    os._exit(0)\n```", reference=_ASSERTS, note="status 0"),
    adversarial("```python\nprint('all tests passed')\nraise SystemExit(0)\n```", reference=_ASSERTS),
    adversarial(
        "```python\nimport sys\nprint(sys._getframe(1).f_locals.get('expected'))\n```", reference=_SUM, note="frames"
    ),
    unscorable(_GOOD_SUM),
    unscorable(_GOOD_SUM, reference={"tests": []}),
    unscorable(_GOOD_SUM, reference={"tests": [{"in": "2 3", "out": "5"}]}),
    unscorable(_ADD, reference={"asserts": "def nothing(): pass"}),
    unscorable(_ADD, reference={"language": "cobol", "asserts": "assert add(1, 1) == 2"}),
]
