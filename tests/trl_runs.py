"""What runs of TRL in the tests share."""

from typing import Any

QUIET: dict[str, Any] = {
    "report_to": "none",
    "use_cpu": True,
    "bf16": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}
"""Settings of a trainer that writes and prints nothing, on the CPU."""
