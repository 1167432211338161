"""`RewardModel`: a model, its tokenizer and frozen template, and its card, from loading to saving."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reward_models.models.apart import can_pack, check_padding
from reward_models.models.card import Card, ParityText, read_card, write_card
from reward_models.models.comparing import hold_written, save_comparing
from reward_models.models.encode import EncodeCounts, Encoded, Encoder
from reward_models.models.load import DTYPES, Loaded, LoadSettings, body_missing, load_net
from reward_models.models.lora import (
    LoraSettings,
    adapted,
    base_of,
    is_adapter,
    is_four_bit,
    load_adapter,
    quantization,
)
from reward_models.models.pooled import final_layer, is_causal
from reward_models.models.running import in_batches, masked_mean
from reward_models.models.save import body_dtype, open_weights, restore_aspects, save_adapter, save_stock
from reward_models.models.template import Template, frozen
from reward_models.models.tokens import load_tokenizer, longest
from verifiers import __version__
from verifiers.errors import InputError, UsageError
from verifiers.types import Text

TOKENS_AT_ONCE = 8192
"""Padded tokens of a batch in `scores`; serving and training plan their own."""
TRIED = ("Why is the sky blue?", "Hi"), ("Air scatters short waves of light more than long ones.", "ok")
"""Prompts and answers, a longer and a shorter one, that show whether an encoder reads its padding."""
VERSIONED = ("torch", "transformers", "tokenizers", "peft", "safetensors")


@dataclass(slots=True)
class RewardModel:
    """A reward model.

    Attributes:
        net: The torch module to train or run: a stock sequence classifier with our pooling, or peft's wrapper of one.
            `net(**batch).logits` are fp32 outputs, (N, H), for each layout of `layout.py`.
        encoder: Texts -> tokens; holds the tokenizer and the frozen template.
        aspects: Aspect -> factor of its output in the score, in their order; empty = one output.
        base: Where it was loaded from.
        card: Of the checkpoint; `None` = it is new, or others made it.
        new_head: Whether the head was initialised rather than loaded.
        in_bfloat16: Compute a float32 body in bfloat16, as mixed training does; the head stays in float32.
    """

    net: Any
    encoder: Encoder
    aspects: Mapping[str, float] = field(default_factory=dict)
    base: str = ""
    card: Card | None = None
    new_head: bool = False
    in_bfloat16: bool = False

    @classmethod
    def from_base(
        cls,
        path: str,
        *,
        aspects: Mapping[str, float] | None = None,
        max_tokens: int | None = None,
        lora: LoraSettings | None = None,
        seed: int = 0,
        compare: bool = False,
        **how: Any,
    ) -> RewardModel:
        """Make a reward model of a base, ready for training; a head that the base already has is kept.

        Args:
            path: Folder or hub id of an encoder or a decoder.
            aspects: Aspect -> factor in the score: one output each. `None` = one output.
            max_tokens: Longest text; `None` = 4096 or what the model can.
            lora: Train adapters rather than the whole model.
            seed: Of all that is initialised.
            compare: Have an encoder compare prompt and answer; see `comparing.py`. Not with `lora`, whose adapters
                would be of a base that is nowhere else.
            how: Fields of `LoadSettings`: dtype, attention, device, trust_remote_code, allow_pickle.

        Raises:
            InputError: If it cannot be loaded, or weights of its body are missing.
            UsageError: If it is of a kind that is refused.
        """
        settings = LoadSettings(**how)
        if compare:
            if lora is not None:
                raise UsageError("a base that compares takes no adapters: train it whole, or do not let it compare")
            with tempfile.TemporaryDirectory() as folder:
                save_comparing(path, Path(folder), replace(settings, dtype="float32", attention="", device=""))
                model = cls.from_base(folder, aspects=aspects, max_tokens=max_tokens, seed=seed, **how)
            model.base = path
            return model
        outputs = len(aspects or {}) or 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            more = _four_bit(settings) if lora is not None and lora.four_bit else {}
            loaded = load_net(path, settings, outputs, **more)
            if missing := body_missing(loaded):
                raise InputError(f"{path!r} lacks weights of its body, e.g. {missing[0]}: the checkpoint is incomplete")
            new_head = _init_head(loaded)
            hold_written(loaded.net)
            model = cls(loaded.net, _encoder(path, loaded.net, max_tokens, settings), dict(aspects or {}), path)
            _check_padding(loaded.net, model.encoder)
            model.new_head = new_head
            model.net = adapted(loaded, lora) if lora is not None else loaded.net
        return model

    @classmethod
    def from_checkpoint(
        cls,
        path: str,
        *,
        max_tokens: int | None = None,
        trainable: bool = False,
        four_bit: bool | None = None,
        **how: Any,
    ) -> RewardModel:
        """Load a trained reward model: ours, or any stock sequence classifier with one output.

        Args:
            path: Folder (whole or adapters) or hub id.
            max_tokens: Longest text; `None` = the card's.
            trainable: Let adapters be trained on.
            four_bit: Hold the body of adapters in 4 bits; `None` = as they were trained.
            how: Fields of `LoadSettings`; dtype is `auto` (as saved) unless told.

        Raises:
            InputError: If it cannot be loaded or lacks weights, above all those of its head.
            UsageError: If it is of a kind that is refused.
        """
        settings = LoadSettings(**{"dtype": "auto", **how})
        folder = Path(path)
        card = read_card(folder)
        adapter = is_adapter(path)
        source = base_of(folder) if adapter else path
        aspects = dict(card.aspects) if card else {}
        packed = card.four_bit if card and four_bit is None else bool(four_bit)
        more = _four_bit(settings) if adapter and packed else {}
        loaded = load_net(source, settings, (len(aspects) or 1) if adapter else None, **more)
        if loaded.missing and not adapter:
            raise InputError(
                f"{path!r} is not a trained reward model: {loaded.missing[0]} is not in it, and a random one would "
                "score. To train one from it, give it as the base"
            )
        net = load_adapter(loaded.net, path, trainable) if adapter else loaded.net
        if not adapter and not (restore_aspects(net, folder) or net.config.num_labels == 1):
            raise UsageError(f"{path!r} has {net.config.num_labels} outputs; a reward model has one")
        if settings.device and not more:
            net.to(settings.device)
        encoder = _encoder(path, net, max_tokens or (card.max_tokens if card else None), settings)
        _check_padding(net, encoder)
        if card and card.template_hash and card.template_hash != encoder.template.hash:
            raise InputError(
                f"the chat template in {path!r} is not the one that the model was trained with (hash "
                f"{encoder.template.hash}, card {card.template_hash}); restore chat_template.jinja"
            )
        return cls(net, encoder, aspects, card.base if card else path, card)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, with the frozen template."""
        return self.encoder.template.tokenizer

    @property
    def template(self) -> Template:
        """The frozen template."""
        return self.encoder.template

    @property
    def pad_id(self) -> int:
        """What fills up batches."""
        return int(self.tokenizer.pad_token_id)

    @property
    def stock(self) -> Any:
        """The sequence classifier itself, also where adapters are around it."""
        return self.net.get_base_model() if hasattr(self.net, "get_base_model") else self.net

    @property
    def causal(self) -> bool:
        """Whether it is a decoder, which reads its number off the last token."""
        return is_causal(self.stock)

    @property
    def can_pack(self) -> bool:
        """Whether answers packed into one row score as they do alone."""
        return can_pack(self.stock)

    @property
    def device(self) -> Any:
        """Where the model is."""
        return final_layer(self.stock).weight.device

    def encode(self, prompts: Sequence[Text], responses: Sequence[Text]) -> list[Encoded]:
        """Encode answers, in order; see `Encoder`."""
        return self.encoder(prompts, responses)

    def outputs(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Run one batch of `layout.py` as training does; fp32, (N, H)."""
        return self.net(**{name: value.to(self.device) for name, value in batch.items()}).logits

    def scores(self, encoded: Sequence[Encoded], tokens_at_once: int = TOKENS_AT_ONCE) -> Tensor:
        """Score answers without gradients, in batches of like lengths.

        Args:
            encoded: From `encode`.
            tokens_at_once: Most padded tokens of a batch.

        Returns:
            Raw scores, fp32 on the CPU: (N,), or (N, A) with several aspects.
        """
        with self._evaluating():
            outputs_NH = self._in_batches(encoded, tokens_at_once, self.outputs)
        return outputs_NH if self.aspects else outputs_NH[:, 0]

    def features(self, encoded: Sequence[Encoded], tokens_at_once: int = TOKENS_AT_ONCE) -> Tensor:
        """Return what the scalar layer reads, fp32 on the CPU, (N, D): for heads that are fitted on a frozen body.

        Where a class scores every token and then takes the mean (EuroBERT), the layer might as well read the mean.
        """
        kept: list[Tensor] = []
        hook = final_layer(self.stock).register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].float()))

        def run(batch: Mapping[str, Tensor]) -> Tensor:
            kept.clear()
            self.outputs(batch)
            read = kept[-1]
            return read if read.ndim == 2 else masked_mean(read, batch["attention_mask"])

        try:
            with self._evaluating():
                return self._in_batches(encoded, tokens_at_once, run)
        finally:
            hook.remove()

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Switch to evaluation without gradients, and back to what was."""
        was = self.net.training
        self.net.eval()
        try:
            with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
                yield
        finally:
            self.net.train(was)

    def _in_batches(self, encoded: Sequence[Encoded], tokens: int, run: Callable[..., Tensor]) -> Tensor:
        if not encoded:
            return torch.empty(0, max(1, len(self.aspects)))
        return in_batches(run, [each.ids for each in encoded], tokens, self.pad_id)

    def overall(self, outputs_NA: Tensor) -> Tensor:  # axes are named in capitals
        """Return the weighted sum over aspects, (N,)."""
        return outputs_NA @ torch.tensor(list(self.aspects.values()), dtype=outputs_NA.dtype)

    def rescale(self, mean: float, std: float) -> float:
        """Make raw scores with this mean and deviation standard ones, in the head itself.

        A bf16 server ties scores of 10 +- 0.3, and tells those around 0 apart. Exact where the head has a bias
        (encoders); stock decoders have none, so there only the deviation is taken out.

        Returns:
            The mean that remains: 0.0, or mean / std for decoders. The card keeps it.
        """
        if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
            raise UsageError(f"scores with mean {mean} and deviation {std} cannot be rescaled: the model is constant")
        head = final_layer(self.stock)
        with torch.no_grad():
            head.weight /= std
            if head.bias is None:
                return mean / std
            head.bias.sub_(mean).div_(std)
        return 0.0

    def parity(self, prompts: Sequence[Text], responses: Sequence[Text]) -> tuple[ParityText, ...]:
        """Score texts one by one, as the card keeps them for the probe of servers."""
        exact = replace(self, in_bfloat16=False)
        found = []
        for prompt, response in zip(prompts, responses, strict=True):
            score = exact.scores(self.encode([prompt], [response]))
            number = float(self.overall(score) if self.aspects else score)
            found.append(ParityText(prompt, response, self.template.text(prompt, response), number))
        return tuple(found)

    def save(self, path: str, card: Card | None = None, *, merge: bool = True) -> Card:
        """Write a checkpoint; see `save.py`.

        Args:
            path: A folder; made if absent.
            card: What is known of the model; base, template, dtype, aspects and versions are filled in here.
            merge: Add adapters to the weights, so that anyone loads it; otherwise write adapters and head only.

        Returns:
            The card as written.

        Raises:
            InputError: If a weight or a number of the card is not finite.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if merge or not hasattr(self.net, "get_base_model"):
            save_stock(self.net, folder, self.aspects)
        else:
            save_adapter(self.net, folder)
        self.tokenizer.save_pretrained(folder)
        self.card = replace(
            card or self.card or Card(),
            base=self.base,
            aspects=dict(self.aspects),
            template_hash=self.template.hash,
            max_tokens=self.encoder.max_tokens,
            dtype=str(body_dtype(self.net)).removeprefix("torch."),
            four_bit=is_four_bit(self.stock),
            versions=_versions(),
        )
        write_card(self.card, folder)
        open_weights(folder)
        summed = merge and hasattr(self.net, "get_base_model")
        if summed and self.card.parity and (self.card.four_bit or self.card.dtype != "float32"):
            # Sums of weights and adapters are rounded once more: servers are held against what was saved.
            asked = zip(*((text.prompt, text.response) for text in self.card.parity), strict=True)
            own = type(self.stock).__module__.startswith("transformers_modules")  # Code that was let run before.
            written = RewardModel.from_checkpoint(path, trust_remote_code=own)
            self.card = replace(self.card, parity=written.parity(*map(list, asked)))
            write_card(self.card, folder)
        return self.card


def _four_bit(settings: LoadSettings) -> dict[str, Any]:
    dtype = torch.bfloat16 if settings.dtype == "auto" else DTYPES[settings.dtype]
    return {"quantization_config": quantization(dtype), "device_map": {"": settings.device or "cuda:0"}}


def _init_head(loaded: Loaded) -> bool:
    """Start a new head at 1 / sqrt(D + 1), as InstructGPT's reward models (Stiennon et al. 2020, appendix B.1)."""
    head = final_layer(loaded.net)
    name = next(name for name, module in loaded.net.named_modules() if module is head)
    if f"{name}.weight" not in loaded.missing:
        return False
    with torch.no_grad():
        head.weight.normal_(std=1 / math.sqrt(head.in_features + 1))
        if head.bias is not None:
            head.bias.zero_()
    return True


def _encoder(path: str, net: Any, max_tokens: int | None, settings: LoadSettings) -> Encoder:
    tokenizer = load_tokenizer(path, settings.trust_remote_code)
    template = frozen(tokenizer)
    rows = net.get_input_embeddings().weight.shape[0]
    used = {tokenizer.pad_token_id, *tokenizer(template.text("a", "b"), add_special_tokens=False)["input_ids"]}
    if max(used) >= rows:
        raise InputError(
            f"the tokenizer in {path!r} writes token {max(used)} ({tokenizer.convert_ids_to_tokens(max(used))!r}), but "
            f"the model has embeddings for {rows}: they do not belong together"
        )
    net.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return Encoder(template, longest(tokenizer, net.config, max_tokens), rows)


def _check_padding(net: Any, encoder: Encoder) -> None:
    longer, shorter = replace(encoder, counts=EncodeCounts())(*TRIED)
    stock = net.get_base_model() if hasattr(net, "get_base_model") else net
    check_padding(stock, (longer.ids, shorter.ids), int(encoder.template.tokenizer.pad_token_id))


def _versions() -> dict[str, str]:
    found = {"grpo-teachers": __version__}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
