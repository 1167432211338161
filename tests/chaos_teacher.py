"""A teacher for chaos: what the completion's checksum says decides whether it judges, and how it fails if not."""

import os
import time
from zlib import crc32

from verifiers.teacher import teacher
from verifiers.types import Sample, text_of

KINDS = 16


def fate(completion: str) -> int:
    return crc32(completion.encode()) % KINDS


@teacher(version="1")
def chaos(sample: Sample) -> object:
    """Reward 0, 0.5 or 1 by checksum, or a failure."""
    kind = fate(text_of(sample.completion))
    if kind == 0:
        raise ValueError("chaos")
    if kind == 1:
        time.sleep(600)
    if kind == 2:
        os.kill(os.getpid(), 9)
    return {3: float("nan"), 4: float("inf"), 5: "no number", 6: None}.get(kind, kind % 3 / 2)


FAILS = frozenset(range(7))
