"""A reward model on this machine, as the batcher sees it: token-budget micro-batches on one or several devices.

Decoders compute what the answers of a prompt share only once, where that saves enough (`layout.shared`). A micro-batch
that does not fit into memory is halved, and with it the budget of all that come after.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reward_models.models.apart import can_share, prefers_varlen
from reward_models.models.attention import NAME as VARLEN
from reward_models.models.encode import Encoded
from reward_models.models.layout import common_prefix, packed, padded, shared
from reward_models.models.memory import first_line, is_out_of_memory, release_memory
from reward_models.models.reward_model import RewardModel
from reward_models.serving.engine import Ask, Marked, NotAnswered
from reward_models.serving.plan import token_batches
from verifiers.errors import UsageError
from verifiers.types import Text

CPU_TOKENS, GPU_TOKENS = 2048, 32_768
"""Padded tokens of a micro-batch, unless told."""
MIN_TOKENS = 64
"""Least budget that a lack of memory leads to."""
MAX_ROWS = 1024
MIN_SHARED_TOKENS = 32
"""A shorter common start is not worth a forward of its own."""
MIN_SAVED = 0.3
"""Least share of a group's tokens that sharing must save: its mask makes attention dearer."""
MAX_SHARED_ROW = 8192
"""Longest row of a prompt and its answers: the mask grows with its square."""
COMPILED_MULTIPLE = 64
"""Compiled models see widths that are multiples of it, so that few graphs are made."""

_log = logging.getLogger("reward_models")


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How a model is run here.

    Attributes:
        devices: Of torch; empty = all GPUs (of a distributed job: this rank's), or else the CPU.
        dtype: Of the body; "" = bfloat16 on a GPU, float32 on a CPU. The head is always float32.
        max_tokens: Padded tokens of a micro-batch; 0 = a default.
        max_length: Longest text in tokens; 0 = the card's.
        share_prompts: Let decoders compute a prompt once for all its answers.
        compiled: Run `torch.compile` on widths rounded up.
        attention: transformers' name, or `varlen`: packed rows without padding (decoders). "" = varlen on a GPU where
            the model can, else transformers' choice.
        trust_remote_code: Run Python that comes with the checkpoint.
        allow_pickle: Read weights that are not safetensors.
    """

    devices: tuple[str, ...] = ()
    dtype: str = ""
    max_tokens: int = 0
    max_length: int = 0
    share_prompts: bool = True
    compiled: bool = False
    attention: str = ""
    trust_remote_code: bool = False
    allow_pickle: bool = False


@dataclass(slots=True)
class Item:
    """An answer's tokens, what tells its prompt from others, and the row that it was planned into with some of those.

    Rows count from 1; 0 = it was not, and goes the usual way.
    """

    encoded: Encoded
    prompt: Text
    row: int = 0


class LocalEngine:
    """Runs a checkpoint.

    Args:
        path: Its folder or hub id.
        settings: How.

    Raises:
        InputError: If it cannot be loaded.
        UsageError: If it is of a kind that is refused, or a device is not there.
    """

    def __init__(self, path: str, settings: LocalSettings) -> None:
        devices = settings.devices or _devices()
        self.models = [_load(path, device, settings) for device in devices]
        self.lanes = len(self.models)
        on_gpu = any(device != "cpu" for device in devices)
        self.max_tokens = settings.max_tokens or (GPU_TOKENS if on_gpu else CPU_TOKENS)
        self._shares = settings.share_prompts and can_share(self.models[0].stock)
        self._packs = self.models[0].causal and _attention(self.models[0]) == VARLEN
        self._multiple = COMPILED_MULTIPLE if settings.compiled else 8 if on_gpu else 1
        self._nets = [torch.compile(model.net) if settings.compiled else model.net for model in self.models]

    def prepare(self, asks: Sequence[Ask]) -> list[Item]:
        """Tokenize answers.

        Raises:
            UsageError: If the model's template does not take one.
        """
        encoded = self.models[0].encode([ask.prompt for ask in asks], [ask.response for ask in asks])
        return [Item(each, ask.prompt) for each, ask in zip(encoded, asks, strict=True)]

    def plan(self, items: Sequence[Item]) -> list[list[int]]:
        """Return groups that share a prompt, and micro-batches of like lengths of all others."""
        groups = self._shared_groups(items) if self._shares else []
        rows = {index: row for row, group in enumerate(groups, 1) for index in group}
        for index, item in enumerate(items):
            item.row = rows.get(index, 0)
        rest = [index for index in range(len(items)) if index not in rows]
        batches = token_batches([len(items[index].encoded) for index in rest], self.max_tokens, MAX_ROWS)
        return [*groups, *([rest[place] for place in batch] for batch in batches)]

    def _shared_groups(self, items: Sequence[Item]) -> list[list[int]]:
        by_prompt: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            by_prompt.setdefault(repr(item.prompt), []).append(index)
        most = min(self.max_tokens, MAX_SHARED_ROW, _window(self.models[0]))
        return [
            part
            for group in by_prompt.values()
            for part in _rows(group, [items[index].encoded.ids for index in group], most)
        ]

    def run(self, lane: int, items: Sequence[Item]) -> Sequence[Marked | Exception]:
        """Score one micro-batch on a device; halved if it does not fit."""
        start_s = time.perf_counter()
        try:
            outputs: list[list[float]] | None = self._outputs(lane, items).tolist()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            outputs, said = None, first_line(error)
        if outputs is None:  # outside the handler: its traceback holds the activations that must go
            return self._halved(lane, items, said)
        each_s = (time.perf_counter() - start_s) / len(items)
        return [
            Marked(
                tuple(row), len(item.encoded), item.encoded.truncated > 0, each_s, item.encoded.response_truncated > 0
            )
            for item, row in zip(items, outputs, strict=True)
        ]

    def _outputs(self, lane: int, items: Sequence[Item]) -> Tensor:
        """Return the outputs, float32 on the CPU, (N, H)."""
        model, net = self.models[lane], self._nets[lane]
        ids = [item.encoded.ids for item in items]
        if len(items) > 1 and items[0].row and len({item.row for item in items}) == 1:
            batch, net = shared(ids), model.net
        elif self._packs:
            batch, net = packed(ids), model.net
        else:
            batch = padded(ids, model.pad_id, self._multiple)
        with torch.inference_mode():
            logits: Tensor = net(**{name: value.to(model.device) for name, value in batch.items()}).logits
            return logits.float().cpu()

    def _halved(self, lane: int, items: Sequence[Item], said: str) -> Sequence[Marked | Exception]:
        tokens = [len(item.encoded) for item in items]
        release_memory()
        if len(items) == 1:
            reason = f"not enough memory for an answer of {tokens[0]:,} tokens; set max_length lower ({said})"
            return [NotAnswered(reason)]
        self.max_tokens = max(MIN_TOKENS, min(self.max_tokens, len(items) * max(tokens)) // 2)
        _log.warning("out of memory: micro-batches are now of %d tokens at most (max_tokens)", self.max_tokens)
        half = len(items) // 2
        return [*self.run(lane, items[:half]), *self.run(lane, items[half:])]


def _load(path: str, device: str, settings: LocalSettings) -> RewardModel:
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise UsageError(f"device {device!r} is none of torch's: cpu, cuda, cuda:0 ...") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {device!r}: torch sees no GPU here; set device=cpu")
    model = RewardModel.from_checkpoint(
        path,
        attention=settings.attention,
        max_tokens=settings.max_length or None,
        dtype=settings.dtype or ("float32" if kind == "cpu" else "bfloat16"),
        device=device,
        trust_remote_code=settings.trust_remote_code,
        allow_pickle=settings.allow_pickle,
    )
    if not settings.attention and not settings.compiled and prefers_varlen(model.stock, device):
        model.stock.set_attn_implementation(VARLEN)
    return model


def _attention(model: RewardModel) -> str:
    return str(model.stock.config._attn_implementation)


def _devices() -> tuple[str, ...]:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        return ("cpu",)
    rank = os.environ.get("LOCAL_RANK", "")
    if rank.isdecimal():  # the other GPUs belong to the job's other ranks
        return (f"cuda:{int(rank) % count}",)
    return tuple(f"cuda:{index}" for index in range(count))


def _window(model: RewardModel) -> int:
    """Return the longest row in which every token sees all before it."""
    config = model.stock.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    return int(window) if window and getattr(config, "use_sliding_window", True) else MAX_SHARED_ROW


def _rows(group: Sequence[int], ids: Sequence[Sequence[int]], most: int) -> list[list[int]]:
    """Cut the answers of a prompt into rows of at most `most` tokens; none if sharing does not save enough."""
    if len(group) < 2 or not _saves(ids):
        return []
    start = common_prefix(ids)
    rows: list[list[int]] = []
    room = 0
    for place, index in enumerate(group):
        tail = len(ids[place]) - start
        if not rows or tail > room:
            rows.append([])
            room = most - start
        rows[-1].append(index)
        room -= tail
    # A row of one, or one that is too long even so, goes the usual way.
    return [row for row in rows if len(row) > 1]


def _saves(ids: Sequence[Sequence[int]]) -> bool:
    start = common_prefix(ids)
    saved, total = start * (len(ids) - 1), sum(map(len, ids))
    return start >= MIN_SHARED_TOKENS and saved >= MIN_SAVED * total
