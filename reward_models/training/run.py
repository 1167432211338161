"""A training run, from files to a saved model."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, PrinterCallback
from transformers.utils import logging as hf_logging

from reward_models.batching.cutpoints import Cutpoints
from reward_models.batching.labels import LabelMaker
from reward_models.batching.plan import BatchPlan
from reward_models.batching.scale import StarScale
from reward_models.data.labels import relabelled
from reward_models.losses.base import Loss
from reward_models.losses.registry import check_fits
from reward_models.models.pooled import final_layer
from reward_models.models.reward_model import RewardModel
from reward_models.training.arguments import training_arguments
from reward_models.training.batches import EpochChain
from reward_models.training.building import (
    Encoding,
    build_model,
    collator,
    encode,
    first_features,
    load_weights,
    make_loss,
    shares,
    start,
)
from reward_models.training.checkpoints import (
    check_best,
    check_same_run,
    drop_torn,
    has_ended,
    is_finished,
    last_whole,
    mark_finished,
    step_of,
    write_run,
)
from reward_models.training.finishing import Finished, finish
from reward_models.training.folder import check_folder, check_writable, drop_replaced, set_aside
from reward_models.training.material import Material, Say, Sources, gather, tell_of_margins
from reward_models.training.optimizer import head_gain
from reward_models.training.preflight import check_settings
from reward_models.training.processes import device, first_then_others, rank, wait, world
from reward_models.training.progress import ProgressCallback, clock
from reward_models.training.rater_offsets import offsets_beside_head
from reward_models.training.settings import Settings, as_json
from reward_models.training.trainer import RewardTrainer, TrainingSet
from reward_models.training.validation import Validator, check_select
from verifiers.types import Json

CHOICE_FILE = "choice.json"
LOG_FILE = "training.json"
VALIDATION_TOKENS = 8192
"""Padded tokens of a forward pass without gradients."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to train.

    Attributes:
        sources: The files.
        base: Folder or hub id of the model to start from.
        output: Folder of the run and of the model.
        settings: Of the training.
        resume: Go on with the run in `output`.
        overwrite: Replace what is in `output`.
        trust_remote_code, allow_pickle: What is refused otherwise.
        bar: Whether to draw a bar on a terminal.
    """

    sources: Sources
    base: str
    output: Path
    settings: Settings = field(default_factory=Settings)
    resume: bool = False
    overwrite: bool = False
    trust_remote_code: bool = False
    allow_pickle: bool = False
    bar: bool = True


@dataclass(frozen=True, slots=True)
class Data:
    """Training and validation answers as tokens, and the scale of their stars."""

    train: Encoding
    held: Encoding
    scale: StarScale

    def without(self, offsets: Mapping[str, float], aspects: Mapping[str, float]) -> Data:
        """Return the same with these raters' offsets taken off the labels."""
        train, held = (
            replace(each, prompts=relabelled(each.prompts, aspects, offsets)) for each in (self.train, self.held)
        )
        return Data(train, held, StarScale.fit(train.prompts))


@dataclass(frozen=True, slots=True)
class Choice:
    """The loss by name, the loss, what the body's rate is divided by, and the data with its final labels."""

    name: str
    loss: Loss
    gain: float
    data: Data


def train(request: Request, say: Say) -> Finished | None:
    """Train a reward model and save it.

    Args:
        request: What to train.
        say: Takes lines for a person; of several processes only the first one speaks.

    Returns:
        The card and what was measured; `None` in other processes than the first one, and where a run to resume is
        finished already.

    Raises:
        UsageError: If the request is not allowed or cannot work here, or `output` is taken.
        InputError: If data or base cannot be read, or `output` cannot be written, or its best checkpoint is gone.
        NotFinite: If the loss is not; the batch is saved.
        OutOfMemory: If memory runs out and there is nothing left to halve.
    """
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    say = say if rank() == 0 else _silent
    settings = request.settings
    check_settings(settings)
    first_then_others(lambda: _check_folder(request), lambda: None)
    material = gather(request.sources, settings.validation_share, settings.seed, say)
    check_fits(settings.loss, material.train)
    tell_of_margins(settings.loss, material.train, say)
    check_select(settings.select, material.validation)
    facts = _facts(request, material)
    if request.resume:
        check_same_run(request.output, facts)
        if is_finished(request.output):
            say(f"{request.output} is finished: nothing is left to resume. --overwrite trains anew")
            return None
        check_best(request.output)
    scale = StarScale.fit(material.train)
    model = _built(request, shares(material, scale))
    data = Data(encode(model, material.train), encode(model, material.validation), scale)
    # Not before: what fails at loading leaves no folder behind, and an earlier run as it was.
    checkpoint = first_then_others(lambda: _claim(request, facts, say), lambda: _found(request))
    _say_lengths(model, say)
    choice = _chosen(request, checkpoint, model, data, material, say)
    data = choice.data
    trained_s = 0.0
    if settings.method != "head" or not settings.head_start:
        trained_s = _run(request, model, choice, data, checkpoint, say)
    found: dict[str, Json] = {"loss": choice.name, "data_hash": material.data_hash, "settings": as_json(settings)}
    finished = None
    if rank() == 0:
        cuts = choice.loss.cutpoints()
        cutpoints = None if cuts is None else Cutpoints(data.scale.levels, tuple(cuts.tolist()))
        finished = finish(model, data.train, data.held, request.output, found, settings.seed, cutpoints)
        drop_replaced(request.output)
        mark_finished(request.output)
        _say_end(finished, request.output, trained_s, say)
    wait()
    return finished


def _built(request: Request, aspects: Mapping[str, float]) -> RewardModel:
    how = {"trust_remote_code": request.trust_remote_code, "allow_pickle": request.allow_pickle}
    return build_model(request.base, request.settings, aspects, device=device(), **how)


def _silent(line: str) -> None:
    """Say nothing."""


def _facts(request: Request, material: Material) -> dict[str, Json]:
    return {
        "base": request.base,
        "data_hash": material.data_hash,
        "settings": as_json(request.settings),
        "world": world(),
    }


def _check_folder(request: Request) -> None:
    sources = request.sources
    if request.resume:
        check_writable(request.output)
    else:
        check_folder(request.output, request.overwrite, [request.base, *sources.files, *sources.validation])


def _claim(request: Request, facts: Mapping[str, Json], say: Say) -> Path | None:
    """Take the output folder; return the checkpoint to go on from."""
    output = request.output
    if request.resume:
        for torn in drop_torn(output):
            say(f"{torn.name} was being written when the run ended; it is left aside")
        checkpoint = last_whole(output)
        if checkpoint is None:
            say("no checkpoint yet: starting again")
        elif has_ended(checkpoint):
            say(f"training had ended at {checkpoint.name}: only what comes after it is left")
        else:
            say(f"resuming from {checkpoint.name}")
        return checkpoint
    if aside := set_aside(output):
        say(f"what was in {output} is in {aside} until the new model is saved")
    write_run(output, facts)
    return None


def _found(request: Request) -> Path | None:
    return last_whole(request.output) if request.resume else None


def _say_lengths(model: RewardModel, say: Say) -> None:
    counts = model.encoder.counts
    cut = f", {counts.truncated_texts:,} cut to {model.encoder.max_tokens:,}" if counts.truncated_texts else ""
    say(f"{counts.texts:,} answers, {counts.tokens:,} tokens with their prompts{cut}")


def _chosen(
    request: Request, checkpoint: Path | None, model: RewardModel, data: Data, material: Material, say: Say
) -> Choice:
    """Choose raters' offsets, loss and head; a resumed run has the head in its checkpoint, and the rest beside it."""
    path = request.output / CHOICE_FILE
    if checkpoint is not None:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if offsets := stored.get("offsets"):
            data = data.without(offsets, material.aspects)
        loss = make_loss(stored["loss"], data.scale, request.settings, model.aspects)
        return Choice(stored["loss"], loss, stored["gain"], data)
    settings = request.settings
    features_ND = first_features(model, data.train) if settings.head_start else None
    offsets = {}
    if features_ND is not None and material.raters.on:
        say("raters' offsets are fitted once more, beside a head")
        offsets = offsets_beside_head(features_ND, data.train.prompts, material.raters).offsets
        data = data.without(offsets, material.aspects)
    name, loss = start(model, data.train, features_ND, data.scale, settings, say)
    gain = head_gain(final_layer(model.stock)) if settings.head_start else 1.0
    if rank() == 0:
        path.write_text(json.dumps({"loss": name, "gain": gain, "offsets": offsets}) + "\n", encoding="utf-8")
    return Choice(name, loss, gain, data)


def _run(request: Request, model: RewardModel, choice: Choice, data: Data, checkpoint: Path | None, say: Say) -> float:
    """Fine-tune; the model is then the best of all checkpoints. Returns seconds."""
    settings, held = request.settings, data.held
    items = data.train.items
    plan = BatchPlan(
        [len(item.ids) for item in items],
        data.train.prompt_numbers,
        settings.update_tokens,
        seed=settings.seed,
        padded=False,
        ranks=world(),
    )
    chain = EpochChain(plan, settings.epochs, rank())
    lay = collator(model, LabelMaker(data.train.prompts, data.scale), settings, world())
    args = training_arguments(settings, request.output, len(chain), bool(held.encoded))
    if checkpoint and has_ended(checkpoint):
        # The Trainer forgets at its start that it was stopped early: nothing may be left to train on.
        chain = replace(chain, steps=step_of(checkpoint))
    training_set = TrainingSet(data.train.prompts, items, chain, lay)
    trainer = RewardTrainer(model.net, args, training_set, choice.loss, settings, model.tokenizer, choice.gain)
    if held.encoded:
        trainer.validate = Validator(
            lambda: trainer.model_wrapped,
            held.prompts,
            held.items,
            lay,
            trainer.loss.scores,
            max(VALIDATION_TOKENS, settings.micro),
            rank(),
            world(),
        )
        if settings.patience:
            trainer.add_callback(EarlyStoppingCallback(settings.patience))
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(ProgressCallback(say, chain.epoch_steps(), request.bar))
    began_s = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    sharded = settings.fsdp or settings.deepspeed
    if sharded and rank() == 0:
        # No process has all of its weights; the checkpoint has.
        model.net = _built(request, model.aspects).net
        load_weights(model.net, Path(trainer.state.best_model_checkpoint or last_whole(request.output) or ""))
    elif not sharded:
        model.net = trainer.accelerator.unwrap_model(trainer.model)
    if rank() == 0:
        _write_log(request.output / LOG_FILE, trainer)
        _say_best(trainer, settings.head_start, say)
    return time.monotonic() - began_s


def _say_best(trainer: Any, head_start: bool, say: Say) -> None:
    if trainer.loaded_step is None:
        return
    if trainer.loaded_step == 0:
        what = "the fitted head" if head_start else "the model as it was"
        say(f"best on validation: step 0, {what}, which is what is saved; with so much data no step was better")
    else:
        say(f"best on validation: step {trainer.loaded_step} of {trainer.state.global_step}, which is what is saved")


def _write_log(path: Path, trainer: Any) -> None:
    state = trainer.state
    found = {
        "steps": state.global_step,
        "tokens": state.num_input_tokens_seen,
        "best_step": state.best_global_step,
        "best_figure": state.best_metric,
        "micro_tokens": trainer.micro_tokens,
        "log": state.log_history,
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _say_end(finished: Finished, output: Path, trained_s: float, say: Say) -> None:
    if finished.evaluation is not None:
        for name, interval in finished.evaluation.quality.measures:
            if interval is not None:
                ends = "" if interval.low is None else f" [{interval.low:.3f}, {interval.high:.3f}]"
                say(f"validation {name}: {interval.value:.3f}{ends}")
    say(f"saved {output} after {clock(trained_s)} of training")
    say(f"next: verify score --task reward_model --set {shlex.quote(f'model={output}')} answers.jsonl")
