"""The combinators: how the rewards of several rules become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple


class Scored(NamedTuple):
    """A rule's reward on its way into a combinator.

    Attributes:
        reward: From 0 to 1.
        weight: At the sample's step.
        points: In a rubric.
        branch: In a gate: `if` or `then`.
    """

    reward: float
    weight: float = 1.0
    points: float = 1.0
    branch: str = ""


@dataclass(frozen=True)
class Settings:
    """What a combinator takes besides its rules.

    Attributes:
        n: at_least: how many must hold.
        partial: at_least: pay the share of `n` that holds.
        otherwise: gate: the reward if the gate stays shut.
    """

    n: int = 1
    partial: bool = False
    otherwise: float = 0.0


class Combinator(NamedTuple):
    """A way to combine.

    Attributes:
        doc: For the documents.
        example: YAML of one.
        combine: From the rewards of the rules that apply (at least one) to one.
        settings: Which of `Settings` it takes.
        branches: Keys that hold its rules; empty = the rules are its value.
        weighs: Whether weights count.
    """

    doc: str
    example: str
    combine: Callable[[Sequence[Scored], Settings], float]
    settings: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    weighs: bool = False


FULL = 1.0 - 1e-9
"""From here on a rule holds in full."""


def _all(rules: Sequence[Scored], _settings: Settings) -> float:
    return min(each.reward for each in rules)


def _any(rules: Sequence[Scored], _settings: Settings) -> float:
    return max(each.reward for each in rules)


def _not(rules: Sequence[Scored], _settings: Settings) -> float:
    return 1.0 - rules[0].reward


def _at_least(rules: Sequence[Scored], settings: Settings) -> float:
    have = sum(each.reward >= FULL for each in rules)
    return min(1.0, have / settings.n) if settings.partial else float(have >= settings.n)


def _weighted(rules: Sequence[Scored], _settings: Settings) -> float:
    total = sum(each.weight for each in rules)
    return sum(each.weight * each.reward for each in rules) / total if total else 0.0


def _product(rules: Sequence[Scored], _settings: Settings) -> float:
    return prod(each.reward for each in rules)


def _gate(rules: Sequence[Scored], settings: Settings) -> float:
    behind = [each for each in rules if each.branch == "then"]
    if any(each.reward < FULL for each in rules if each.branch == "if"):
        return settings.otherwise
    return _weighted(behind, settings) if behind else 1.0


def _rubric(rules: Sequence[Scored], _settings: Settings) -> float:
    best = sum(each.points for each in rules if each.points > 0)
    got = sum(each.points * each.reward for each in rules)
    return min(1.0, max(0.0, got / best)) if best else 0.0


COMBINATORS: dict[str, Combinator] = {
    "weighted": Combinator(
        "The mean of the rewards by `weight`; the usual way at the top.",
        "weighted: [{contains: a, weight: 2}, {contains: b}]",
        _weighted,
        weighs=True,
    ),
    "all": Combinator("The least of the rewards: every rule must hold.", "all: [{contains: a}, {words: 5..}]", _all),
    "any": Combinator("The greatest of the rewards: one rule must hold.", "any: [{contains: a}, {contains: b}]", _any),
    "not": Combinator("1 minus the reward of one rule; 0 for a text without letters.", "not: {contains: a}", _not),
    "at_least": Combinator(
        "1 if at least `n` of the rules hold in full; with `partial: true` the share of `n`.",
        "at_least: {n: 2, of: [{contains: a}, {contains: b}, {contains: c}]}",
        _at_least,
        settings=("n", "partial"),
        branches=("of",),
    ),
    "product": Combinator("The product of the rewards.", "product: [{words: 5..}, {contains: [a, b]}]", _product),
    "gate": Combinator(
        "If every rule under `if` holds in full: the weighted mean of those under `then`; else `otherwise` (0).",
        "gate: {if: [{json: {}}], then: [{contains: a}, {contains: b}]}",
        _gate,
        settings=("otherwise",),
        branches=("if", "then"),
        weighs=True,
    ),
    "rubric": Combinator(
        "The sum of `points` times reward over the sum of the positive points, clamped; points may be negative.",
        "rubric: [{contains: a, points: 5}, {contains: sorry, points: -3}]",
        _rubric,
    ),
}
