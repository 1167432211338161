"""A causal language model of tens of thousands of parameters, made from a config, with a tokenizer trained on the spot.

For tests and first steps: nothing is downloaded, and a step takes a tenth of a second on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

EOS, PAD = "<eos>", "<pad>"
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def tiny_tokenizer(texts: Iterable[str], vocabulary: int = 64) -> Any:
    """Train a byte-pair tokenizer.

    Args:
        texts: What it will meet; each character becomes a token, and pairs do until the vocabulary is full.
        vocabulary: Most tokens; at least the characters are there.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    tokenizer.decoder = decoders.Fuse()
    # Its progress prints empty lines where there is no terminal.
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[EOS, PAD], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=EOS, pad_token=PAD, padding_side="left")
    fast.chat_template = CHAT_TEMPLATE
    return fast


def tiny_model(tokenizer: Any, *, hidden: int = 32, layers: int = 2, seed: int = 0) -> Any:
    """Make a Qwen2 with random weights, the same for the same seed.

    Args:
        tokenizer: Gives the size of the vocabulary and the marks.
        hidden: Width; a multiple of 8.
        layers: Depth.
        seed: Of the weights.
    """
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
