"""What a person sees of a run: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from verifiers.cli.table import is_terminal

LINE_EVERY_S = 10.0
_SHOWN = ("pair_accuracy", "spearman", "rank_quality")


class ProgressCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Shows how far a run is.

    Args:
        say: Takes each line; the bar, where there is one, is drawn apart.
        epoch_steps: Steps of an epoch.
        bar: Whether to draw one where stderr is a terminal.
    """

    def __init__(self, say: Callable[[str], None], epoch_steps: int, bar: bool = True) -> None:
        self._say = say
        self._epoch_steps = max(1, epoch_steps)
        self._wants_bar = bar
        self._bar: Any = None
        self._began = (0.0, 0, 0)
        self._next_line_s = 0.0
        self._loss: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._began = (time.monotonic(), state.global_step, state.num_input_tokens_seen)
        self._next_line_s = self._began[0] + 1.0
        if self._wants_bar and is_terminal(sys.stderr) and state.is_world_process_zero:
            self._bar = _bar(state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show the step."""
        if not state.is_world_process_zero:
            return
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step, description=self._text(state))
        elif time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + LINE_EVERY_S
            share = state.global_step / max(1, state.max_steps)
            self._say(
                f"step {state.global_step:,}/{state.max_steps:,} ({share:.0%}), {self._text(state)}, "
                f"{clock(self._left_s(state))} left"
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **kwargs: Any) -> None:
        """Remember the loss."""
        self._loss = logs.get("loss", self._loss)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **kwargs: Any) -> None:
        """Say how good the model is on the validation set."""
        shown = [
            f"{name.replace('_', ' ')} {metrics[f'eval_{name}']:.3f}" for name in _SHOWN if f"eval_{name}" in metrics
        ]
        if shown and state.is_world_process_zero:
            epoch = state.global_step / self._epoch_steps
            self._say(f"validation at step {state.global_step:,} (epoch {epoch:.1f}): {', '.join(shown)}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _text(self, state: Any) -> str:
        began_s, _, tokens = self._began
        rate = (state.num_input_tokens_seen - tokens) / max(1e-3, time.monotonic() - began_s)
        loss = "" if self._loss is None else f"loss {self._loss:.4f}, "
        return f"{loss}{rate:,.0f} tokens/s"

    def _left_s(self, state: Any) -> float:
        began_s, step, _ = self._began
        done = max(1, int(state.global_step) - step)
        left = int(state.max_steps) - int(state.global_step)
        rate_s = float(time.monotonic() - began_s) / done
        return rate_s * left


def clock(seconds: float) -> str:
    """Return `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _bar(total: int) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=total)
    bar.start()
    return bar
