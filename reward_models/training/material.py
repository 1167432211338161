"""From files to what is trained and validated on: read, checked, divided, raters corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reward_models.data.checks import inspected
from reward_models.data.findings import findings
from reward_models.data.labels import relabelled
from reward_models.data.prepared import prepared_parts
from reward_models.data.rated import RatedData, data_hash
from reward_models.data.raters import Raters, fit_raters
from reward_models.data.reading import OnBad, read_rated
from reward_models.data.split import By, apart, split_prompts
from reward_models.types import RatedPrompt
from verifiers.errors import InputError, UsageError

MIN_ANSWERS = 4
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Which files, and how they are read.

    Attributes:
        files: To train on; a folder of `verify rm prepare` alone brings its validation with it.
        validation: Files for it; none = a share of the prompts of `files`.
        mapping: Column -> field, as of `verify rm inspect`.
        aspects: Aspect -> weight.
        scale: Lowest and highest rating; `None` = as the files say.
        reference: Put each row's reference into its prompt.
        on_bad: Refuse files with bad rows, or skip those.
        raters: Whether raters' offsets are taken off the labels.
        split_by: What no answer of validation has in common with training.
    """

    files: Sequence[str]
    validation: Sequence[str] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    aspects: Mapping[str, float] = field(default_factory=dict)
    scale: tuple[float, float] | None = None
    reference: bool = False
    on_bad: OnBad = "refuse"
    raters: Literal["auto", "on", "off"] = "auto"
    split_by: By = "prompt"


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained and validated on.

    Attributes:
        train, validation: Their prompts; validation may be empty.
        aspects: Aspect -> weight; empty = answers are rated as a whole.
        data_hash: Of both.
        shape: Of the files.
        raters: Whose offsets are off the labels, if they are on.
    """

    train: Sequence[RatedPrompt]
    validation: Sequence[RatedPrompt]
    aspects: Mapping[str, float]
    data_hash: str
    shape: str
    raters: Raters


def gather(sources: Sources, share: float, seed: int, say: Say) -> Material:
    """Read the files and divide them.

    Args:
        sources: Which files.
        share: Of prompts for validation, where no files are given for it; 0 = none.
        seed: Of the division.
        say: Takes what a person should know.

    Raises:
        InputError: If a file cannot be read, or holds bad rows and these are refused.
        UsageError: If there is too little to train on.
    """
    parts = prepared_parts(sources.files[0]) if len(sources.files) == 1 and not sources.validation else []
    data = _read(sources, parts[:1] or sources.files)
    _describe(data, say)
    if parts:  # divided once, perhaps by rater: not to be divided again
        train, validation = list(data.prompts), list(_read(sources, parts[1:]).prompts)
    else:
        train, validation = _divided(sources, data, share, seed, say)
    raters = fit_raters(train, sources.raters)
    if raters.on:
        train = relabelled(train, data.aspects, raters.offsets)
        validation = relabelled(validation, data.aspects, raters.offsets)
        say(f"raters' habits are taken off the labels: {raters.why}; raters' share of the spread {raters.share:.0%}")
    train, validation = [_labelled(train), _labelled(validation)]
    answers = sum(len(prompt.answers) for prompt in train)
    if answers < MIN_ANSWERS:
        raise UsageError(f"{answers} answers with labels are left to train on; at least {MIN_ANSWERS} are needed")
    say(
        f"train: {len(train):,} prompts, {answers:,} answers; validation: {len(validation):,} prompts, "
        f"{sum(len(prompt.answers) for prompt in validation):,} answers"
    )
    return Material(train, validation, data.aspects, data_hash([*train, *validation]), data.shape, raters)


def tell_of_margins(loss: str, prompts: Sequence[RatedPrompt], say: Say) -> None:
    """Say so where a loss that is made of margins has none to learn from."""
    stated = any(each.margin is not None for prompt in prompts for each in prompt.preferences)
    starred = any(len({answer.stars for answer in prompt.answers} - {None}) > 1 for prompt in prompts)
    if loss in ("margin", "scaled") and not stated and not starred:
        say(f"loss={loss}: no pair has a margin, so this is the same as bt; name its column with --map COLUMN=margin")


def _read(sources: Sources, files: Sequence[str]) -> RatedData:
    try:
        return read_rated(
            files,
            map=sources.mapping,
            aspects=sources.aspects or None,
            scale=sources.scale,
            reference=sources.reference,
            on_bad=sources.on_bad,
        )
    except InputError as error:
        if sources.on_bad == "refuse" and "bad row" in str(error):
            raise InputError(f"{error}. Mend them, or leave them out with --bad-rows skip") from error
        raise


def _describe(data: RatedData, say: Say) -> None:
    say(f"read {data.counts.rows:,} rows as {data.shape}: {', '.join(f'{k}={v}' for k, v in data.columns.items())}")
    for remark in data.remarks():
        say(remark)
    for finding in findings(inspected(data)):
        if finding.level == "warn" and finding.name != "rows":  # bad rows were told of above
            say(f"warning: {finding.name}: {finding.found}{f'. {finding.advice}' if finding.advice else ''}")


def _divided(
    sources: Sources, data: RatedData, share: float, seed: int, say: Say
) -> tuple[list[RatedPrompt], list[RatedPrompt]]:
    if sources.validation:
        held = list(_read(sources, sources.validation).prompts)
        train = apart(data.prompts, held)
        if left_out := len(data.prompts) - len(train):
            say(
                f"not trained on: {left_out:,} of {len(data.prompts):,} prompts, which the validation files hold too "
                "(in other case or punctuation, or as another turn of one conversation, is the same)"
            )
        return train, held
    if not share:
        say("no validation: nothing chooses a checkpoint, stops early or calibrates the scores")
        return list(data.prompts), []
    split = split_prompts(data.prompts, share=share, seed=seed, by=sources.split_by, aspects=data.aspects)
    if split.shared_answers:
        say(f"{split.shared_answers:,} answers of validation have the words of an answer in training")
    return split.train, split.validation


def _labelled(prompts: Sequence[RatedPrompt]) -> list[RatedPrompt]:
    """Drop prompts that say nothing: no stars, no comparison."""
    return [
        prompt
        for prompt in prompts
        if prompt.preferences or any(answer.stars is not None or answer.aspects for answer in prompt.answers)
    ]
