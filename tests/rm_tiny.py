"""Models of two layers, with random weights and tokenizers made here: there is no hub in tests."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

WORDS = "the sky is blue because light scatters in air and water runs down to sea while birds sing at dawn".split()
CHAT = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
DATED = "{%- set today = strftime_now('%d %b %Y') -%}{{ bos_token }}Today: {{ today }}\n" + CHAT.partition("}}")[2]
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + CHAT
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
DECODER = {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 256}
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": DECODER,
    "qwen2": DECODER,
    "qwen3": {**DECODER, "head_dim": 8},
    "mistral": {**DECODER, "sliding_window": None},
    "gemma": {**DECODER, "head_dim": 8},
    "gemma2": {**DECODER, "head_dim": 8, "query_pre_attn_scalar": 8, "attn_implementation": "eager"},
    "mixtral": {**DECODER, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    "qwen3_moe": {**DECODER, "head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "bert": {**SMALL, "max_position_embeddings": 256},
    "roberta": {**SMALL, "max_position_embeddings": 258},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 256},
    "deberta-v2": {
        **SMALL,
        "max_position_embeddings": 256,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 16,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pooler_hidden_size": 32,
    },
    "modernbert": {**SMALL, "max_position_embeddings": 256, "global_attn_every_n_layers": 2, "local_attention": 16},
    "eurobert": {**SMALL, "max_position_embeddings": 256, "mask_token_id": 3},
}
DECODERS = ("llama", "qwen2", "qwen3", "mistral", "gemma", "gemma2", "gpt2")
ENCODERS = ("bert", "roberta", "distilbert", "deberta-v2", "modernbert", "eurobert")


def tokenizer_of(kind: str, chat: str = "") -> PreTrainedTokenizerFast:
    encoder = kind in ENCODERS
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if encoder else ["<unk>", "<s>", "</s>"]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator([" ".join(WORDS)], trainer)
    if encoder:
        names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    elif kind == "gpt2":  # As GPT-2: one special token for all, padding == eos.
        names = {"bos_token": "</s>", "eos_token": "</s>"}
    else:  # As Llama: no padding token at all.
        names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=256, **names)
    if chat:
        tokenizer.chat_template = chat
    return tokenizer


def tiny_base(folder: Path, kind: str, chat: str = "", seed: int = 0) -> str:
    """Write a base (no head) and its tokenizer; return the path."""
    path = folder / kind
    tokenizer = tokenizer_of(kind, chat)
    special = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}
    ids = {**special, "eos_token_id": tokenizer.eos_token_id, "cls_token_id": tokenizer.cls_token_id}
    ids |= {"sep_token_id": tokenizer.sep_token_id}
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer) + 8, **CONFIGS[kind], **ids)
    torch.manual_seed(seed)
    net = AutoModel.from_config(config)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "norm" not in name.lower():  # Random, but not so small that all texts score the same.
                parameter.mul_(4 if kind == "gpt2" else 8)
    net.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def texts(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Make prompts and responses of mixed lengths."""
    generator = torch.Generator().manual_seed(seed)

    def some(most: int) -> str:
        length = int(torch.randint(1, most, (1,), generator=generator))
        picks = torch.randint(0, len(WORDS), (length,), generator=generator)
        return " ".join(WORDS[int(pick)] for pick in picks)

    return [some(12) for _ in range(count)], [some(30) for _ in range(count)]
