"""JSON that a completion must state, against a JSON Schema, and against an expected value where there is one.

Accepts as reference: a JSON Schema (drafts 4 to 2020-12, as an object or its text, also inside OpenAI's
`response_format`), or `{"schema": ..., "expected": ...}` with either or both. The JSON may be the whole answer, in one
`<answer>` tag, in one code fence, or in prose; the think part is never read. Reward 1.0 if it is exactly one value, the
schema holds and it equals `expected`; else 0.0 with a part for each violation (JSON pointer, keyword).

Refuses: broken or cut-off JSON, a second value, a key twice in one object, `NaN`, text after the JSON where prose is
refused. `1` never equals `true` or `"1"`. A schema that is invalid, holds no known keyword, refers to another document
or needs backtracking patterns (lookaround, backreferences) is `bad_reference`.

Known limits: answers of 200,000 characters, 100 levels. Whether `1.0` is an integer is the schema's draft's choice (not
in draft 4). Needs the extra `rules` (jsonschema-rs, whose patterns run in linear time).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar, Literal

from verifiers.errors import require
from verifiers.json_values import (
    MAX_JSON_CHARS,
    JsonFault,
    Policy,
    find_json,
    is_deep,
    parse_json,
    plain,
    pointer,
)
from verifiers.segment import Kind, final_span, segments
from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.types import Json, Part, Sample, Status, Text, Verdict, text_of

MAX_VIOLATIONS = 20
"""Most violations that a verdict lists."""
MAX_EXPLAINED_CHARS = 8_000
"""Longest JSON whose violations are listed: jsonschema-rs tells each alternative of each, which takes long."""
MAX_PIECES = 64
"""Most tags or code fences of one answer."""
MAX_PATTERN_BYTES = 200_000
"""Largest compiled pattern of a schema."""
CACHED_SCHEMAS = 1_024
SHOWN = 200
"""Longest text that a verdict quotes, in characters."""

_KEYWORDS = frozenset(
    "$ref $dynamicRef type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength "
    "pattern maxItems minItems uniqueItems maxContains minContains maxProperties minProperties required format "
    "dependentRequired dependentSchemas dependencies items prefixItems additionalItems contains properties "
    "patternProperties additionalProperties propertyNames unevaluatedItems unevaluatedProperties allOf anyOf oneOf not "
    "if".split()
)
"""Keywords of which a schema must have one: without any it would accept everything, as an answer in its place does."""
_REFERRING = ('"$ref"', '"$dynamicRef"', '"$recursiveRef"')


@dataclass(frozen=True)
class Options:
    """Options of the json_schema teacher.

    Attributes:
        wrapping: Where the JSON stands: bare, in one code fence (fenced), in one tag (tagged), or any of these.
        tag: The tag's name.
        prose: Whether text around the JSON, its fence or its tag is allowed, or refused.
        several: What to do with several values, fences or tags: refuse them, or take the first or the last.
        duplicate_keys: A key twice in one object: refuse, or the last one counts.
        numbers: Whether 1 and 1.0 in `expected` are equal (value), or not (exact).
        formats: Whether the schema's `format` is checked.
    """

    wrapping: Literal["any", "bare", "fenced", "tagged"] = "any"
    tag: str = "answer"
    prose: Literal["allow", "refuse"] = "allow"
    several: Literal["refuse", "first", "last"] = "refuse"
    duplicate_keys: Literal["refuse", "last"] = "refuse"
    numbers: Literal["value", "exact"] = "value"
    formats: bool = True


class Judged(Exception):
    """Carries the verdict where reading ends early."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.verdict = Verdict(0.0 if status.judged else None, status, reason)


@dataclass(frozen=True)
class Reference:
    """A reference that was read.

    Attributes:
        schema: The schema's text; empty = none.
        expected: The expected value, if `has_expected`.
        has_expected: Whether there is one.
    """

    schema: str
    expected: Json
    has_expected: bool


def read_reference(value: Json) -> Reference:
    """Read a reference.

    Raises:
        Judged: If it is none.
    """
    try:
        read = parse_json(value) if isinstance(value, str) else plain(value)
    except JsonFault as fault:
        raise Judged(Status.BAD_REFERENCE, f"the reference is not JSON: {fault}") from fault
    if not isinstance(read, dict):
        raise Judged(Status.BAD_REFERENCE, "a reference is a JSON Schema (an object), or {schema, expected}")
    if read.get("type") == "json_schema" and isinstance(read.get("json_schema"), dict):
        read = {"schema": read["json_schema"].get("schema")}
    if read and read.keys() <= {"schema", "expected"}:
        schema = read.get("schema")
        if "schema" in read and not isinstance(schema, dict):
            raise Judged(Status.BAD_REFERENCE, "the schema is an object")
        return Reference(_schema_text(schema) if "schema" in read else "", read.get("expected"), "expected" in read)
    return Reference(_schema_text(read), None, False)


def _schema_text(schema: Any) -> str:
    if is_deep(schema):
        raise Judged(Status.BAD_REFERENCE, "the schema is nested too deeply")
    text = json.dumps(schema)
    if len(text) > MAX_JSON_CHARS:
        raise Judged(Status.BAD_REFERENCE, f"the schema is longer than {MAX_JSON_CHARS:,} characters")
    if not _KEYWORDS & schema.keys():
        raise Judged(Status.BAD_REFERENCE, "the schema has no keyword of JSON Schema, so it would accept everything")
    return text


@lru_cache(maxsize=CACHED_SCHEMAS)
def _validator(schema: str, formats: bool) -> Any:
    """Return the compiled schema, or the text of what is wrong with it."""
    rs = require("jsonschema_rs", "rules", "Validating against a JSON Schema")
    try:
        return rs.validator_for(
            json.loads(schema),
            validate_formats=formats,
            offline=True,
            pattern_options=rs.RegexOptions(size_limit=MAX_PATTERN_BYTES),
        )
    except (rs.ValidationError, rs.ReferencingError, ValueError) as error:
        return f"the schema is not valid: {_line(str(error))}"


def compiled(reference: Reference, formats: bool) -> Any:
    """Return the compiled schema of a reference, `None` if it has none.

    Raises:
        Judged: If the schema is not valid, or refuses the reference's own expected value.
        MissingExtra: If jsonschema-rs is not installed.
    """
    if not reference.schema:
        return None
    validator = _validator(reference.schema, formats)
    if isinstance(validator, str):
        raise Judged(Status.BAD_REFERENCE, validator)
    if reference.has_expected and (parts := violations(validator, reference.expected)):
        raise Judged(Status.BAD_REFERENCE, f"the schema refuses the expected value: {parts[0].reason}")
    return validator


def violations(validator: Any, value: Json) -> list[Part]:
    """Return a part for each violation of a compiled schema, at most `MAX_VIOLATIONS`.

    Raises:
        Judged: If a text cannot be written in UTF-8.
    """
    try:
        if validator.is_valid(value):
            return []
        if len(json.dumps(value)) > MAX_EXPLAINED_CHARS:
            return [Part("schema", 0.0, "the schema is violated (too long a value to say where)")]
        parts: dict[str, Part] = {}
        for error in islice(validator.iter_errors(value), MAX_VIOLATIONS):
            part = _violation(error)
            parts.setdefault(part.name, part)
        return list(parts.values())
    except UnicodeEncodeError as error:
        raise Judged(Status.INCORRECT, "a text holds half of a surrogate pair") from error


def _violation(error: Any) -> Part:
    at, rule = pointer(error.instance_path), pointer(error.schema_path)
    details: dict[str, Json] = {"pointer": at, "keyword": error.kind.name, "schema_pointer": rule}
    return Part(f"schema {at or '(root)'} {rule}"[:SHOWN], 0.0, _line(error.message), details=details)


def differences(value: Json, expected: Json, exact: bool, path: tuple[str | int, ...] = ()) -> Iterator[Part]:
    """Yield a part for each place where a value is not the expected one; types count."""
    if isinstance(expected, dict) and isinstance(value, dict):
        for key in expected:
            if key in value:
                yield from differences(value[key], expected[key], exact, (*path, key))
            else:
                yield _difference((*path, key), "is missing")
        yield from (_difference((*path, key), "is not expected") for key in value if key not in expected)
    elif isinstance(expected, list) and isinstance(value, list):
        if len(value) != len(expected):
            yield _difference(path, f"{len(value)} items instead of {len(expected)}")
        for at, (item, wanted) in enumerate(zip(value, expected, strict=False)):
            yield from differences(item, wanted, exact, (*path, at))
    elif not _same_scalar(value, expected, exact):
        yield _difference(path, f"{_short(value)} instead of {_short(expected)}")


def _same_scalar(value: Json, expected: Json, exact: bool) -> bool:
    numbers = {type(value), type(expected)} == {int, float}
    return (type(value) is type(expected) or (numbers and not exact)) and value == expected


def _difference(path: tuple[str | int, ...], reason: str) -> Part:
    at = pointer(path)
    return Part(f"expected {at or '(root)'}"[:SHOWN], 0.0, reason, details={"pointer": at})


def read_answer(completion: Text, options: Options) -> Json:
    """Return the JSON value of a completion.

    Raises:
        Judged: If there is none, several, or it is broken.
    """
    text = text_of(completion)
    span = final_span(text)
    if span is None:
        raise Judged(Status.UNPARSABLE, "the think part is never closed")
    body = text[span[0] : span[1]].strip()
    if len(body) > MAX_JSON_CHARS:
        reason = f"the answer has {len(body):,} characters; at most {MAX_JSON_CHARS:,} are read"
        raise Judged(Status.LIMIT_EXCEEDED, reason)
    try:
        return _unwrapped(body, options)
    except JsonFault as fault:
        status = Status.INCORRECT if fault.whole else Status.UNPARSABLE
        raise Judged(Status.LIMIT_EXCEEDED if fault.limit else status, f"no JSON as asked for: {fault}") from fault


def _unwrapped(body: str, options: Options) -> Json:
    policy = Policy(last_key_wins=options.duplicate_keys == "last")
    if options.wrapping in ("any", "bare"):
        try:
            return parse_json(body, policy)
        except JsonFault as fault:
            if fault.limit or fault.whole or (options.wrapping == "bare" and options.prose == "refuse"):
                raise
    if options.wrapping in ("any", "tagged"):
        tagged = _only(_tags(body, options.tag), body, options, "tags")
        if tagged is not None:
            inner = _only(_fences(tagged), tagged, options, "code fences")
            return parse_json(tagged if inner is None else inner, policy)
    if options.wrapping in ("any", "fenced"):
        fenced = _only(_fences(body), body, options, "code fences")
        if fenced is not None:
            return parse_json(fenced, policy)
    if options.wrapping in ("fenced", "tagged") or options.prose == "refuse":
        raise JsonFault({"fenced": "no code fence", "tagged": f"no <{options.tag}>"}.get(options.wrapping, "not JSON"))
    found = find_json(body, policy)
    if len(found) > 1 and options.several == "refuse":
        raise Judged(Status.INCORRECT, f"{len(found)} JSON values; exactly one is asked for")
    if not found:
        raise JsonFault("no object or array")
    return found[-1 if options.several == "last" else 0].value


def _only(spans: list[tuple[int, int, int, int]], text: str, options: Options, what: str) -> str | None:
    """Return the inside of the one tag or fence (start, end, inner start, inner end) of a text; `None` = no such."""
    if not spans:
        return None
    if len(spans) > 1 and options.several == "refuse":
        raise Judged(Status.INCORRECT, f"{len(spans)} {what}; exactly one is asked for")
    start, end, inner, inner_end = spans[-1 if options.several == "last" else 0]
    if options.prose == "refuse" and (text[:start] + text[end:]).strip():
        raise Judged(Status.INCORRECT, "there is text around the JSON")
    return text[inner:inner_end].strip()


def _tags(text: str, tag: str) -> list[tuple[int, int, int, int]]:
    opening, closing = f"<{tag}>", f"</{tag}>"
    found: list[tuple[int, int, int, int]] = []
    start = text.find(opening)
    while start >= 0 and len(found) < MAX_PIECES:
        inner = start + len(opening)
        close = text.find(closing, inner)
        if close < 0:
            break
        found.append((start, close + len(closing), inner, close))
        start = text.find(opening, close)
    return found


def _fences(text: str) -> list[tuple[int, int, int, int]]:
    """Return the code fences named json, or else those without a name."""
    named: dict[str, list[tuple[int, int, int, int]]] = {"json": [], "": []}
    for part in segments(text):
        name = text[part.start + 3 : part.inner_start].strip().casefold()
        if part.kind is Kind.CODE and part.closed and name in named:
            named[name].append((part.start, part.end, part.inner_start, part.inner_end))
    return named["json"] or named[""]


@teacher(version="1", options=Options)
class JsonSchemaTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge, but for schemas that refer to themselves: those can grow without bound."""
        try:
            reference = read_reference(sample.reference)
        except Judged as judged:
            return judged.verdict
        return None if any(word in reference.schema for word in _REFERRING) else self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        """Read the JSON, validate it, compare it."""
        try:
            reference = read_reference(sample.reference)
            validator = compiled(reference, self.options.formats)
            value = read_answer(sample.completion, self.options)
            parts = violations(validator, value) if validator else []
        except Judged as judged:
            return judged.verdict
        if reference.has_expected:
            found = differences(value, reference.expected, self.options.numbers == "exact")
            parts += islice(found, MAX_VIOLATIONS)
        if parts:
            first = f"{parts[0].name}: {parts[0].reason}"
            reason = first if len(parts) == 1 else f"{first} (and {len(parts) - 1} more)"
            return Verdict(0.0, Status.INCORRECT, reason, _short(value), tuple(parts))
        held = [*(["schema"] if reference.schema else []), *(["expected"] if reference.has_expected else [])]
        right = tuple(Part(name, 1.0, "holds") for name in held)
        return Verdict(1.0, Status.CORRECT, f"{' and '.join(held)} hold", _short(value), right)

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return the JSON that was found and each violation."""
        try:
            steps = [("found", _short(read_answer(sample.completion, self.options)))]
        except Judged as judged:
            steps = [("found", judged.verdict.reason)]
        verdict = self.judge(sample)
        return [*steps, *((part.name, part.reason) for part in verdict.parts), ("decided by", verdict.reason)]


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _line(text: str) -> str:
    return " ".join(text[: 2 * SHOWN].split())[:SHOWN]


_PERSON: Mapping[str, Json] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}

CASES = [
    accept('{"name": "Ada", "age": 36}', reference=_PERSON),
    accept('Here it is:\n```json\n{"name": "Ada", "age": 36}\n```\nDone.', reference=_PERSON),
    accept('<think>{"name": 1}</think><answer>{"name": "Ada", "age": 36}</answer>', reference=_PERSON),
    accept('The person is {"name": "Ada", "age": 36}.', reference=_PERSON),
    accept('{"a": 1.0}', reference={"expected": {"a": 1}}),
    accept('{"a": [1, {"b": null}]}', reference={"schema": {"type": "object"}, "expected": {"a": [1, {"b": None}]}}),
    accept('{"a": 1, "a": 2}', reference={"expected": {"a": 2}}, options={"duplicate_keys": "last"}),
    reject('{"name": "Ada", "age": "36"}', reference=_PERSON),
    reject('{"name": "Ada"}', reference=_PERSON),
    reject('{"name": "Ada", "age": 36', reference=_PERSON, note="cut off"),
    reject('Sure: {"name": "Ada", "age": 36}', reference=_PERSON, options={"prose": "refuse"}),
    reject('{"a": 1.0}', reference={"expected": {"a": 1}}, options={"numbers": "exact"}),
    adversarial('{"name": "Ada", "age": 36} {"name": "Bob", "age": 1}', reference=_PERSON, note="two answers"),
    adversarial('{"name": "Ada", "age": -1, "age": 36}', reference=_PERSON, note="a key twice"),
    adversarial('<think>{"name": "Ada", "age": 36}</think>', reference=_PERSON, note="only thought of"),
    adversarial('{"a": true}', reference={"expected": {"a": 1}}, note="true is not 1"),
    adversarial('{"a": NaN}', reference={"schema": {"type": "object"}}),
    unscorable("{}"),
    unscorable("{}", reference={"type": "objekt"}, note="no such type"),
    unscorable("{}", reference={"$ref": "https://example.com/schema.json"}, note="another document"),
    unscorable("{}", reference={"type": "string", "pattern": "(?=a)b"}, note="lookahead"),
    unscorable("{}", reference={"answer": 42}, note="an answer in the schema's place"),
]
