"""Teachers for the tests of the engine and the contract: one good, the others bad in one way each."""

import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from verifiers.errors import MissingExtra
from verifiers.stamps import stamp_line
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Part, Sample, Status, Verdict


@dataclass(frozen=True)
class Options:
    """Of the toys.

    Attributes:
        worker: Leave everything to a worker.
    """

    worker: bool = False


def same(sample: Sample) -> Verdict:
    if sample.reference is None:
        return Verdict(None, Status.BAD_REFERENCE, "no reference")
    right = sample.completion == sample.reference
    return Verdict(float(right), Status.CORRECT if right else Status.INCORRECT, "compared")


class Toy(BaseTeacher):
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict | None:
        return None if self.options.worker else self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        return same(sample)


@teacher(version="1", options=Options)
class Good(Toy):
    """Reward 1.0 if the completion is the reference."""


@dataclass(frozen=True)
class ReaderOptions:
    """Of the reader.

    Attributes:
        folder: Where `right.txt` lies.
        worker: Leave everything to a worker.
    """

    folder: str = ""
    worker: bool = False


@teacher(version="1", options=ReaderOptions)
class Reader(BaseTeacher):
    """Pays the completion that a file names, and tells its process when asked for `pid`."""

    reads: ClassVar[tuple[str, ...]] = ("completion",)

    def __init__(self, options: ReaderOptions) -> None:
        self.options = options
        self._right = Path(options.folder, "right.txt").read_text()

    def stamp(self) -> str:
        return stamp_line(self.options.folder, [Path(self.options.folder)], {".txt"})

    def quick(self, sample: Sample) -> Verdict | None:
        return None if self.options.worker else self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        if sample.completion == "pid":
            return Verdict(None, Status.UNAVAILABLE, str(os.getpid()))
        right = sample.completion == self._right
        return Verdict(float(right), Status.CORRECT if right else Status.INCORRECT, "read")


@teacher(version="1", options=Options)
class OnlyQuick(BaseTeacher):
    """Judges all at once but what says "later", and has no `judge`."""

    def __init__(self, options: Options) -> None:
        pass

    def quick(self, sample: Sample) -> Verdict | None:
        return None if sample.completion == "later" else same(sample)


@teacher(version="1", options=Options)
class Does(Toy):
    """Does what the completion says, to its own harm."""

    def judge(self, sample: Sample) -> Verdict:
        verdict = {
            "hang": lambda: time.sleep(600),
            "raise": lambda: 1 / 0,
            "exit": lambda: os._exit(3),
            "sys.exit": lambda: sys.exit(4),
            "abort": os.abort,
            "kill": lambda: os.kill(os.getpid(), 9),
            "inf": lambda: float("inf"),
            "memory": lambda: bytearray(64 << 30),
            "print": lambda: print("noise"),
            "nan": lambda: Verdict(float("nan"), Status.PARTIAL),
            "word": lambda: "correct",
            "extra": lambda: (_ for _ in ()).throw(MissingExtra("needs the package 'x'")),
            "parts": lambda: Verdict(0.5, Status.PARTIAL, "half", "\ud800", (Part("a", None, "r", 2.0, {"n": 2**70}),)),
            "surrogate": lambda: same(sample),
            "random": lambda: Verdict(0.0, Status.INCORRECT, str(random.SystemRandom().random())),
            "reference": lambda: Verdict(1.0, Status.CORRECT, repr(sample.reference)),
            "object": lambda: Verdict(0.0, Status.INCORRECT, "", None, (Part("a", 0.0, details={"x": object()}),)),
        }.get(str(sample.completion).partition(" ")[0], lambda: same(sample))()
        return same(sample) if verdict is None else verdict  # type: ignore[return-value]


class Batch:
    """Only the protocol: a batch in, a list out."""

    name = "batch"
    version = "1"

    def __init__(self, extra: int = 0) -> None:
        self.extra = extra

    def score(self, samples):  # type: ignore[no-untyped-def]
        return [same(sample) for sample in samples] + [same(samples[0])] * self.extra


class NotAList(Batch):
    def score(self, samples):  # type: ignore[no-untyped-def]
        return 7


class FlatRewards(Batch):
    def score(self, samples):  # type: ignore[no-untyped-def]
        return [0.25 for _ in samples]


def plain(sample: Sample) -> float:
    return 0.5 if sample.completion else 0.0


# -- for the contract: each breaks one rule


@teacher(version="1", options=Options)
class Neighbours(Toy):
    """Looks at the sample before."""

    def score(self, samples):  # type: ignore[no-untyped-def]
        return [same(samples[max(0, i - 1)]) for i in range(len(samples))]


@teacher(version="1", options=Options)
class Unsure(Toy):
    """Throws dice."""

    def judge(self, sample: Sample) -> Verdict:
        verdict = same(sample)
        return Verdict(verdict.reward, verdict.status, str(random.SystemRandom().random()))


@teacher(version="1", options=Options)
class QuickDiffers(Toy):
    """Is kinder when it is quick."""

    def quick(self, sample: Sample) -> Verdict | None:
        return Verdict(1.0, Status.CORRECT, "compared")


@teacher(version="1", options=Options)
class Evaluates(Toy):
    """Runs what the model wrote."""

    def judge(self, sample: Sample) -> Verdict:
        for call in ("open(", "__import__("):
            text = str(sample.completion)
            if text.startswith(call):
                if "environ" in text:
                    os.environ["VERIFY_CANARY"] = "1"
                elif call == "open(":
                    Path(text.split("'")[1]).touch()
        return same(sample)


@teacher(version="1", options=Options)
class Generous(Toy):
    """Pays whatever is long, and does not miss its reference."""

    def judge(self, sample: Sample) -> Verdict:
        return Verdict(1.0, Status.CORRECT) if len(sample.completion) > 1000 else same(sample)


@teacher(version="1", options=Options)
class NeedsNoReference(Toy):
    """Pays without a reference."""

    def judge(self, sample: Sample) -> Verdict:
        return Verdict(1.0, Status.CORRECT) if sample.reference is None else same(sample)


@teacher(version="1", options=Options)
class Mutates(Toy):
    """Writes into a sample."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "meta")

    def judge(self, sample: Sample) -> Verdict:
        sample.meta["seen"] = True  # type: ignore[index]
        return same(sample)


@teacher(version="1", options=Options)
class Prints(Toy):
    """Prints."""

    def judge(self, sample: Sample) -> Verdict:
        print("noise")
        return same(sample)


@teacher(version="1", options=Options)
class ReadsMore(Toy):
    """Reads the prompt in secret."""

    def judge(self, sample: Sample) -> Verdict:
        return Verdict(0.0, Status.INCORRECT, "noise") if sample.prompt == "noise" else same(sample)


@teacher(version="1", options=Options)
class Fragile(Toy):
    """Raises at odd characters."""

    def judge(self, sample: Sample) -> Verdict:
        str(sample.completion).encode("utf-8")
        return same(sample)


@teacher(version="1", options=Options)
class Slow(Toy):
    """Hangs on long completions."""

    deadline_s: ClassVar[float] = 0.3

    def judge(self, sample: Sample) -> Verdict:
        if len(sample.completion) == 1_000_000:
            time.sleep(600)
        return same(sample)


@dataclass
class Loose:
    wild: dict
    bare: int = 3


@teacher(version="", options=Loose, name="undescribed")
def undescribed(sample: Sample, options: Loose) -> bool:
    return True
