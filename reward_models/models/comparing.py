"""A BERT that compares: prompt and answer each pooled, and their difference given to the head, in stock layers.

Sentence encoders were trained to have the means of two texts compared; the stock class reads one first token, which
says little of either. `models.widening` writes the comparison into weights of a stock `BertForSequenceClassification`.
What was written is held in training: logits of thousands and sums of 150 do not survive random steps in bfloat16.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from transformers import BertConfig

from reward_models.models.load import LoadSettings, load_config, load_net, quiet
from reward_models.models.template import frozen
from reward_models.models.tokens import load_tokenizer
from reward_models.models.widening import EXTRA, Widening
from verifiers.errors import InputError, UsageError

KEPT_PART = "compares"
"""Entry in the config of a model that compares: how many columns and layers are the base's own."""
POOLING_FILE = "1_Pooling/config.json"
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if loop.first -%}{{ CLS }}{%- endif -%}"
    "{%- if loop.last -%}{{ MARK }}{%- endif -%}"
    "{{ message['content'] }}"
    "{%- if loop.revindex != 2 -%}{{ '\n\n' if message['role'] == 'system' else SEP }}{%- endif -%}"
    "{%- endfor -%}"
)


def can_compare(config: Any, tokenizer: Any) -> bool:
    """Tell whether a base can be made to compare."""
    return (
        type(config) is BertConfig
        and config.num_hidden_layers >= 3
        and config.hidden_size % config.num_attention_heads == 0
        and config.hidden_size // config.num_attention_heads >= EXTRA
        and config.intermediate_size >= 2 * config.hidden_size
        and config.hidden_act == "gelu"
        and not tokenizer.chat_template
        and None not in (tokenizer.mask_token, tokenizer.sep_token, tokenizer.cls_token)
    )


def compares_means(path: str) -> bool:
    """Tell whether a folder is of a BERT that was trained to have means of texts compared, and can do so here.

    Sentence encoders bring a file that says how they pool.
    """
    folder = Path(path)
    try:
        pooling = json.loads((folder / POOLING_FILE).read_text(encoding="utf-8"))
        if not pooling.get("pooling_mode_mean_tokens"):
            return False
        return can_compare(load_config(path, LoadSettings()), load_tokenizer(path))
    except (OSError, ValueError, AttributeError, UsageError, InputError):
        return False


def save_comparing(path: str, folder: Path, settings: LoadSettings | None = None) -> None:
    """Write a base that compares, made of another one; its tokenizer gets the template with the mark.

    Args:
        path: Folder or hub id of a BERT.
        folder: Where to; made if absent.
        settings: How to load the base; it is written in float32.

    Raises:
        UsageError: If the base cannot be made to compare.
        InputError: If it cannot be loaded.
    """
    loading = settings or LoadSettings()
    tokenizer = load_tokenizer(path, loading.trust_remote_code)
    base = load_net(path, loading).net.base_model.float()
    if not can_compare(base.config, tokenizer):
        raise UsageError(
            f"{path!r} cannot be made to compare prompt and answer: that takes a BERT of at least 3 layers, with heads "
            f"of at least {EXTRA} columns, a mask token, and no chat template of its own; use pooling=stock"
        )
    names = {"CLS": tokenizer.cls_token, "SEP": tokenizer.sep_token, "MARK": tokenizer.mask_token}
    template = TEMPLATE
    for name, token in names.items():
        template = template.replace(f"{{{{ {name} }}}}", f"{{{{ {token!r} }}}}").replace(
            f"else {name} ", f"else {token!r} "
        )
    widening = Widening(base, tokenizer)
    model = widening.model()
    setattr(model.config, KEPT_PART, {"columns": widening.columns, "layers": widening.kept})
    tokenizer.chat_template = template
    frozen(tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def hold_written(net: Any) -> None:
    """Keep training off what was written into a model that compares; others stay as they are.

    Added layers take no gradient. Elsewhere the added rows and columns get none; weight decay takes 2e-7 of them a
    step, which does not matter.
    """
    kept = getattr(net.config, KEPT_PART, None)
    if kept is None:
        return
    body, columns = net.base_model, int(kept["columns"])
    for layer in body.encoder.layer[int(kept["layers"]) :]:
        layer.requires_grad_(False)
    for name, parameter in body.named_parameters():
        if parameter.requires_grad:
            rows = 0 if "embeddings" in name and parameter.ndim == 2 else columns
            wide = body.config.hidden_size
            parameter.register_hook(partial(_without_added, columns=columns, rows=rows, wide=wide))


def _without_added(gradient: Any, columns: int, rows: int, wide: int) -> Any:
    """Return a gradient with nothing for columns that were added, nor for rows (0 = none were)."""
    held = gradient.clone()
    if held.shape[-1] == wide:
        held[..., columns:] = 0.0
    if rows and held.shape[0] == wide:
        held[rows:] = 0.0
    return held
