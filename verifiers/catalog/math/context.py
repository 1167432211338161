"""What one comparison carries along: the policies, the budget, and the rule that decided last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from verifiers.catalog.math.policy import Options
from verifiers.catalog.math.steps import FAST_STEPS, Steps
from verifiers.catalog.math.tree import Node


class NeedsWorker(Exception):
    """Only sympy, in a worker process, can go on."""


@dataclass(slots=True)
class Context:
    """What one comparison carries along.

    Attributes:
        options: The policies.
        match: `compare.match`, for the modules that compare parts of their own shapes.
        steps: The budget.
        rule: The rule that decided last, for the verdict's reason.
        sympy: Whether this is the worker, where unevaluated operators may be resolved.
    """

    options: Options
    match: Callable[[Node, Node, Context], bool]
    steps: Steps = field(default_factory=lambda: Steps(FAST_STEPS))
    rule: str = ""
    sympy: bool = False
