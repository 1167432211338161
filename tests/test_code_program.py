"""Programs are found where models put them, and joined with what they continue."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.code.joining import code_prompt, continued
from verifiers.catalog.code.prelude import with_common_imports
from verifiers.catalog.code.program import NoProgram, TooLong, find_program
from verifiers.catalog.code.reference import read_task
from verifiers.hostile import HOSTILE
from verifiers.types import Sample

STDIO = read_task(Sample("", reference={"tests": [{"stdin": "", "stdout": "1"}]}))
CALLS = read_task(Sample("", reference={"asserts": "assert f(1) == 2"}))
HEAD = 'import math\n\ndef other(x):\n    return x\n\ndef f(x):\n    """Doc."""\n'


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        ("```python\nprint(1)\n```", "print(1)\n"),
        ("```py\nprint(1)\n```\nand\n```\n1\n```", "print(1)\n"),
        ("```python\nprint(0)\n```\nBetter:\n```python\nprint(1)\n```", "print(1)\n"),
        ("```python\nprint(1)\n```\nOutput:\n```text\n1\n```", "print(1)\n"),
        ("```python\nprint(1)\n```\nRun it:\n```bash\npython3 main.py\n```", "print(1)\n"),
        ("```\nprint(1)\n```", "print(1)\n"),
        ("1. Code:\n\n   ```python\n   if 1:\n       print(1)\n\n   ```\n2. Done", "if 1:\n    print(1)\n"),
        ("```python\nprint(1)", "print(1)"),
        ("~~~python\nprint(1)\n~~~", "print(1)\n"),
        ("<think>\n```python\nprint(0)\n```\n</think>\n```python\nprint(1)\n```", "print(1)\n"),
        ("thoughts</think>print(1)", "print(1)"),
        ("print(1)", "print(1)"),
        ("<answer>print(1)</answer>", "print(1)"),
        ("Here is the program:\nimport sys\nprint(1)", "import sys\nprint(1)"),
    ],
)
def test_find_program_when_a_completion_holds_one_then_it_is_found(completion, program):
    assert find_program(completion, STDIO, "python").source.strip() == program.strip()


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        ("```python\ndef f(x): return 2\n```\nUse:\n```python\nprint(f(1))\n```", "def f(x): return 2\n"),
        ("```python\ndef f(x): return 2\n```\nTest:\n```python\nassert f(1) == 2\n```", "def f(x): return 2\n"),
        ("```python\ndef f(x): return 1\n```\nNo:\n```python\ndef f(x): return 2\n```", "def f(x): return 2\n"),
        ("```python\nf = lambda x: 2\n```\n```python\nf(1)\n```", "f = lambda x: 2\n"),
        (
            "```python\nclass Solution:\n    def f(self, x): return 2\n```\n```python\nSolution().f(1)\n```",
            "class Solution:\n    def f(self, x): return 2\n",
        ),
    ],
)
def test_find_program_when_several_blocks_then_the_last_that_defines_the_entry_point(completion, program):
    assert find_program(completion, CALLS, "").source.strip() == program.strip()


@pytest.mark.parametrize(
    ("completion", "language"),
    [
        ("```cpp\nint main(){}\n```", "cpp"),
        ("```js\n1\n```", "javascript"),
        ("```\nprint(1)\n```", "python"),
        ("```cpp\nint main(){}\n```\nOutput:\n```\n5\n```", "cpp"),
    ],
)
def test_find_program_when_no_language_is_asked_then_the_fence_says(completion, language):
    assert find_program(completion, STDIO, "").language == language


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "  \n",
        "I do not know.",
        "<think>print(1)",
        "```text\nprint(1)\n```",
        "```cpp\nint main(){}\n```",
        "The answer is 5.",
    ],
)
def test_find_program_when_there_is_none_then_it_says_so(completion):
    with pytest.raises(NoProgram):
        find_program(completion, STDIO, "python")


def test_find_program_when_it_is_too_long_then_a_limit():
    with pytest.raises(TooLong):
        find_program("x = 1\n" * 200_000, STDIO, "python")


@pytest.mark.parametrize("completion", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("task", [STDIO, CALLS], ids=["stdio", "calls"])
def test_find_program_when_a_completion_is_hostile_then_a_program_or_none(completion, task):
    with suppress(NoProgram):
        assert find_program(completion, task, "python").source.encode()


@given(st.text(alphabet="`~\n abdef(x):<>/thinkpyo=", max_size=80))
def test_find_program_when_any_text_is_given_then_a_program_or_none(completion):
    with suppress(NoProgram):
        assert find_program(completion, CALLS, "").language == "python"


@pytest.mark.parametrize(
    "completion",
    [
        "    return math.floor(2 * other(x))\n",
        "return math.floor(2 * other(x))\n",
        "y = other(x)\n    return math.floor(2 * y)\n",
        "y = other(x)\nreturn math.floor(2 * y)\n",
        "if x:\n    y = 2 * x\nelse:\n    y = 0\nreturn y\n",
        "if x:\n        return 2 * x\n    return 0\n",
        "  return 2 * x\n",
        "def f(x):\n    return math.floor(2 * other(x))\n",
        "import math\ndef f(x):\n    return 2 * x\n",
        HEAD + "    return 2 * x\n",
        "    def f(x):\n        return 2 * x\n",
        "f = lambda x: 2 * x\n",
        "    def g(y):\n        return 2 * y\n    return g(x)\n",
        "    '''More.'''\n    return 2 * x\n\nprint('done')\n",
    ],
)
def test_continued_when_a_completion_goes_on_or_repeats_then_the_function_works(completion):
    scope: dict = {}
    exec(continued(code_prompt(HEAD, "f"), completion, "f"), scope)
    assert scope["f"](3) == 6


@pytest.mark.parametrize(
    ("prompt", "is_code"),
    [
        (HEAD, True),
        ("def f(x):\n", True),
        ("def f(x):\n\t'''Doc.'''\n", True),
        ("def f(x):\n    import math\n    '''Doc.'''\n", True),
        (f"Complete this:\n```python\n{HEAD}```", True),
        ("def f(x):\n    return 1\n", False),
        ("def g(x):\n", False),
        ("Write def f that doubles.", False),
        ("", False),
    ],
)
def test_code_prompt_when_a_prompt_ends_in_the_functions_head_then_it_is_one(prompt, is_code):
    assert bool(code_prompt(prompt, "f")) is is_code


def test_common_imports_when_a_program_lacks_them_then_one_line_has_them():
    source = "class Solution:\n    def f(self, x: List[int]) -> int:\n        return math.gcd(*x) + len(Counter(x))\n"
    first, rest = with_common_imports(source).split("\n", 1)
    assert first == "from collections import Counter; from typing import List; import math"
    assert rest == source
    assert with_common_imports("print(1)\n") == "print(1)\n"
    assert with_common_imports("from __future__ import annotations\nx: List\n").startswith("from __future__")
