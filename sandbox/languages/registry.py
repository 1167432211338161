"""Finds the languages: every file of this folder that has a `LANGUAGE`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import sandbox.languages
from sandbox.errors import UnsupportedLanguage
from sandbox.languages.language import Language, Plan
from sandbox.types import Job


@cache
def languages() -> dict[str, Language]:
    """Return all languages by their own names, sorted."""
    found = {}
    for module in sorted(pkgutil.iter_modules(sandbox.languages.__path__), key=lambda module: module.name):
        language = getattr(import_module(f"sandbox.languages.{module.name}"), "LANGUAGE", None)
        if language is not None:
            found[language.name] = language
    return found


@cache
def _names() -> dict[str, Language]:
    names: dict[str, Language] = {}
    for language in languages().values():
        for name in (language.name, *language.aliases):
            if names.setdefault(name, language) is not language:
                raise ValueError(f"{name!r} is claimed by two languages: {language.name} and {names[name].name}")
    return names


def find(name: str) -> Language | None:
    """Return the language of a name or alias; `None` = it is none of ours."""
    return _names().get(name.strip().lower())


def get(name: str) -> Language:
    """Return the language of a name or alias.

    Raises:
        UnsupportedLanguage: If it is none of ours.
    """
    language = find(name)
    if language is None:
        raise UnsupportedLanguage(f"No language {name[:40]!r} here; there are: {', '.join(languages())}.")
    return language


def plan(job: Job) -> Plan:
    """Return what a box is to be told of a job.

    Raises:
        UnsupportedLanguage: If its language is none of ours.
        UnsupportedWork: If its language has no way for such work.
    """
    return get(job.program.language).plan(job.program, job.work, job.limits)


def check_tools(plan: Plan, tools: dict[str, str]) -> None:
    """Compare what a plan needs with the commands that a box has said it found.

    Raises:
        UnsupportedLanguage: If one is missing there.
    """
    for tool in plan.tools:
        if tool not in tools:
            raise missing_tool(plan, tool)


def missing_tool(plan: Plan, tool: str = "compiler") -> UnsupportedLanguage:
    """Return the error for a plan that needs a tool which is missing where programs run.

    Args:
        plan: The plan; its compile step may have ended with `TOOL_MISSING`.
        tool: The tool's name.
    """
    todo = languages()[plan.language].missing
    return UnsupportedLanguage(f"The sandbox has no `{tool}`, which {plan.language} programs need; {todo}.")
