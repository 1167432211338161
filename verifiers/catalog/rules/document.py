"""The tree of rules: a document, its entries and its examples."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifiers.catalog.rules.combine import Settings
from verifiers.catalog.rules.conditions import Condition, Weight, filled
from verifiers.catalog.rules.marks import Node, rules_error
from verifiers.catalog.rules.reading import Reader
from verifiers.catalog.rules.table import Rule, kinds
from verifiers.types import Sample

MAX_BOUND = 1_024
"""Rules made of rows' values that are kept."""


@dataclass(frozen=True)
class Entry:
    """A rule or combinator in its place.

    Attributes:
        name: Unique among all: `outer/inner`.
        kind: A kind of the table, or a combinator.
        rule: The check; `None` = a combinator, or a rule that takes values from the row.
        late: The node of a rule that takes values from the row.
        children: A combinator's rules.
        settings: A combinator's.
        branch: Under which key of a gate it stands.
        weight, points, critical, when, part: As written; `part` = "" for the document's.
        node: Where it stands.
    """

    name: str
    kind: str
    rule: Rule | None
    late: Node | None
    children: tuple[Entry, ...]
    settings: Settings
    branch: str
    weight: Weight
    points: float
    critical: bool
    when: tuple[Condition, ...]
    part: str
    node: Node
    given: frozenset[str] = frozenset()

    def walk(self) -> list[Entry]:
        """Return this entry and all below, in order."""
        return [self, *(entry for child in self.children for entry in child.walk())]


@dataclass(frozen=True)
class Example:
    """A text of the file's own and the reward it must get."""

    sample: Sample
    expect: float | None
    name: str
    node: Node


@dataclass(frozen=True)
class Document:
    """Rules that are ready to judge.

    Attributes:
        root: The combinator of all.
        part: Where rules look unless they say otherwise.
        judge_empty: Whether a text without letters is judged by the rules; else it gets 0.
        examples: See `verify rules test`.
        slow: Whether a rule must run in a worker.
        name, description: As written.
    """

    root: Entry
    part: str = "final"
    judge_empty: bool = False
    examples: tuple[Example, ...] = ()
    slow: bool = False
    name: str = ""
    description: str = ""
    bound: dict[tuple[str, str], Rule] = field(default_factory=dict, compare=False)

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of a sample that decide the verdict."""
        entries = self.root.walk()
        if any(entry.late is not None for entry in entries):
            return ("completion", "reference", "prompt", "meta")
        if any(entry.when or not entry.weight.fixed for entry in entries):
            return ("completion", "meta")
        return ("completion",)

    def rule_for(self, entry: Entry, sample: Sample) -> Rule:
        """Return the rule of an entry that takes values from the row, made for this row.

        Raises:
            Absent: If the row lacks a value.
            RulesError: If a value does not fit.
        """
        if entry.late is None:
            raise TypeError(f"{entry.name} takes nothing from the row")
        node = filled(entry.late, sample)
        key = (entry.name, repr(node.data()))
        rule = self.bound.get(key)
        if rule is None:
            reader = Reader()
            rule = make_rule(reader, node, entry.kind)
            if rule is None or reader.problems:
                raise rules_error("the row's values do not fit", reader.problems)
            if len(self.bound) >= MAX_BOUND:
                self.bound.clear()
            self.bound[key] = rule
        return rule


def make_rule(reader: Reader, node: Node, kind: str) -> Rule | None:
    """Return the rule of a kind, compiled."""
    cls = kinds()[kind].cls
    rule: Rule | None = reader.fields(node, cls, kind, cls.short)
    if rule is not None:
        try:
            rule.prepare()
        except ValueError as error:
            reader.add(node.problem(str(error)))
            return None
    return rule
