"""`verify rm`: the group of commands.

A command NAME is the `click.Command` called `command` in `reward_models/cli/NAME.py`, and a line in `COMMANDS`. It is
imported when it is called, and imports what is heavy (torch, transformers) only inside its functions.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "inspect": "Say what a file of ratings holds, and what is wrong with it.",
    "prepare": "Write training and validation files, split by prompt.",
    "train": "Train a reward model.",
    "eval": "Measure a reward model, beside baselines; compare two.",
}
"""Name -> first line of its help, which `verify rm --help` shows without importing the command."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"reward_models.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup)
def rm() -> None:
    """Train and check reward models on what humans said of answers.

    \b
      verify rm inspect ratings.jsonl
      verify rm prepare ratings.jsonl -o prepared/
      verify rm train ratings.jsonl --base MODEL -o my-rm
      verify rm eval my-rm held-out.jsonl
      verify score --task reward_model --set model=my-rm answers.jsonl
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)
