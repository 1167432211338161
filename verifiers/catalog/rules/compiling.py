"""From nodes to a tree of rules, collecting every mistake with its line and column.

A document is a mapping (`rules:` and the keys of `KEYS`), a bare list of rules, or a single rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifiers.catalog.rules.combine import COMBINATORS, Settings
from verifiers.catalog.rules.conditions import Weight, check_fields, read_weight, read_when, takes_from_row
from verifiers.catalog.rules.document import Document, Entry, Example, make_rule
from verifiers.catalog.rules.marks import Node, rules_error
from verifiers.catalog.rules.reading import Reader, close, field_types
from verifiers.catalog.rules.table import kinds
from verifiers.catalog.rules.view import PARTS
from verifiers.types import Sample

MAX_RULES = 500
"""Most rules in one document, combinators included."""
MAX_EXAMPLES = 200
MAX_NAME_CHARS = 80

KEYS = ("version", "name", "description", "in", "empty", "combine", "rules", "examples")
"""Keys of a document."""
COMMON = ("name", "weight", "points", "critical", "when", "in", "note")
"""Keys that any rule may have beside its kind."""
EXAMPLE_KEYS = ("text", "expect", "prompt", "reference", "meta", "name")
NO_CRITICAL = frozenset(("any", "not", "at_least"))
"""Where a rule's failure alone decides nothing."""


def compile_document(node: Node, source: str) -> Document:
    """Make the tree of rules.

    Args:
        node: What was read.
        source: The file's name, for messages.

    Raises:
        RulesError: Naming every mistake.
        MissingExtra: If a rule needs a package that is not installed.
    """
    reader = _Compiler()
    document = reader.document(node)
    if reader.problems:
        raise rules_error(source, reader.problems)
    return document


class _Compiler(Reader):
    """Reads a document."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def document(self, node: Node) -> Document:
        top: dict[str, Node] = node.value if isinstance(node.value, dict) else {}
        is_document = "rules" in top or not (set(top) & self._all_kinds())
        if isinstance(node.value, list) or not is_document:
            rules, top = node, {}
        elif "rules" in top:
            rules = top["rules"]
            self.known_keys(node, KEYS, "a rules document")
        else:
            rules = Node([], "", node.line, node.column, "rules")
            if top:
                self.known_keys(node, KEYS, "a rules document")
            self.add(node.problem(f"rules are a list, or a mapping with the key 'rules'; not {node.what}"))
        combine = self._choice(
            top,
            "combine",
            [name for name, each in COMBINATORS.items() if not each.branches and name != "not"],
            "weighted",
        )
        if "version" in top and top["version"].value != 1:
            self.add(top["version"].problem(f"version is 1, not {top['version'].what}"))
        children = self._rules(rules, combine, "", forgiving=not isinstance(rules.value, list))
        if not children and not self.problems:
            self.add(rules.problem("there is no rule; write at least one, e.g. 'contains: hello'"))
        else:
            self._some(rules, combine, children)
        root = self._entry_of(rules, "", combine, children=children)
        return Document(
            root,
            self._choice(top, "in", PARTS, "final"),
            self._choice(top, "empty", ("fail", "judge"), "fail") == "judge",
            self._examples(top["examples"]) if "examples" in top else (),
            any((entry.rule is not None and entry.rule.slow) or _late_slow(entry) for entry in root.walk()),
            self.value(top["name"], str) or "" if "name" in top else "",
            self.value(top["description"], str) or "" if "description" in top else "",
        )

    def _all_kinds(self) -> set[str]:
        return {*kinds(), *COMBINATORS}

    def _choice(self, top: dict[str, Node], key: str, allowed: Sequence[str], default: str) -> str:
        if key not in top:
            return default
        text = top[key].text
        if text in allowed:
            return text
        self.add(
            top[key].problem(f"{key} cannot be {top[key].what}.{close(text, allowed)} Allowed: {', '.join(allowed)}.")
        )
        return default

    def _rules(
        self, node: Node, parent: str, prefix: str, branch: str = "", forgiving: bool = False
    ) -> tuple[Entry, ...]:
        """Read a list of rules; `forgiving` = a single rule may stand without a list."""
        nodes = [node] if forgiving and isinstance(node.value, dict) else node.value
        if not isinstance(nodes, list):
            self.add(node.problem(f"a list of rules is needed here, not {node.what}"))
            return ()
        entries: list[Entry] = []
        used: set[str] = set()
        for each in nodes:
            entry = self._rule(each, parent, prefix, branch, used)
            if entry is not None:
                entries.append(entry)
        return tuple(entries)

    def _rule(self, node: Node, parent: str, prefix: str, branch: str, used: set[str]) -> Entry | None:
        self._count += 1
        if self._count > MAX_RULES:
            if self._count == MAX_RULES + 1:
                self.add(node.problem(f"a document may have {MAX_RULES} rules"))
            return None
        kind = self._kind_of(node)
        if kind is None:
            return None
        name = self._name(node, kind, prefix, used)
        value = node.value[kind]
        self._check_common(node, parent)
        if kind in COMBINATORS:
            children, settings = self._combinator(value, kind, name)
            return self._entry_of(node, name, kind, children=children, settings=settings, branch=branch)
        if takes_from_row(value):
            return self._entry_of(node, name, kind, late=self._late(value, kind), branch=branch)
        return self._entry_of(node, name, kind, rule=make_rule(self, value, kind), branch=branch)

    def _kind_of(self, node: Node) -> str | None:
        if not isinstance(node.value, dict):
            self.add(node.problem(f"a rule is a mapping such as 'contains: hello', not {node.what}"))
            return None
        found = [key for key in node.value if key not in COMMON]
        known = [key for key in found if key in self._all_kinds()]
        for key in found:
            if key not in known:
                names = sorted({*self._all_kinds(), *COMMON})
                hint = close(key, names) or f" Kinds: {', '.join(names)}."
                self.add(node.key_problem(key, f"there is no kind or key {key!r}.{hint}"))
        if len(known) > 1:
            self.add(
                node.key_problem(known[1], f"one rule has one kind; {' and '.join(known)} are two: write two rules")
            )
        elif not found:
            self.add(node.problem("the rule has no kind, e.g. 'contains: hello'"))
        return known[0] if len(known) == 1 else None

    def _name(self, node: Node, kind: str, prefix: str, used: set[str]) -> str:
        given = node.value.get("name")
        name = (
            (self.value(given, str) or kind if given is not None else kind).replace("/", "|").strip()[:MAX_NAME_CHARS]
        )
        if given is not None and name in used:
            self.add(given.problem(f"two rules are called {name!r}; rename one"))
        plain, number = name, 2
        while name in used:
            name, number = f"{plain} {number}", number + 1
        used.add(name)
        return f"{prefix}/{name}" if prefix else name

    def _check_common(self, node: Node, parent: str) -> None:
        if "points" in node.value and parent != "rubric":
            self.add(node.key_problem("points", f"points count in a rubric; in {parent!r} use weight"))
        if "weight" in node.value and parent == "rubric":
            self.add(node.key_problem("weight", "a rubric counts points, not weights"))
        critical = node.value.get("critical")
        if critical is not None and parent in NO_CRITICAL and critical.value is True:
            self.add(node.key_problem("critical", f"a rule inside {parent!r} may fail, so it cannot be critical"))

    def _combinator(self, node: Node, kind: str, name: str) -> tuple[tuple[Entry, ...], Settings]:
        combinator = COMBINATORS[kind]
        if not combinator.branches:
            children = self._rules(node, kind, name, forgiving=kind == "not")
            if kind == "not" and len(children) > 1:
                self.add(node.problem("not takes one rule; put several under all or any"))
            return self._some(node, kind, children), Settings()
        if not isinstance(node.value, dict):
            keys = ", ".join([*combinator.branches, *combinator.settings])
            self.add(node.problem(f"{kind} takes a mapping with {keys}, not {node.what}"))
            return (), Settings()
        self.known_keys(node, (*combinator.branches, *combinator.settings), kind)
        children = ()
        for branch in combinator.branches:
            if branch in node.value:
                inner = f"{name}/{branch}" if len(combinator.branches) > 1 else name
                children += self._rules(node.value[branch], kind, inner, branch, forgiving=True)
            else:
                self.add(node.problem(f"{kind} needs {branch!r}: a list of rules"))
        return self._some(node, kind, children), self._settings(node, kind, len(children))

    def _some(self, node: Node, kind: str, children: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if not children and not any(problem.path.startswith(node.path) for problem in self.problems):
            self.add(node.problem(f"{kind} has no rules"))
        if kind == "rubric" and children and not any(child.points > 0 for child in children):
            self.add(node.problem("a rubric needs a rule with points above 0"))
        return children

    def _settings(self, node: Node, kind: str, count: int) -> Settings:
        types = field_types(Settings)
        given = {
            key: self.value(node.value[key], types[key]) for key in COMBINATORS[kind].settings if key in node.value
        }
        settings = Settings(**{key: value for key, value in given.items() if value is not None})
        if kind == "at_least":
            if "n" not in node.value:
                self.add(node.problem("at_least needs 'n': how many of the rules must hold"))
            elif given["n"] is not None and not 1 <= settings.n <= max(1, count):
                self.add(node.value["n"].problem(f"n is from 1 to {count}, the number of rules, not {settings.n}"))
        if not 0 <= settings.otherwise <= 1:
            self.add(node.problem(f"otherwise is a reward from 0 to 1, not {settings.otherwise:g}"))
        return settings

    def _late(self, node: Node, kind: str) -> Node:
        """Check as much of a rule that takes values from the row as can be checked without one."""
        cls = kinds()[kind].cls
        names = field_types(cls)
        if isinstance(node.value, dict):
            self.known_keys(node, tuple(names), kind)
            check_fields(self, node, names)
        elif not cls.short:
            self.add(node.problem(f"{kind} takes a mapping ({', '.join(names)}), not {node.what}"))
        return node

    def _entry_of(self, node: Node, name: str, kind: str, **more: Any) -> Entry:
        given: dict[str, Node] = node.value if name and isinstance(node.value, dict) else {}
        parts: dict[str, Any] = {
            "rule": None,
            "late": None,
            "children": (),
            "settings": Settings(),
            "branch": "",
            **more,
        }
        return Entry(
            name=name,
            kind=kind,
            weight=read_weight(self, given["weight"]) if "weight" in given else Weight(),
            points=(self.value(given["points"], float) or 0.0) if "points" in given else 1.0,
            critical=bool(self.value(given["critical"], bool)) if "critical" in given else False,
            when=read_when(self, given["when"]) if "when" in given else (),
            part=self._choice(given, "in", PARTS, ""),
            node=node,
            given=frozenset(given),
            **parts,
        )

    def _examples(self, node: Node) -> tuple[Example, ...]:
        if not isinstance(node.value, list) or len(node.value) > MAX_EXAMPLES:
            self.add(node.problem(f"examples are a list of up to {MAX_EXAMPLES} mappings with text and expect"))
            return ()
        return tuple(found for each in node.value if (found := self._example(each)) is not None)

    def _example(self, node: Node) -> Example | None:
        if isinstance(node.value, dict):
            self.known_keys(node, EXAMPLE_KEYS, "an example")
        if not isinstance(node.value, dict) or "text" not in node.value or "expect" not in node.value:
            self.add(node.problem("an example is a mapping with text and expect (a reward from 0 to 1, or null)"))
            return None
        given = node.value
        expect = None if given["expect"].value is None else self.value(given["expect"], float)
        data = {key: each.data() for key, each in given.items()}
        meta = data.get("meta") or {}
        if not isinstance(meta, dict):
            self.add(given["meta"].problem(f"meta is a mapping, not {given['meta'].what}"))
            return None
        prompt = str(given["prompt"].text) if "prompt" in given else ""
        sample = Sample(self.value(given["text"], str) or "", prompt, data.get("reference"), meta)
        return Example(sample, expect, given["name"].text if "name" in given else "", node)


def _late_slow(entry: Entry) -> bool:
    """Whether a rule that takes values from the row may need a worker."""
    if entry.late is None or not isinstance(entry.late.value, dict):
        return False
    engine = entry.late.value.get("engine")
    return engine is not None and engine.text != "re2"
