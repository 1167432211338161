"""What runs of TRL in the tests share."""

from typing import Any

import pytest

QUIET: dict[str, Any] = {
    "report_to": "none",
    "use_cpu": True,
    "bf16": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}
"""Settings of a trainer that writes and prints nothing, on the CPU."""


def reported(patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put a reporter where `report_to="wandb"` has its own in the trainers to come; return what it is given to log."""
    import transformers

    seen: list[dict[str, Any]] = []

    class Reporter(transformers.TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
            seen.append(dict(logs))

    patch.setattr("transformers.trainer.get_reporting_integration_callbacks", lambda report_to: [Reporter])
    return seen
