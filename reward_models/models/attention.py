"""`varlen`: attention over packed sequences that costs the sum of squares, not the square of the sum.

transformers keeps packed sequences apart with a T x T mask, and `sdpa` computes all of it. This function computes each
sequence by itself: on a GPU in one kernel (torch's own `varlen_attn`, no package needed), on a CPU one by one.
Select it with `LoadSettings(attention="varlen")`; padded batches take `sdpa` as ever.
"""

from __future__ import annotations

import inspect
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "rm_varlen"
KERNEL_DTYPES = (torch.bfloat16, torch.float16)
KERNEL_ARGUMENTS = frozenset({"scale", "window_size", "enable_gqa"})
"""What `_in_one_kernel` tells torch's function; the first versions that have it take less."""
KERNEL_CAPABILITY = (8, 0)
"""Flash kernels are for Ampere GPUs and later ones."""


def has_kernel(device: Any) -> bool:
    """Whether this torch and this GPU have the kernel for packed rows."""
    if torch.device(device).type != "cuda" or not _torch_has_kernel():
        return False
    return bool(torch.cuda.get_device_capability(device) >= KERNEL_CAPABILITY)


@cache
def _torch_has_kernel() -> bool:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return inspect.signature(varlen_attn).parameters.keys() >= KERNEL_ARGUMENTS


def boundaries(last: Tensor) -> dict[str, Any]:
    """Return what flash kernels and ours are told of one packed row.

    Args:
        last: Row and column of each sequence's last token, (N, 2), in order.
    """
    ends = last[:, 1] + 1
    starts_and_ends = torch.cat([ends.new_zeros(1), ends]).to(torch.int32)
    longest = int(torch.diff(starts_and_ends).max())
    return {
        "cu_seq_lens_q": starts_and_ends,
        "cu_seq_lens_k": starts_and_ends,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def varlen_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence. Query (B, H, T, D), key and value with as many or fewer heads; gives (B, T, H, D).

    Not for encoders, nor for models that cap their logits (Gemma 2): `load_net` refuses those.
    """
    if attention_mask is not None or query.shape[0] != 1:
        stock: Any = sdpa_attention_forward
        return stock(module, query, key, value, attention_mask, dropout, scaling, **others)[0], None
    if cu_seq_lens_q is None:
        cu_seq_lens_q = torch.tensor([0, query.shape[2]], dtype=torch.int32, device=query.device)
        max_length_q = query.shape[2]
    dtype = _computed_in(query)
    query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    if query.dtype in KERNEL_DTYPES and not dropout and has_kernel(query.device):
        packed = _in_one_kernel(query, key, value, cu_seq_lens_q, int(max_length_q or 0), scaling, sliding_window)
        return packed, None
    cuts = cu_seq_lens_q.tolist()
    parts = [
        _one(query[:, :, a:b], key[:, :, a:b], value[:, :, a:b], dropout, scaling, sliding_window)
        for a, b in pairwise(cuts)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _computed_in(query: Tensor) -> torch.dtype:
    """Return autocast's dtype where it is on: the kernel is none of the functions that it casts for."""
    kind = query.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype


def _in_one_kernel(
    query: Tensor, key: Tensor, value: Tensor, cuts: Tensor, longest: int, scaling: float | None, window: int | None
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    flat = (tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value))
    seen = (-1 if window is None else window - 1, 0)
    found = varlen_attn(*flat, cuts, cuts, longest, longest, scale=scaling, window_size=seen, enable_gqa=True)
    return found[None]


def _one(
    query: Tensor, key: Tensor, value: Tensor, dropout: float, scaling: float | None, window: int | None
) -> Tensor:
    length = query.shape[2]
    mask = None
    if window is not None and length > window:
        mask = torch.ones(length, length, dtype=torch.bool, device=query.device).tril().triu(1 - window)
    return scaled_dot_product_attention(
        query, key, value, mask, dropout, is_causal=mask is None, scale=scaling, enable_gqa=True
    )


def _mask(batch_size: int, *inputs: Any, attention_mask: Tensor | None = None, **others: Any) -> Tensor | None:
    """Make no mask for one row without padding: boundaries, or the causal rule alone, say who sees what."""
    if batch_size == 1 and attention_mask is None:
        return None
    return sdpa_mask(batch_size, *inputs, attention_mask=attention_mask, **others)


AttentionInterface.register(NAME, varlen_attention)
AttentionMaskInterface.register(NAME, _mask)
