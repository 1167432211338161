"""Right if the completion's last word is the reference. `slow ...` goes to a worker, `hang ...` never ends there."""

import time

from verifiers.teacher import BaseTeacher, NoOptions, accept, adversarial, reject, teacher, unscorable
from verifiers.types import Sample, Status, Verdict, text_of


@teacher(version="1")
class Toy(BaseTeacher):
    """A toy for tests."""

    reads = ("completion", "reference")

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge all but the slow ones."""
        text = text_of(sample.completion)
        return None if text.startswith(("slow", "hang", "die")) else self._judge(sample, text)

    def judge(self, sample: Sample) -> Verdict:
        """Judge in a worker."""
        text = text_of(sample.completion)
        if text.startswith("hang"):
            time.sleep(60)
        if text.startswith("die"):
            raise SystemExit(3)
        if text.startswith("slow"):
            time.sleep(0.01)
        return self._judge(sample, text)

    def _judge(self, sample: Sample, text: str) -> Verdict:
        if sample.reference is None:
            return Verdict(None, Status.BAD_REFERENCE, "no reference")
        word = text.rpartition(" ")[2]
        right = word == str(sample.reference)
        return Verdict(float(right), Status.CORRECT if right else Status.INCORRECT, "the last word", word)


CASES = [
    accept("it is 4", reference="4"),
    reject("it is 5", reference="4"),
    adversarial("4 or 5", reference="4"),
    unscorable("4"),
]
