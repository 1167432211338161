"""Which column of a file is the completion, the prompt, the reference, the group.

Found by name in the first rows, the same for the same rows, and overridable. A dotted name goes into objects
(`reward_model.ground_truth`) and lists (`choices.0`), unless the row has a column of exactly that name.

The names come from: TRL (prompt, completion, solution), verl (prompt, responses, reward_model.ground_truth; its dumps:
input, output, gts), OpenRLHF (input, output, label), ms-swift (messages, response, labels, solution), open-instruct
(messages, ground_truth), inspect (input, target, output.completion), OpenAI batches, lm-eval (resps, target), vLLM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.errors import UsageError
from verifiers.io.values import BadRow, Row, completions_of, split_chat
from verifiers.types import Status

FIELDS = ("completion", "prompt", "reference", "group")
OUT_FIELDS = ("reward", "status", "reason", "answer", "parts", "elapsed_s")
"""What an output row adds, in this order."""
PREFIX = "verify_"
"""Put before a name of `OUT_FIELDS` that the input already uses for something else."""

CHATS = ("messages", "conversations", "conversation")
"""Columns with a whole conversation: prompt and completion in one."""
ALIASES: Mapping[str, tuple[str, ...]] = {
    "completion": (
        *("completion", "completions", "response", "responses", "solution_str", "output.completion", "output.choices"),
        *("output", "outputs", "generation", "generations", "generated_text", "model_output", "model_response"),
        *("prediction", "predictions", "pred", "preds", "candidates", "output_text", "choices"),
        *("response.body.choices", "resps", *CHATS),
    ),
    "prompt": (
        "prompt",
        "prompts",
        "query",
        "queries",
        "question",
        "input",
        "inputs",
        "problem",
        "instruction",
        *CHATS,
    ),
    "reference": (
        *("reference", "references", "reference_answer", "reward_model.ground_truth", "ground_truth", "ground_truths"),
        *("gold", "golds", "gold_answer", "gts", "gt", "solution", "solutions", "target", "targets"),
        *("expected", "expected_answer", "expected_output", "correct_answer", "label", "labels", "answer", "answers"),
        "extra_info.ground_truth",
    ),
    "group": ("group", "group_id", "prompt_id", "prompt_uid", "problem_id", "question_id"),
}
_GROUP_WITHOUT_PROMPT = "uid"
_STATUSES = frozenset(status.value for status in Status)
_MAX_NAMES_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file keeps what.

    Attributes:
        completion, prompt, reference, group: Column names or dotted paths; `None` = the file has none.
        seen: The columns of the first rows.
        written: The names under which `OUT_FIELDS` are written.
        rescored: The file is an earlier output of ours: its `written` columns are dropped and written anew.
    """

    completion: str
    prompt: str | None = None
    reference: str | None = None
    group: str | None = None
    seen: tuple[str, ...] = ()
    written: tuple[str, ...] = OUT_FIELDS
    rescored: bool = False

    def describe(self) -> str:
        """Return the choice in one line for a human: `completion <- response, reference <- answer`."""
        chosen = {name: getattr(self, name) for name in FIELDS}
        return ", ".join(f"{name} <- {column}" for name, column in chosen.items() if column is not None)

    def notes(self) -> list[str]:
        """Return what the user should know about the output's column names."""
        renamed = [f"{PREFIX}{name}" for name in OUT_FIELDS if PREFIX + name in self.written]
        notes = []
        if renamed:
            kept = ", ".join(name.removeprefix(PREFIX) for name in renamed)
            notes.append(f"the input's own column {kept} is kept; ours is written as {', '.join(renamed)}")
        if self.rescored:
            notes.append("the input was scored before: its old verdicts are replaced")
        return notes


def getter(path: str) -> Callable[[Row], Any]:
    """Return a function that looks a column or a dotted path up in a row; absent = `None`."""
    if "." not in path:
        return lambda row: row.get(path)
    steps = path.split(".")

    def walk(row: Row) -> Any:
        if path in row:
            return row[path]
        value: Any = row
        for step in steps:
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value

    return walk


def find_columns(rows: Sequence[Row], mapping: Mapping[str, str] | None = None) -> Columns:
    """Choose the columns from the first rows of a file.

    Args:
        rows: At least one decoded row.
        mapping: The user's choice, as `{"response": "completion"}`; `{"completion": "response"}` is understood too
            where it can mean only that.

    Raises:
        UsageError: If no column holds completions, or the mapping names a column or field that does not exist.
    """
    seen = tuple(dict.fromkeys(name for row in rows for name in row))
    chosen = resolve_mapping(mapping or {}, rows, seen)
    rescored, written = _earlier_output(rows)
    skip = set(written) if rescored else set()
    completion = chosen.get("completion") or _first_alias("completion", rows, skip)
    if completion is None:
        raise UsageError(_no_completion(seen))
    taken = skip | ({completion} - set(CHATS)) | set(chosen.values())
    prompt = chosen.get("prompt") or _first_alias("prompt", rows, taken)
    reference = chosen.get("reference") or _first_alias("reference", rows, taken | ({prompt} if prompt else set()))
    group = chosen.get("group") or _first_alias("group", rows, taken)
    if group is None and prompt is None and _GROUP_WITHOUT_PROMPT in seen:
        group = _GROUP_WITHOUT_PROMPT
    if not rescored:
        written = tuple(PREFIX + name if name in seen else name for name in OUT_FIELDS)
    return Columns(completion, prompt, reference, group, seen, written, rescored)


def resolve_mapping(mapping: Mapping[str, str], rows: Sequence[Row], seen: Sequence[str]) -> dict[str, str]:
    """Return the user's mapping as field -> column.

    Raises:
        UsageError: If neither side is a field, the column does not exist, or a field is named twice.
    """

    def exists(column: str) -> bool:
        return column in seen or any(getter(column)(row) is not None for row in rows)

    chosen: dict[str, str] = {}
    for left, right in mapping.items():
        column, field = (left, right) if right in FIELDS and (exists(left) or left not in FIELDS) else (right, left)
        if field not in FIELDS:
            raise UsageError(f"--map {left}={right}: write COLUMN=FIELD, where FIELD is one of {', '.join(FIELDS)}.")
        if not exists(column):
            raise UsageError(f"--map {left}={right}: there is no column {column!r}. Columns: {_names(seen)}")
        if field in chosen:
            raise UsageError(f"--map: {field} is given twice, as {chosen[field]!r} and {column!r}. Give one.")
        chosen[field] = column
    return chosen


def _first_alias(field: str, rows: Sequence[Row], skip: Iterable[str]) -> str | None:
    """Return the first alias that fits in at least half of the rows, else the first that fits in any."""
    skipped = set(skip)
    fits = _FITS[field]
    found = None
    for alias in ALIASES[field]:
        if alias in skipped or alias.partition(".")[0] in skipped:
            continue
        get = getter(alias)
        count = sum(1 for row in rows if fits(get(row), alias))
        if 2 * count >= len(rows):
            return alias
        if count and found is None:
            found = alias
    return found


def _fits_completion(value: object, alias: str) -> bool:
    if value is None:
        return False
    try:
        if alias in CHATS:
            split_chat(value)
        else:
            completions_of(value)
    except BadRow:
        return False
    return True


def _fits_prompt(value: object, alias: str) -> bool:
    return isinstance(value, str | list) and bool(value)


def _fits_reference(value: object, alias: str) -> bool:
    """A boolean label says whether the answer is right, not what the right answer is."""
    return value is not None and not (isinstance(value, bool) and alias.startswith("label"))


def _fits_group(value: object, alias: str) -> bool:
    return isinstance(value, str | int)


_FITS: Mapping[str, Callable[[object, str], bool]] = {
    "completion": _fits_completion,
    "prompt": _fits_prompt,
    "reference": _fits_reference,
    "group": _fits_group,
}


def _earlier_output(rows: Sequence[Row]) -> tuple[bool, tuple[str, ...]]:
    """Tell whether every row carries verdicts of ours, and under which names."""
    prefixed = {name for name in OUT_FIELDS if PREFIX + name in rows[0]}
    written = tuple(PREFIX + name if name in prefixed else name for name in OUT_FIELDS)
    reward, status, reason = written[:3]
    return all(reward in row and reason in row and _is_status(row.get(status)) for row in rows), written


def _is_status(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_status(item) for item in value)
    return isinstance(value, str) and value in _STATUSES


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES_SHOWN]) or "none"
    return f"{shown}, and {len(names) - _MAX_NAMES_SHOWN} more" if len(names) > _MAX_NAMES_SHOWN else shown


def _no_completion(seen: Sequence[str]) -> str:
    example = seen[0] if seen else "COLUMN"
    return (
        f"No column holds completions. Columns: {_names(seen)}. Known names: {', '.join(ALIASES['completion'])}. "
        f"Name yours with --map COLUMN=completion, e.g. --map {example}=completion."
    )
