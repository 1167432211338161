"""`verify`: the group of commands, and what becomes of an error.

Nothing that a command needs is imported before the command runs, so that `verify --help` stays fast.

Exit codes: 0 ran, 1 our failure, 2 usage, 3 more rows could not be judged than `--max-errors`, 100 the gate
`--fail-under` was missed, 130 interrupted, 141 the reader of our output went away.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import click

from verifiers import __version__
from verifiers.cli.commands import BUILT_IN, load_command, plugin_commands
from verifiers.cli.exits import (
    EXIT_BROKEN_PIPE,
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_NOT_JUDGED,
    EXIT_USAGE,
    Interrupted,
)
from verifiers.cli.text import escape_lines
from verifiers.errors import TooManyNotJudged, UsageError, VerifyError

PROGRAM = "verify"
GC_THRESHOLD = 50_000
"""New containers between two looks for cycles: rows make many containers and hardly a cycle."""
_debug = False
"""Set by `--debug`, which every command accepts; read when an error arrives at `run`."""


class _ReaderGone(Exception):
    """Whoever read our output went away."""


def _set_debug(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    global _debug
    _debug = _debug or value


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Show the traceback of an error.",
    )


class LazyGroup(click.Group):
    """A group that knows its commands' names and first lines, and imports a command when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click's own answer to it is exit code 1, which says that we failed
            raise _ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*BUILT_IN, *plugin_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = load_command(cmd_name)
        if command is not None and not any("--debug" in parameter.opts for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close or "Did you mean" in error.format_message():
                raise
            raise click.UsageError(f"{error.format_message()} Did you mean {close[0]!r}?", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        plugins = plugin_commands()
        ours = {name: plugin.own_help for name, plugin in plugins.items() if plugin.own_help}
        with formatter.section("Commands"):
            formatter.write_dl([*((name, each.help) for name, each in BUILT_IN.items()), *ours.items()])
        others = [(name, plugin.origin) for name, plugin in plugins.items() if name not in ours]
        if others:
            with formatter.section("From other packages"):
                formatter.write_dl(others)


@click.group(
    PROGRAM,
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "max_content_width": 110,
    },
)
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM)
def cli() -> None:
    """Score model answers with teachers: verifiers and rewards for GRPO.

    \b
      verify score --task math answers.jsonl -o scored.jsonl
      verify explain --task math --completion '\\boxed{1/2}' --reference 0.5
      verify list
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)


cli.params.append(_debug_option())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors become one line on stderr.

    Args:
        arguments: What follows the program's name; `None` = the process's own.
    """
    global _debug
    _debug = False
    _open_closed_streams()
    _never_fail_on_encoding()
    try:
        outcome: Any = cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except (BrokenPipeError, _ReaderGone):
        return _leave_broken_pipe()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted.", err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # since click 8.2; its message is the whole help
            click.echo(error.format_message(), err=True)
            return error.exit_code
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n", err=True)
        return _report(error, escape_lines(error.format_message()), error.exit_code)
    except Interrupted as error:
        click.echo(f"\n{escape_lines(str(error))}", err=True)
        return EXIT_INTERRUPTED
    except VerifyError as error:
        return _report(error, escape_lines(str(error)), _exit_code(error))
    except Exception as error:  # the last door: anything else is a fault of ours or of a plug-in, and is shown
        return _report(error, f"{type(error).__name__}: {escape_lines(str(error))}{_hint()}", EXIT_FAILURE)


def main() -> None:
    """Run `verify` and exit: the entry point of the console script."""
    gc.set_threshold(GC_THRESHOLD)
    exit_code = run()
    if exit_code in (EXIT_INTERRUPTED, EXIT_BROKEN_PIPE):
        # Nobody waits for the answer: do not join threads whose workers may take a whole deadline yet. The workers
        # see the end of their sockets and end too.
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)


def _exit_code(error: VerifyError) -> int:
    if isinstance(error, UsageError):
        return EXIT_USAGE
    return EXIT_NOT_JUDGED if isinstance(error, TooManyNotJudged) else EXIT_FAILURE


def _hint() -> str:
    return "" if _debug else "\nThis is a fault of the program; run again with --debug to see where."


def _report(error: BaseException, text: str, exit_code: int) -> int:
    if _debug:
        import traceback

        click.echo(escape_lines("".join(traceback.format_exception(error))), err=True)
    click.echo(f"Error: {text}", err=True)
    return exit_code


def _open_closed_streams() -> None:
    """Give a process that was started without standard streams (`<&- >&-`, some daemons) ones that go nowhere."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (open as long as we run)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open as long as we run)


def _never_fail_on_encoding() -> None:
    """Print what a terminal's encoding lacks (and lone surrogates) as escapes rather than raise."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _leave_broken_pipe() -> int:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays quiet too."""
    from verifiers.io.recorder import mute_stdout  # not light, and nobody waits for us any more

    with suppress(OSError, ValueError):  # not a real file, as under a test runner
        mute_stdout()
    return EXIT_BROKEN_PIPE
