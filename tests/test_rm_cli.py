"""`verify rm`: what its group and help load."""

import subprocess
import sys
from pathlib import Path

import pytest

from reward_models.cli.group import COMMANDS
from verifiers.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ["torch", "transformers", "datasets", "peft", "accelerate", "numpy", "safetensors"]


@pytest.mark.parametrize("arguments", [["rm", "--help"], ["rm", "inspect", "--help"], ["rm", "prepare", "--help"]])
def test_rm_help_when_printed_then_loads_nothing_heavy(arguments: list[str]):
    program = (
        f"import sys, reward_models; from verifiers.cli.main import run; code = run({arguments!r}); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_rm_help_when_printed_then_names_every_command(capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {text}" in out for name, text in COMMANDS.items())


def test_rm_when_the_command_is_unknown_then_usage_error(capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "tarin"]) == 2
    assert "tarin" in capsys.readouterr().err
