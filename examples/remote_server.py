"""Rewards from a server: `verify serve` in one process (or machine, or environment), the trainer in another.

    python examples/remote_server.py

Needs `pip install 'grpo-teachers[serve]'` where the server runs; the client needs nothing. The address is a task like
any other: `trl_reward("http://scorers:8000")`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from grpo_bridge.scorer import GroupScorer
from verifiers import Sample

START_S = 60


@contextmanager
def serving(task: str) -> Iterator[str]:
    """Run a server on a free port of this machine and lend its address."""
    command = [sys.executable, "-m", "verifiers", "serve", "--task", task, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = []
        for line in server.stdout or ():
            said.append(line)
            if "http://" in line:
                yield "http://" + line.partition("http://")[2].split()[0].rstrip(".,;/")
                return
        raise SystemExit("the server did not start: " + "".join(said))
    finally:
        server.terminate()
        server.wait(START_S)


def main() -> None:
    """Score a group on the server."""
    with serving("math") as address:
        scorer = GroupScorer(address)
        for one in scorer.score([Sample(text, "2 + 2", "4") for text in ("4", r"\boxed{5}", "It is 2+2, so 4.")]):
            print(one.reward, one.reason)


if __name__ == "__main__":
    main()
