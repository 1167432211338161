"""The format teacher's cases: good forms, broken forms, hollow forms, and a row that names no known form."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable

GOOD = "<think>\nTwo apples and two more make 2 + 2 = 4 apples.\n</think>\n<answer>\n4\n</answer>"
REACT = 'Thought: I should look up the height of Everest.\nAction: search\nAction Input: {"query": "Everest height"}'

CASES = [
    accept(GOOD),
    accept(GOOD + "\n", note="a newline at the end"),
    accept("<think>二加二等于四，所以答案是四。</think><answer>四</answer>"),
    accept("2 + 2 is 4.</think><answer>4</answer>", prompt="What is 2 + 2?\n<think>\n", note="opened by the prompt"),
    accept("<think>Paris is the capital of France.</think>Paris", options={"tags": ["think"]}),
    accept("<plan>Add 17 and 25.</plan><final>42</final>", options={"tags": ["plan", "final"]}),
    accept("Adding 17 and 25 gives $\\boxed{42}$.", options={"preset": "boxed"}),
    accept('{"city": "Paris", "found": true}', options={"preset": "json"}),
    accept("Here it is:\n```python\nprint(6 * 7)\n```", options={"preset": "code", "language": "python"}),
    accept(REACT, options={"preset": "react"}),
    accept("<think>\n\n</think><answer>4</answer>", options={"min_words": 0}, note="thinking switched off"),
    accept('{"a": 1}', meta={"form": "json"}, options={"column": "form"}),
    reject(""),
    reject("4"),
    reject("<answer>4</answer><think>Two and two make four.</think>", note="wrong order"),
    reject("Sure!\n" + GOOD, note="text before"),
    reject(GOOD + "\nI hope that helps.", note="text after"),
    reject("<think>Two and two make four.<answer>4</answer>", note="never closed"),
    reject('```json\n{"a": 1}\n```', options={"preset": "json"}),
    adversarial("<think></think><answer>4</answer>", note="empty"),
    adversarial("<think>\u200b\u200b\u200b</think><answer>4</answer>", note="zero-width"),
    adversarial("<think>Let me think step by step.</think><answer>4</answer>", note="filler"),
    adversarial("<think>reasoning process here</think><answer>answer here</answer>", note="template echo"),
    adversarial("<think>" + "wait, let me check. " * 400 + "</think><answer>4</answer>", note="a loop"),
    adversarial("<think>Two and two make four. <answer>4</answer></think><answer>4</answer>", note="nested"),
    adversarial("<think>Two and two make four.</think><answer>\\boxed{}</answer>", note="an empty box"),
    adversarial("<think x='1'>Two and two make four.</think><answer>4</answer>", note="attributes"),
    adversarial("Thought:\nAction:\nAction Input:", options={"preset": "react"}, note="labels only"),
    unscorable(GOOD, meta={"form": "sonnet"}, options={"column": "form"}, note="an unknown preset"),
]
