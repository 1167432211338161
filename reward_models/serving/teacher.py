"""A trained reward model as a teacher: one number for how good an answer is, from a model of human ratings.

Accepts any prompt and completion (text or chat messages); references are not read. `model` is a folder that
`verify rm train` wrote, any stock sequence classifier with one output, or several of them with commas: an ensemble
whose disagreement is in the verdict's parts.

The reward is the model's score: raw (around 0 for models of ours), centred (in standard deviations of the calibration
set) or calibrated (stars, or the chance to beat an answer of the calibration set). Micro-batches are formed of all that
is under way: sorted by length within a budget of tokens, equal answers once, a prompt once for all its answers where
the model is a decoder. Scores are held against the calibration set; drift, ties and scores out of range are logged.

Refuses pickled weights and a checkpoint's own Python unless told; models whose head was never trained.

Known limits: a score says how a human would rate the answer, not whether it is right; a policy learns to please the
model where the ratings say nothing. Combine it with rules (`compose`).
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from reward_models.serving.batcher import Batcher
from reward_models.serving.engine import Ask
from reward_models.serving.facts import facts_of
from reward_models.serving.reads import model_stamp
from reward_models.serving.scale import Scores
from reward_models.serving.verdicts import Combine, Facts, How, Member, gather
from reward_models.serving.watch import ScoreWatch
from verifiers.errors import OptionError, require
from verifiers.teacher import BaseTeacher, Case, Teacher, teacher
from verifiers.types import Sample, Verdict

if TYPE_CHECKING:
    from reward_models.serving.local import LocalEngine

NAME = "reward_model"
CONFIGS = ("config.json", "adapter_config.json")
"""One of them is in every model's folder."""


@dataclass(frozen=True)
class Options:
    """Options of the reward model.

    Attributes:
        model: Its folder or hub id; several with commas are an ensemble.
        scores: raw, centred (standard deviations from the calibration set's mean), or calibrated (stars or chance).
        combine: Of an ensemble: mean, min, or lower = mean - penalty x disagreement.
        penalty: Of combine=lower.
        device: cpu, cuda, cuda:0,cuda:1 ...; empty = all GPUs (of a distributed job: this rank's), or else the CPU.
        dtype: Of the body; auto = bfloat16 on a GPU, float32 on a CPU. The head is always float32.
        max_tokens: Padded tokens of a micro-batch; 0 = 32768 on a GPU, 2048 on a CPU.
        max_length: Longest text in tokens; of longer ones the middle of the prompt, then of the answer, is not read and
            the reason says so; 0 = the model's own.
        share_prompts: Let decoders compute a prompt once for all its answers.
        compile: Run torch.compile on widths rounded up to 64.
        attention: sdpa, eager, flash_attention_2 ..., or varlen = packed rows without padding (decoders); auto = varlen
            on a GPU where the model can, else transformers' choice.
        watch: Hold the scores against the calibration set, and log drift, ties and scores out of range.
        trust_remote_code: Run Python that comes with the model.
        allow_pickle: Read weights that are not safetensors, which may run code.
    """

    model: tuple[str, ...] = ()
    scores: Scores = "raw"
    combine: Combine = "mean"
    penalty: float = 1.0
    device: tuple[str, ...] = ()
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_tokens: int = 0
    max_length: int = 0
    share_prompts: bool = True
    compile: bool = False
    attention: str = "auto"
    watch: bool = True
    trust_remote_code: bool = False
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: If there is no model, one is named twice, or a number is out of its range.
        """
        if not self.model:
            raise ValueError("say which model: --set model=FOLDER (what `verify rm train` wrote)")
        if len(set(self.model)) != len(self.model):
            raise ValueError(f"model names {', '.join(self.model)}: each model once")
        if self.max_tokens < 0 or self.max_length < 0 or self.penalty < 0:
            raise ValueError("allowed: max_tokens, max_length and penalty from 0")


class RewardModelTeacher(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 600.0
    reads: ClassVar[tuple[str, ...]] = ("completion", "prompt")

    def __init__(self, options: Options) -> None:
        """Prepare the models; they are loaded when the first sample comes.

        Raises:
            OptionError: If a folder is not there or holds no model.
        """
        self.options = options
        for path in options.model:
            check_folder(path)
        self._how = How(options.scores, options.combine, options.penalty)
        self._models = [_Model(path, options) for path in options.model]
        self._members = [
            Member(name, each.batcher.submit, each.facts)
            for name, each in zip(short_names(options.model), self._models, strict=True)
        ]

    def submit(self, sample: Sample) -> Future[Verdict]:
        """Begin to score a sample."""
        return gather(Ask(sample.prompt, sample.completion), self._members, self._how)

    def repeated(self, sample: Sample) -> None:
        """Count an answer that was given a score of before."""
        for each in self._models:
            if each.loaded is not None and each.loaded.watch is not None:
                each.loaded.watch.again(sample.prompt, sample.completion)

    def judge(self, sample: Sample) -> Verdict:
        """Score one sample, and wait for it."""
        return self.score([sample])[0]

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Score samples together."""
        return [future.result() for future in [self.submit(sample) for sample in samples]]

    def figures(self) -> dict[str, float]:
        """Return how the first model's latest scores lie beside its calibration set; see `ScoreWatch`."""
        watch = self.watch
        return watch.figures() if watch is not None else {}

    @property
    def watch(self) -> ScoreWatch | None:
        """What holds the first model's scores against its calibration set; `None` = not loaded yet, or no card."""
        loaded = self._models[0].loaded
        return loaded.watch if loaded is not None else None

    def stamp(self) -> str:
        """Return a line for each model in a folder."""
        return "\n".join(filter(None, map(model_stamp, self.options.model)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the options; the copy loads models of its own."""
        return _rebuilt, (self.options,)

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what each model gave."""
        verdict = self.judge(sample)
        steps = [
            (part.name, f"{_digits(part.reward)} ({', '.join(f'{k} {_digits(v)}' for k, v in part.details.items())})")
            for part in verdict.parts
        ]
        return [*steps, ("together", verdict.reason)]


def _digits(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class _Model:
    """A checkpoint, loaded when it is first needed."""

    def __init__(self, path: str, options: Options) -> None:
        self._path, self._options = path, options
        self.loaded: Facts | None = None
        self.batcher = Batcher(self._make)

    def facts(self) -> Facts:
        assert self.loaded is not None
        return self.loaded

    def _make(self) -> LocalEngine:
        for module in ("torch", "transformers"):
            require(module, "rm", f"The teacher {NAME}")
        from reward_models.serving.local import LocalEngine, LocalSettings

        gc.collect()  # an earlier state of this model that nobody holds any more must not take the memory of this one
        options = self._options
        settings = LocalSettings(
            devices=options.device,
            dtype="" if options.dtype == "auto" else options.dtype,
            max_tokens=options.max_tokens,
            max_length=options.max_length,
            share_prompts=options.share_prompts,
            compiled=options.compile,
            attention="" if options.attention == "auto" else options.attention,
            trust_remote_code=options.trust_remote_code,
            allow_pickle=options.allow_pickle,
        )
        engine = LocalEngine(self._path, settings)
        card = engine.models[0].card
        self.loaded = facts_of(card, self._path, options.scores, options.watch)
        return engine


def check_folder(path: str) -> None:
    """Refuse at once what cannot be loaded later.

    Raises:
        OptionError: If a folder is not there or holds no model; a hub id (`org/name`) is left to the loader.
    """
    folder = Path(path)
    if folder.is_dir():
        if not any((folder / name).is_file() for name in CONFIGS):
            raise OptionError(
                f"{NAME}: {path} holds no model ({' or '.join(CONFIGS)}); give what `verify rm train` wrote"
            )
    elif path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise OptionError(
            f"{NAME}: there is no folder {path}; give what `verify rm train` wrote, or a hub id (org/name)"
        )


def short_names(paths: Sequence[str]) -> list[str]:
    """Return the last part of each path; the whole path where two end alike."""
    names = [path.rstrip("/").rpartition("/")[2] or path for path in paths]
    return [path if names.count(name) > 1 else name for path, name in zip(paths, names, strict=True)]


def _rebuilt(options: Options) -> Teacher:
    return reward_model.build(options)


reward_model = teacher(version="1", options=Options, name=NAME)(RewardModelTeacher)
CASES: list[Case] = []  # there is no model to try them on
