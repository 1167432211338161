"""The tool_call teacher's cases: what it accepts, rejects, must not be cheated with, and cannot score."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable
from verifiers.types import Json

_ADD: Json = [{"name": "add", "arguments": {"a": 1, "b": 2}}]
_WEATHER: Json = {
    "calls": [{"weather": {"city": ["Paris", "Paris, France"], "unit": ["celsius", ""]}}],
    "functions": [
        {
            "name": "weather",
            "parameters": {
                "type": "dict",
                "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
                "required": ["city"],
            },
        }
    ],
}
_TWO: Json = [{"name": "f", "arguments": {"x": 1}}, {"name": "f", "arguments": {"x": 2}}]

CASES = [
    accept('<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>', reference=_ADD),
    accept("[weather(city='paris', unit='Celsius')]", reference=_WEATHER),
    accept('{"name": "add", "parameters": {"b": 2, "a": 1}}', reference=_ADD, note="Llama-3"),
    accept('<|python_tag|>{"name": "add", "parameters": {"b": 2, "a": 1}}<|eom_id|>', reference=_ADD),
    accept(
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}],
            }
        ],
        reference=_ADD,
        note="OpenAI",
    ),
    accept("<think>add(a=9)?</think>\nadd(a=1, b=2)", reference=_ADD),
    accept("```json\n[{\"name\": \"f\", \"arguments\": {\"x\": 2}}, {\"name\": \"f\", \"arguments\": {\"x\": 1}}]\n```",
           reference=_TWO, note="parallel calls in any order"),
    accept("Nothing to call here.", reference=[]),
    accept("[f(x=1)]", reference=_TWO, options={"scoring": "fraction"}, reward=0.5),
    reject("[f(x=2), f(x=1)]", reference=_TWO, options={"order": "strict"}),
    reject("[add(a=1, b=3)]", reference=_ADD),
    reject("[add(a=1)]", reference=_ADD),
    reject("The sum is 3.", reference=_ADD),
    reject("[add(a=1, b=2)]", reference=[]),
    reject("Sure: [add(a=1, b=2)]", reference=_ADD, note="Python calls are the whole answer"),
    adversarial("[add(a=True, b=2)]", reference=_ADD, note="a bool is no number"),
    adversarial("[add(a='1', b=2)]", reference=_ADD),
    adversarial("[add(a=1, b=1+1)]", reference=_ADD, note="nothing is evaluated"),
    adversarial("[add(a=1, b=2), add(a=1, b=2)]", reference=_ADD, note="a call too many"),
    adversarial("[add(a=1, b=2), rm_rf(path='/')]", reference=_ADD),
    adversarial('{"name": "add", "arguments": {"a": 1, "b": 2, "b": 2}}', reference=_ADD, note="a key twice"),
    adversarial("[add(a=1, b=2, c=3)]", reference=_ADD),
    adversarial("<think>[add(a=1, b=2)]</think>", reference=_ADD, note="only thought of"),
    adversarial('{"weather": {"city": "Paris"}, "rm_rf": {"path": "/"}}', reference=_WEATHER),
    unscorable("[add(a=1, b=2)]"),
    unscorable("[add(a=1, b=2)]", reference=[{"add": 3}]),
    unscorable("[add(a=1, b=2)]", reference="add(a=1"),
]  # fmt: skip
