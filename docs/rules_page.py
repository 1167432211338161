"""The page about the language of rules, made from the table of kinds and combinators."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from verifiers.catalog.rules.combine import COMBINATORS, Settings
from verifiers.catalog.rules.compiling import MAX_EXAMPLES, MAX_RULES
from verifiers.catalog.rules.conditions import OPERATORS
from verifiers.catalog.rules.marks import MAX_DEPTH, MAX_FILE_BYTES, MAX_INLINE_BYTES, MAX_NODES
from verifiers.catalog.rules.reading import Bounds, field_types, required, words_of
from verifiers.catalog.rules.table import Kind, kinds
from verifiers.options import option_docs

INTRODUCTION = """
# Rules

{note}

Rules are a reward that you write down. A file such as

```yaml
name: refund letters
rules:
  - contains: [order, refund]        # both, as whole words
    weight: 2
  - words: {{count: 50..120, slack: 0.2}}
  - forbidden: [sorry, as an AI]
  - starts_with: Dear
    critical: true                   # or the reward is 0
  - gate:
      if: [{{sentences: 3..}}]
      then: [{{regex: 'order \\d{{4}}'}}]
examples:
  - text: Dear Ann, ...
    expect: 0
```

scores a file of completions, each rule with its own part (expected, observed, where):

```bash
verify score --rules my.yaml answers.jsonl -o scored.jsonl
verify rules lint my.yaml                                  # slips, rules that never fail or never pass
verify rules test my.yaml                                  # the examples in the file
verify rules explain my.yaml --completion "Dear Ann, ..."  # every rule of one completion
verify rules attack --rules my.yaml                        # which of 200 cheats would be paid
verify rules schema > rules.schema.json                    # for your editor
```

From Python: `score(samples, "rules", options={{"rules": "my.yaml"}})`. Without a file each row brings its own rules: as
its reference, or in the column `rules`; a mapping, a list, or YAML text.

## The document

A mapping with `rules` and any of these keys; or only the list of rules; or a single rule. JSON is YAML, so it may be
JSON too.

- `version`: 1. `name`, `description`: for you.
- `in`: where rules look unless they say otherwise. `final`, the default, is what follows the thinking part (tags of
  several names), up to a stop token; `completion` is all of it; `think` the thinking; `answer` the inside of the last
  `<answer>` tag; `code` the fenced code; `first_line` and `last_line` are those of `final`. A part that is not there
  fails its rules.
- `empty`: `fail` (default): a text without a letter, digit or symbol gets 0. `judge`: the rules decide.
- `combine`: how the rules at the top become one reward: {combine}. The default is `weighted`.
- `examples`: texts and the reward they must get, for `verify rules test`: `text`, `expect` (0 to 1, or `null` for not
  judged), and `prompt`, `reference`, `meta`, `name` as needed.

Limits: {rules} rules, {examples} examples, {size} KiB a file, {inline} KiB in a row, {nodes} values, {depth} levels.
Anchors, aliases, tags and keys given twice are refused. Every mistake is named with file, line and column.

## A rule

A rule has one kind or combinator, and any of these keys:

- `name`: for the part; the kind's name unless given. Parts inside a combinator are called `outer/inner`.
- `weight`: its share in a weighted mean, 1 unless given. A schedule over training steps, `weight: {{0: 1, 500: 0.2}}`,
  is joined by straight lines; the step is the row's `step` column, or `--set step=N`.
- `points`: its points in a rubric; may be negative.
- `critical: true`: if it does not hold in full, the reward is 0. Not inside any, not, at_least.
- `when`: the rule applies only to rows whose columns are so: `when: {{lang: zh, level: {{min: 3}}}}`. A value, a list
  of values, or a mapping of {operators}. Keys may be dotted paths. A rule that does not apply
  counts neither way.
- `in`: where it looks. `note`: for you.

Texts are literal, never patterns. `contains: no` means the word "no". Any value may be taken from the row by
`$reference`, `$prompt` or `$meta.column` (dotted paths too); a row that lacks it is not judged.

## Bounds

{bounds}

## Combinators
"""


def rules_page(note: str) -> str:
    """Return the page."""
    combine = ", ".join(name for name, each in COMBINATORS.items() if not each.branches and name != "not")
    head = cleandoc(INTRODUCTION).format(
        note=note,
        combine=combine,
        rules=MAX_RULES,
        examples=MAX_EXAMPLES,
        size=MAX_FILE_BYTES // 1024,
        inline=MAX_INLINE_BYTES // 1024,
        nodes=f"{MAX_NODES:,}",
        depth=MAX_DEPTH,
        operators=", ".join(OPERATORS),
        bounds=cleandoc(Bounds.__doc__ or ""),
    )
    lines = [head, "", *_combinators(), "", "## Kinds", ""]
    table = kinds()
    groups = dict.fromkeys(kind.group for kind in table.values())
    for group in groups:
        names = [name for name, kind in table.items() if kind.group == group]
        lines.append(f"- {group}: " + ", ".join(f"[`{name}`](#{name})" for name in names))
    for kind in table.values():
        lines += ["", *_kind(kind)]
    return "\n".join(lines) + "\n"


def _combinators() -> Iterator[str]:
    docs, types = option_docs(Settings), field_types(Settings)
    for name, combinator in COMBINATORS.items():
        yield f"- `{name}`: {combinator.doc}"
        for setting in combinator.settings:
            yield f"  - `{setting}` ({words_of(types[setting])}): {docs[setting].partition(': ')[2]}"
        yield f"  `{combinator.example}`"


def _kind(kind: Kind) -> Iterator[str]:
    yield from (f"### {kind.name}", "")
    yield cleandoc(kind.cls.__doc__ or "").partition("\n\nAttributes:")[0]
    yield from ("", "```yaml", *kind.examples, "```", "")
    docs, types = option_docs(kind.cls), field_types(kind.cls)
    defaults = {field.name: field.default for field in dataclasses.fields(kind.cls)}
    for name, wanted in types.items():
        need = "needed" if name in required(kind.cls) else _default(defaults[name])
        short = "; may stand alone" if name == kind.cls.short and len(types) > 1 else ""
        yield f"- `{name}` ({words_of(wanted)}{f'; {need}' if need else ''}{short}): {docs[name]}"


def _default(value: Any) -> str:
    if value is None or value == "":
        return ""
    return f"default {str(value).lower() if isinstance(value, bool) else value}"
