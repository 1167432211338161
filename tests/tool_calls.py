"""Tool calls to judge, and the judging of them."""

from verifiers.catalog.tool_call.teacher import ToolCallTeacher
from verifiers.options import build_options
from verifiers.types import Sample

F = {"name": "f", "arguments": {"x": 1}}
F_TEXT = '{"name": "f", "arguments": {"x": 1}}'
SCHEMA = {
    "name": "f",
    "parameters": {
        "type": "object",
        "properties": {
            "x": {"type": "integer"},
            "unit": {"type": "string", "default": "m"},
            "rate": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["x"],
    },
}


def verdict(completion, reference, meta=None, **options):
    teacher = ToolCallTeacher.build(build_options(ToolCallTeacher, options))
    return teacher.judge(Sample(completion, reference=reference, meta=meta or {}))


def reward(completion, reference, meta=None, **options):
    return verdict(completion, reference, meta, **options).reward


def tool_message(arguments, name="f"):
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}]
