"""Whether a model scores a text alike alone and beside others: asked of the model itself, by a few short texts.

A list of model types would have to follow every new one of transformers. What is known beforehand is that layers other
than plain attention carry on where the last text ended (recurrent ones), or cut rows where a short text ends earlier.
Features are compared, not scores: a new head may be all zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from reward_models.models import attention
from reward_models.models.layout import Ids, packed, padded, shared
from reward_models.models.memory import is_out_of_memory
from reward_models.models.pooled import final_layer, is_causal, looks_ahead, needs_no_mask
from verifiers.errors import UsageError

FINE, ROUGH = (1e-3, 1e-4), (0.1, 5e-3)
"""Largest difference between a text alone and beside others, and between other neighbours, in units of the spread of
texts: in float32, and in dtypes of 16 bits. Those round otherwise in rows of another width, in rows of one width not.
Bodies that do keep texts apart: 7e-7 and 1e-7, 0.02 and 0; that do not: 9e-3 and 5e-3 or more, mostly 0.3."""
READ_PADDING = frozenset({"canine", "convbert", "fnet", "nystromformer", "yoso"})
"""Some of them so little that 16 bits do not show it."""
KNOWN_LAYERS = frozenset({"full_attention", "sliding_attention"})
SATURATED = 0.05
"""Least spread, as a share of what all texts have in common: where a trained head gives all of them nearly the same,
what is left of their differences is rounding."""
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
LENGTHS = (7, 3, 5)
"""Of the texts that are tried; a short one behind a longer one shows best what it sees of it."""

_answers: WeakKeyDictionary[Any, dict[tuple[str, str], bool]] = WeakKeyDictionary()


def can_pack(model: Any) -> bool:
    """Whether answers can stand one behind the other in a row, unseen by each other."""
    return _attends_back(model) and _asked(model, "packed", _packs)


def can_varlen(model: Any) -> bool:
    """Whether `attention.py` computes what the model's own attention does."""
    capped = getattr(model.config.get_text_config(), "attn_logit_softcapping", None) is not None
    return _attends_back(model) and needs_no_mask(model) and not capped and _asked(model, "varlen", _takes_varlen)


def can_share(model: Any) -> bool:
    """Whether the body takes a mask of our own, with which answers share their prompt."""
    takes_masks = model.config._attn_implementation in ("sdpa", attention.NAME)
    return _attends_back(model) and takes_masks and _asked(model, "shared", _shares)


def prefers_varlen(model: Any, device: Any) -> bool:
    """Whether packed rows in one kernel are what to take where nobody named an attention, in training and serving."""
    return attention.has_kernel(device) and model.config._attn_implementation == "sdpa" and can_varlen(model)


def check_type(model_type: str) -> None:
    """Refuse encoders that are known to read their padding, by whatever little.

    Raises:
        UsageError: If it is such a one.
    """
    if model_type in READ_PADDING:
        raise _reads_padding(model_type)


def check_padding(model: Any, texts: tuple[Ids, Ids], pad_id: int) -> None:
    """Refuse an encoder that is found to read its padding.

    Args:
        model: With its weights; decoders are not asked, since no token sees a later one.
        texts: Tokens of a longer and a shorter text.
        pad_id: What fills up.

    Raises:
        UsageError: If it does.
    """
    if is_causal(model) or not _is_whole(model) or len(texts[0]) <= len(texts[1]):
        return
    with _looking(model):
        batch, other = padded(texts, pad_id), padded([texts[0][::-1], texts[1]], pad_id)
        if not _same(model, batch, other, [padded([text], pad_id) for text in texts]):
            raise _reads_padding(model.config.model_type)


def _reads_padding(model_type: str) -> UsageError:
    return UsageError(
        f"an encoder of type {model_type!r} scores a text differently beside a longer one, since it reads the padding: "
        "give one that does not (BERT, RoBERTa, DeBERTa, ModernBERT ...)"
    )


def _attends_back(model: Any) -> bool:
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or []
    return is_causal(model) and not looks_ahead(model) and {*kinds} <= KNOWN_LAYERS


def _asked(model: Any, question: str, ask: Callable[[Any], bool]) -> bool:
    """Ask once of each model and attention; yes where its weights are not here, or only a part of them."""
    if not _is_whole(model):
        return True
    answers = _answers.setdefault(model, {})
    key = question, str(model.config._attn_implementation)
    if key not in answers:
        with _looking(model):
            try:
                answers[key] = ask(model)
            except Exception as error:  # Whatever a foreign body says of a layout that it does not know.
                if is_out_of_memory(error):
                    raise
                answers[key] = False
    return answers[key]


def _is_whole(model: Any) -> bool:
    """Whether all weights are here: a forward pass over sharded ones would wait for the other processes."""
    return not any(
        parameter.is_meta or not parameter.numel() or hasattr(parameter, "full_tensor")
        for parameter in model.parameters()
    )


@contextmanager
def _looking(model: Any) -> Iterator[None]:
    """Evaluate without gradients, and put back what was; not in inference mode, whose tensors cannot be trained on."""
    training = {module for module in model.modules() if module.training}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


def _packs(model: Any) -> bool:
    texts, others = _texts(model)
    return _same(model, packed(texts), packed(others), [padded([text], 0) for text in texts])


def _shares(model: Any) -> bool:
    texts, others = _texts(model)
    start = texts[0]
    rows, beside = ([[*start, *tail] for tail in tails] for tails in (texts, others))
    return _same(model, shared(rows), shared(beside), [padded([row], 0) for row in rows])


def _takes_varlen(model: Any) -> bool:
    """Whether packed rows give with our attention what each text gives alone with transformers' plainest."""
    texts, others = _texts(model)
    was = model.config._attn_implementation
    try:
        model.set_attn_implementation("eager")
        alone = [_features(model, padded([text], 0)) for text in texts]
        model.set_attn_implementation(attention.NAME)
        return _close(model, _features(model, packed(texts)), _features(model, packed(others)), torch.cat(alone))
    finally:
        model.set_attn_implementation(was)


def _texts(model: Any) -> tuple[list[list[int]], list[list[int]]]:
    """Return short texts, none with a token twice where the vocabulary allows; and the same with another first one."""
    rows = model.get_input_embeddings().weight.shape[0]
    count = sum(LENGTHS) + LENGTHS[0]
    # From the middle on: the first tokens are often special, and the last ones never trained.
    tokens = iter([(rows // 4 + number * max(1, rows // (2 * count))) % rows for number in range(count)])
    texts = [[next(tokens) for _ in range(length)] for length in LENGTHS]
    return texts, [list(tokens), *texts[1:]]


def _same(model: Any, batch: dict[str, Tensor], beside: dict[str, Tensor], alone: Sequence[dict[str, Tensor]]) -> bool:
    return _close(
        model, _features(model, batch), _features(model, beside), torch.cat([_features(model, one) for one in alone])
    )


def _close(model: Any, found_ND: Tensor, beside_ND: Tensor, alone_ND: Tensor) -> bool:
    """Whether texts are as they are alone, and all but the first as they are beside another first one."""
    alone, beside = FINE if model.get_input_embeddings().weight.dtype == torch.float32 else ROUGH
    if _has_experts(model):
        beside = alone  # How many tokens an expert gets depends on all texts, and with it how it rounds.
    spread = torch.maximum(_size(alone_ND - alone_ND.mean(0)), SATURATED * _size(alone_ND)).max()
    off, seen = _size(found_ND - alone_ND).max(), _size(found_ND[1:] - beside_ND[1:]).max()
    return bool(off <= alone * spread and seen <= beside * spread)  # Not finite is not close.


def _has_experts(model: Any) -> bool:
    config = model.config.get_text_config()
    return any((getattr(config, name, 0) or 0) > 1 for name in EXPERTS)


def _size(features_ND: Tensor) -> Tensor:
    return features_ND.square().mean(-1).sqrt()


def _features(model: Any, batch: dict[str, Tensor]) -> Tensor:
    """Return what the scalar layer reads, (N, D)."""
    kept: list[Tensor] = []
    layer = final_layer(model)
    hook = layer.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].float()))
    try:
        scored = model(**{name: value.to(layer.weight.device) for name, value in batch.items()})
    finally:
        hook.remove()
    # Some encoders score every token, and take the mean then.
    return kept[-1] if kept[-1].ndim == 2 else scored.logits
