"""Reward models where torch is not installed: a pip command, not a traceback's riddle."""

import subprocess
import sys


def test_models_when_imported_without_torch_then_name_the_extra():
    program = "import sys; sys.modules['torch'] = None\nimport reward_models\nimport reward_models.models.load"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "MissingExtra" in done.stderr
    assert "pip install 'grpo-teachers[rm]'" in done.stderr


def test_reward_models_when_imported_then_load_nothing_heavy():
    heavy = ["torch", "transformers", "datasets", "peft", "numpy", "accelerate"]
    program = f"import sys, reward_models, reward_models.types; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
