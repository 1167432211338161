"""Stock sequence classifiers with pooling and a head that can be relied on.

`pooled_class(LlamaForSequenceClassification)` is a subclass of the same name, with the same parameters, that differs
in three ways. What it saves is therefore a stock checkpoint, and on one unpadded text both give the same number.

- It pools by the attention mask (or by told positions), never by comparing tokens with `pad_token_id`: right where
  padding is on the left, where pad == eos (trl#2758), and where sequences are packed.
- Its head computes in fp32 whatever autocast or the body's dtype say: bf16 has 8 bits, and scores of 10.0 +- 0.3
  tie in most groups.
- Causal bodies get no mask for padding on the right, which no real token can see: fast kernels stay in use.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_layers import GenericForSequenceClassification
from transformers.modeling_outputs import SequenceClassifierOutput

from reward_models.models import attention
from reward_models.models.attention import boundaries
from verifiers.errors import UsageError

HEADS = ("score", "classifier")
"""Attribute of the stock class that ends in the scalar layer: of decoders, of encoders."""
TAKE_BOUNDARIES = (attention.NAME, "flash_attention_2", "flash_attention_3")
"""Attention functions that are told where packed sequences begin, rather than given a mask."""


class Fp32Linear(nn.Linear):  # type: ignore[misc]  # torch is not typed here
    """A linear layer that computes in fp32, also under autocast and mixed-precision FSDP."""

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., D) of any float dtype to (..., H) in fp32."""
        with torch.autocast(features.device.type, enabled=False):
            bias = None if self.bias is None else self.bias.float()
            return nn.functional.linear(features.float(), self.weight.float(), bias)


class OwnPooling:
    """What `pooled_class` puts before a stock class.

    Takes one of three layouts (see `layout.py`):
        padded: `input_ids_NT`, `attention_mask_NT`, padding on either side;
        packed: `input_ids_1T`, `position_ids_1T` that start again at 0 with each sequence, no mask (causal only);
        told: any of these with `last_N2`, row and column of each sequence's last token (causal only).
    """

    def __init__(self, config: Any, *inputs: Any, **kwargs: Any) -> None:
        stock: Any = super()
        stock.__init__(config, *inputs, **kwargs)
        # In place: the parameters, their names and their initialisation stay the stock class's.
        final_layer(self).__class__ = Fp32Linear

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        last: Tensor | None = None,
        **others: Any,
    ) -> SequenceClassifierOutput:
        """Score sequences.

        Returns:
            `.logits`: fp32 outputs, (N, H), in the batch's order.
        """
        if is_causal(self):
            features = _causal_features(self, input_ids, attention_mask, position_ids, last, _passed_on(others))
            return SequenceClassifierOutput(logits=self.score(features))  # type: ignore[attr-defined]
        if position_ids is not None or last is not None:
            raise UsageError(f"{type(self).__name__} is an encoder: it takes padded batches only, not packed ones")
        input_ids, mask = right_padded(input_ids, attention_mask)
        stock: Any = super()
        return SequenceClassifierOutput(logits=stock.forward(input_ids=input_ids, attention_mask=mask).logits)


def _passed_on(others: dict[str, Any]) -> dict[str, Any]:
    """Keep what attention functions read (`cu_seq_lens_q`, ...), drop what wrappers add (`return_dict`, `labels`)."""
    return {name: value for name, value in others.items() if name.startswith(("cu_seq_lens", "max_length"))}


def _causal_features(
    model: Any,
    input_ids: Tensor,
    mask: Tensor | None,
    position_ids: Tensor | None,
    last: Tensor | None,
    others: dict[str, Any],
) -> Tensor:
    """Return the body's last layer at each sequence's last token, (N, D)."""
    if mask is None and position_ids is not None and last is None:
        last = packed_ends(position_ids)
        if model.config._attn_implementation in TAKE_BOUNDARIES:
            others = {**boundaries(last), **others}
    elif last is None:
        input_ids, mask = right_padded(input_ids, mask)
        rows = torch.arange(input_ids.shape[0], device=input_ids.device)
        last = torch.stack([rows, mask.sum(-1) - 1], dim=-1)
        mask = None if needs_no_mask(model) else mask
    elif mask is not None and mask.ndim == 4:
        mask = _own_mask(model, mask)
    hidden = model.base_model(
        input_ids=input_ids, attention_mask=mask, position_ids=position_ids, use_cache=False, **others
    ).last_hidden_state
    return hidden[last[:, 0], last[:, 1]]


def needs_no_mask(model: Any) -> bool:
    """Whether no token sees a later one; older decoders also make their positions of the mask."""
    return isinstance(model, GenericForSequenceClassification) and not looks_ahead(model)


def looks_ahead(model: Any) -> bool:
    """Whether the attention of a decoder was opened to later tokens."""
    return bool(getattr(model.config.get_text_config(), "use_bidirectional_attention", False))


def _own_mask(model: Any, mask: Tensor) -> Tensor:
    """Turn a bool mask (N, 1, T, T) into what the model's attention adds to its logits.

    Raises:
        UsageError: If the model looks back over fewer tokens than the mask has: its own mask is replaced by this one.
    """
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    if window and mask.shape[-1] > window:
        raise UsageError(
            f"a prompt with its answers has {mask.shape[-1]} tokens, and this model looks back over {window}: "
            "score its answers in padded or packed batches"
        )
    dtype = model.get_input_embeddings().weight.dtype
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def packed_ends(position_ids: Tensor) -> Tensor:
    """Return row and column of each packed sequence's last token, (N, 2): the one before the next 0, or the row's."""
    starts_next = torch.ones_like(position_ids, dtype=torch.bool)
    starts_next[:, :-1] = position_ids[:, 1:] == 0
    return starts_next.nonzero()


def right_padded(input_ids: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Move each row's real tokens to its start, in order; no mask = all are real. Shapes (N, T)."""
    if mask is None:
        return input_ids, torch.ones_like(input_ids)
    order = torch.argsort(mask.bool().logical_not().to(torch.uint8), dim=-1, stable=True)
    return input_ids.gather(-1, order), mask.gather(-1, order)


def is_causal(model: Any) -> bool:
    """Whether the stock class reads its number off the last token."""
    return hasattr(model, "score")


def final_layer(model: Any) -> Any:
    """Find the scalar layer: the last linear one of the stock class's head.

    Raises:
        UsageError: If the class has none that we know.
    """
    for name in HEADS:
        if isinstance(head := getattr(model, name, None), nn.Module):
            found = [module for module in head.modules() if isinstance(module, nn.Linear)]
            if found:
                return found[-1]
    raise UsageError(
        f"{type(model).__name__} has no scalar head that is known: encoders (BERT, DeBERTa, ModernBERT ...) "
        "and decoders (Llama, Qwen, Mistral, Gemma ...) can be reward models"
    )


@cache
def pooled_class(stock_class: type) -> type:
    """Derive the class described above; its name is the stock one's, since that is what a checkpoint records."""
    # The head stays fp32 when the body is loaded in bf16 or fp16.
    extra = {"__module__": stock_class.__module__, "_keep_in_fp32_modules_strict": set(HEADS)}
    return type(stock_class.__name__, (OwnPooling, stock_class), extra)
