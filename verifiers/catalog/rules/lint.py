"""What an author may not have meant: rules that never fail or never pass, weights nobody counts, branches out of reach.

Claims of certainty (`never fails`, `never passes`) hold for every completion with some text in it; the property tests
hold them against the evaluation of random texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from verifiers.catalog.rules.combine import COMBINATORS
from verifiers.catalog.rules.document import Document, Entry
from verifiers.catalog.rules.kinds_counts import Chars, Lines, Paragraphs, Sentences, Words
from verifiers.catalog.rules.kinds_words import Contains, Forbidden
from verifiers.catalog.rules.marks import Node
from verifiers.catalog.rules.phrases import Phrases
from verifiers.catalog.rules.table import Rule
from verifiers.catalog.rules.view import View

Level = Literal["error", "warning", "hint"]
_COUNTED = (Words, Chars, Sentences, Paragraphs, Lines)
_NO_WEIGHTS = frozenset(name for name, each in COMBINATORS.items() if not each.weighs)
_EVERY = frozenset(("all", "product"))
"""Combinators in which every rule must pass for full marks."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        level: error = the rules cannot do what they are for; warning = most likely a slip; hint.
        name: The entry.
        text: What, and what to do.
        node: Where.
    """

    level: Level
    name: str
    text: str
    node: Node

    def shown(self, source: str) -> str:
        """Return it as one line."""
        place = f"{source}:{self.node.line}:{self.node.column}" if self.node.line else source
        return f"{place}: {self.level}: {self.name or 'the document'}: {self.text}"


def lint(document: Document) -> list[Finding]:
    """Return everything found, in the order of the lines."""
    found = [*_outlooks(document), *_weights(document), *_conflicts(document), *_pitfalls(document), *_whole(document)]
    return sorted(found, key=lambda each: (each.node.line, each.node.column))


def outlook(entry: Entry) -> bool | None:
    """Return `True` if an entry gets full marks whatever the text, `False` if it gets 0, `None` if it depends.

    "Whatever the text" leaves out texts without a letter, digit or symbol.
    """
    if entry.when or entry.late is not None or (entry.part and entry.rule is not None):
        return None
    if entry.rule is not None:
        return entry.rule.always()
    looks = [outlook(child) for child in entry.children]
    if any(child.when for child in entry.children) or not looks:
        return None
    return _combined(entry, looks)


def _combined(entry: Entry, looks: Sequence[bool | None]) -> bool | None:
    kind = entry.kind
    if kind == "not":
        return None if looks[0] is None else not looks[0]
    if kind == "any":
        return True if True in looks else False if set(looks) == {False} else None
    if kind in _EVERY:
        return False if False in looks else True if set(looks) == {True} else None
    if kind == "at_least":
        return _at_least(entry, looks)
    if kind == "gate":
        return _gated(entry, looks)
    if kind == "weighted" and not all(_weighs(child) for child in entry.children):
        return None
    if kind == "rubric":
        return None
    return True if set(looks) == {True} else False if set(looks) == {False} else None


def _at_least(entry: Entry, looks: Sequence[bool | None]) -> bool | None:
    if looks.count(True) >= entry.settings.n:
        return True
    possible = len(looks) - looks.count(False)
    if entry.settings.partial:
        return False if possible == 0 else None
    return False if possible < entry.settings.n else None


def _gated(entry: Entry, looks: Sequence[bool | None]) -> bool | None:
    gates = [look for look, child in zip(looks, entry.children, strict=True) if child.branch == "if"]
    then = [child for child in entry.children if child.branch == "then"]
    behind = [look for look, child in zip(looks, entry.children, strict=True) if child.branch == "then"]
    if False in gates:
        return False if entry.settings.otherwise == 0 else None
    if set(behind) == {False} and entry.settings.otherwise == 0:
        return False
    return True if set(gates) == {True} and set(behind) == {True} and all(_weighs(child) for child in then) else None


def _weighs(entry: Entry) -> bool:
    """Tell whether an entry counts whatever the step; of rules that all weigh 0 the mean is 0."""
    return entry.weight.fixed and bool(entry.weight.points[0][1])


def _outlooks(document: Document) -> Iterator[Finding]:
    for entry in document.root.walk():
        look = outlook(entry)
        if entry.name and look is not None:
            text = "passes whatever the text; it teaches nothing" if look else "fails whatever the text"
            yield Finding("warning" if look else "error", entry.name, text, entry.node)
        if entry.kind == "gate" and entry.children:
            gates = [outlook(child) for child in entry.children if child.branch == "if"]
            if False in gates:
                yield Finding(
                    "error", entry.name, "the gate never opens: what is under 'then' is out of reach", entry.node
                )
            elif set(gates) == {True}:
                yield Finding("warning", entry.name, "the gate is always open: 'if' does nothing", entry.node)
        if entry.kind == "any" and len(entry.children) > 1 and any(outlook(child) is True for child in entry.children):
            yield Finding("warning", entry.name, "one rule always passes, so the others do nothing", entry.node)


def _weights(document: Document) -> Iterator[Finding]:
    for parent in document.root.walk():
        for child in parent.children:
            if "weight" in child.given and (parent.kind in _NO_WEIGHTS or child.branch == "if"):
                where = f"{parent.kind} ({child.branch})" if child.branch else parent.kind
                yield Finding("warning", child.name, f"its weight is not used: {where} counts no weights", child.node)
            elif parent.kind in ("weighted", "gate") and not any(weight for _, weight in child.weight.points):
                yield Finding("warning", child.name, "its weight is 0: it only shows in the parts", child.node)
            if parent.kind == "rubric" and child.points == 0:
                yield Finding("warning", child.name, "it counts 0 points", child.node)
        if len(parent.children) == 1 and "weight" in parent.children[0].given and parent.kind == "weighted":
            yield Finding(
                "hint", parent.children[0].name, "the only rule; its weight changes nothing", parent.children[0].node
            )


def _together(entry: Entry) -> list[Entry]:
    """Return the rules that must all hold for an entry's full marks."""
    if entry.when or entry.kind == "rubric":
        return []
    if entry.rule is not None:
        return [entry]
    if entry.kind in (*_EVERY, "weighted", "gate"):
        return [each for child in entry.children for each in _together(child)]
    return []


def _conflicts(document: Document) -> Iterator[Finding]:
    """Yield pairs of rules that cannot both hold, and rules that are there twice."""
    rules = _together(document.root)
    for index, one in enumerate(rules):
        for other in rules[:index]:
            if one.rule is None or other.rule is None or (one.part or document.part) != (other.part or document.part):
                continue
            if one.rule == other.rule:
                yield Finding("warning", one.name, f"the same as {other.name!r}; remove one", one.node)
            elif text := (_conflict(one.rule, other.rule) or _conflict(other.rule, one.rule)):
                yield Finding("error", one.name, f"can never hold together with {other.name!r}: {text}", one.node)


def _conflict(one: Rule, other: Rule) -> str:
    if isinstance(one, Forbidden) and isinstance(other, Contains):
        return _forbids(one, other)
    if isinstance(one, _COUNTED) and isinstance(other, _COUNTED):
        return _counts_conflict(one, other)
    return ""


def _forbids(forbidden: Forbidden, contains: Contains) -> str:
    if contains.need not in (None, len(contains.text)) or not (contains.times.min or 0) > 0:
        return ""
    if forbidden.case == "keep" and contains.case == "ignore":
        return ""
    if forbidden.match == "word" and contains.match == "substring":
        return ""
    for text in contains.text:
        hit = forbidden.phrases.first(View(text))
        # Inside a longer phrase the edges may differ from those in a text: only the whole phrase is sure.
        if hit is not None and Phrases((hit.phrase,), "word", forbidden.case).first(View(text)) is not None:
            return f"{hit.phrase!r} is forbidden there"
    return ""


def _counts_conflict(one: Rule, other: Rule) -> str:
    """Return why two counts exclude each other: none if there is slack, which pays for a miss."""
    if getattr(one, "slack", 0) or getattr(other, "slack", 0):
        return ""
    low, high = getattr(one, "count").min, getattr(other, "count").max  # noqa: B009 (of several classes)
    # A word, sentence, line or paragraph has at least one character; a sentence holds at least one word.
    comparable = (
        type(one) is type(other)
        or isinstance(other, Chars)
        or (isinstance(one, Sentences) and isinstance(other, Words))
    )
    if isinstance(one, Paragraphs) and isinstance(other, Paragraphs) and one.separator != other.separator:
        return ""
    if isinstance(one, Chars) and isinstance(other, Chars) and one.blanks != other.blanks:
        return ""
    if comparable and low is not None and high is not None and low > high:
        return f"at least {low:g} {one.kind} need more than at most {high:g} {other.kind} allow"
    return ""


def _pitfalls(document: Document) -> Iterator[Finding]:
    for entry in document.root.walk():
        for text in entry.rule.pitfalls() if entry.rule is not None else ():
            yield Finding("hint", entry.name, text, entry.node)


def _whole(document: Document) -> Iterator[Finding]:
    root = document.root
    if not document.examples:
        yield Finding("hint", "", "there are no examples; add some, and run `verify rules test`", root.node)
    if document.judge_empty:
        yield Finding("hint", "", "empty: judge lets an empty completion pass rules that forbid something", root.node)
    rules = [entry.rule for entry in root.walk() if entry.rule is not None]
    only_forbids = bool(rules) and all(isinstance(rule, Forbidden) for rule in rules)
    if only_forbids and not any(entry.kind == "not" for entry in root.walk()):
        yield Finding("warning", "", "the rules only forbid, so one word gets full marks; ask for something", root.node)
