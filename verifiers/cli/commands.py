"""Where each command lives, and the door for commands of other packages.

A package adds a command by an entry point in the group `verify.commands` that names a `click.Command`:

    [project.entry-points."verify.commands"]
    rm = "reward_models.cli.group:rm"

For `verify --help` only the names are read; the module is imported when the command is called.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from verifiers.errors import VerifyError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PLUGIN_GROUP = "verify.commands"


class BuiltIn(NamedTuple):
    """A command of this package: `module:attribute`, and the first line of its help."""

    target: str
    help: str


BUILT_IN = {
    "score": BuiltIn("verifiers.cli.score:score", "Score files of completions with a teacher."),
    "explain": BuiltIn("verifiers.cli.explain:explain", "Show how one completion was judged, and why."),
    "compare": BuiltIn("verifiers.cli.compare:compare", "Show where two teachers disagree on a file."),
    "list": BuiltIn("verifiers.cli.catalog:list_teachers", "List the teachers and their options."),
    "check": BuiltIn("verifiers.cli.check:check", "Run the contract suite on a teacher."),
    "rules": BuiltIn("verifiers.cli.rules:rules", "Check, try and attack rules that you write."),
    "sandbox": BuiltIn("verifiers.cli.sandbox:sandbox", "Build, list, check and try what programs are run in."),
    "doctor": BuiltIn("verifiers.cli.doctor:doctor", "Check this installation and say what to repair."),
}

UPPER_HELP = {
    "pairs": "Make preference pairs of scored groups, for DPO and reward models.",
    "rm": "Train and check reward models on what humans said of answers.",
    "serve": "Serve rewards over HTTP to trainers on other machines or with conflicting packages.",
}
"""The first lines of the commands that this distribution's upper packages bring by the same door as anybody's."""
DISTRIBUTION = "grpo-teachers"


class PluginError(VerifyError):
    """A command of another package cannot be loaded."""


class Plugin(NamedTuple):
    """A command that another package brings."""

    entry: EntryPoint

    @property
    def origin(self) -> str:
        """The package that brings it, for the help text."""
        distribution = self.entry.dist
        return f"from {distribution.name} {distribution.version}" if distribution else f"from {self.entry.value}"

    @property
    def own_help(self) -> str:
        """The first line of its help if it is this distribution's own; empty = a stranger's."""
        distribution = self.entry.dist
        return UPPER_HELP.get(self.entry.name, "") if distribution and distribution.name == DISTRIBUTION else ""

    def load(self) -> click.Command:
        """Import the command.

        Raises:
            PluginError: If that fails, or the object is no `click.Command`.
        """
        try:
            command = self.entry.load()
        except Exception as error:  # a stranger's module may raise anything; its text is passed on
            raise PluginError(
                f"The command {self.entry.name!r} ({self.origin}) cannot be loaded: {type(error).__name__}: {error}\n"
                f"Repair or uninstall that package; the other commands are not affected."
            ) from error
        if not isinstance(command, click.Command):
            raise PluginError(
                f"The command {self.entry.name!r} ({self.origin}) is not a click.Command: "
                f"{self.entry.value} is a {type(command).__name__}."
            )
        return command


@cache
def plugin_commands() -> dict[str, Plugin]:
    """Return the commands of other packages by name; a built-in command cannot be replaced."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=PLUGIN_GROUP), key=lambda entry: entry.name)
    return {entry.name: Plugin(entry) for entry in found if entry.name not in BUILT_IN}


def load_command(name: str) -> click.Command | None:
    """Import the command of that name; `None` if there is none.

    Raises:
        PluginError: If another package's command cannot be loaded.
    """
    built_in = BUILT_IN.get(name)
    if built_in is None:
        plugin = plugin_commands().get(name)
        return plugin.load() if plugin is not None else None
    module, _, attribute = built_in.target.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command
