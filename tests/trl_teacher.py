"""Pays for digits: something that a policy of random weights can learn in a few steps."""

from verifiers.teacher import teacher
from verifiers.types import Sample, text_of


@teacher(version="1", bounded=True)
def digits(sample: Sample) -> float:
    """Reward: the share of digits."""
    text = text_of(sample.completion)
    return sum(character.isdigit() for character in text) / max(1, len(text))
