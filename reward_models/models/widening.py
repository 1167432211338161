"""The weights of a stock BERT that compares prompt and answer, made of those of another BERT.

- The first two thirds of the layers stay. They are widened by one attention head, whose columns carry, as pairs
  (+x, -x) that leave each layer norm's mean alone: the position as sines, and marks of a few tokens.
- The new head finds the mark between prompt and answer (its token is the tokenizer's mask, with the separator's
  embedding), brings its position to it alone, and then tells every token on which side of the mark it is.
- A further layer replaces each token by the mean of its side; another one takes the other side's from it, and its
  feed-forward part adds up d x erf(d), nearly the square, of the difference d over groups of columns. Differences and
  squares are what pooler and head read.

What is written here stays as it is in training (`comparing.hold_written`). On inputs that the base was trained on the
first layers compute what they did, but for layer norms that see 8 % more columns: gains and biases make up for their
mean effect on `SAMPLES`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertModel

KEPT = 2 / 3
"""Share of the base's layers; the last ones are about the base's own training task."""
HARMONICS = (1, 3)
SINES, COSINES = (0, 1), (2, 3)
MARK_SINES, MARK_COSINES = (4, 5), (6, 7)
MARK, FIRST, ONE, PROMPT, ANSWER, BALLAST = range(8, 14)
"""Pairs of extra columns; (sines, cosines) of a token's position, and of the mark's, which only the mark has."""
EXTRA = 28
CARRIED = 0.3
"""Size of extra columns behind layer norms, where others are around 1: all of them are some percent of the variance."""
SURE = 100.0
"""Attention logit that leaves nothing to other tokens."""
STEEP = 6000.0
"""Of the sine of a distance: sure at three quarters of a token."""
DOUBT = 15.0
"""Attention logit against being behind the mark, for tokens that know nothing of their position."""
SHIFT = 0.25
"""Tokens between the mark and where the answer begins, so that the mark itself is the prompt's."""
MEAN_WEIGHT = 200.0
"""Of a side's mean, over the token's own state."""
BALLAST_SIZE = 150.0
"""Keeps layer norms from taking the length of the difference out."""
POOLED_SCALE = 0.1
"""In front of the pooler's tanh, which is nearly linear there."""
BALANCING = 5
"""One spare column in this many holds what leaves a layer norm no mean of the squares to take out."""
SAMPLES = (
    "What is the capital of France? It is Paris, I think, although some people would say that it was Versailles.",
    "a pointer is a variable that holds the address of another one",
    "Thanks! How do I return a jacket that does not fit? I bought it online, three weeks ago.",
    "The results of the second experiment were not significant (p = 0.2), so we repeated it with 40 mice.",
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Of what a layer norm is given: mean, and deviation around it."""

    mean: float
    std: float


class Widening:
    """One base, and the wider model that is made of it."""

    def __init__(self, base: Any, tokenizer: Any) -> None:
        old = base.config
        self.base, self.tokenizer = base, tokenizer
        self.columns, self.head = old.hidden_size, old.hidden_size // old.num_attention_heads
        self.width = self.columns + self.head
        self.kept = max(2, round(KEPT * old.num_hidden_layers))
        self.config = copy.deepcopy(old)
        self.config.update(
            {
                "hidden_size": self.width,
                "num_attention_heads": old.num_attention_heads + 1,
                "num_hidden_layers": self.kept + 2,
            }
        )
        self.seen, self.side_std = self._moments()

    def model(self) -> Any:
        """Return the wider model."""
        wide = BertModel(self.config).eval()
        with torch.no_grad():
            for parameter in wide.parameters():
                parameter.zero_()
            self._embeddings(wide.embeddings)
            for number in range(self.kept):
                self._kept_layer(wide.encoder.layer[number], self.base.encoder.layer[number])
            self._find_mark(wide.encoder.layer[0].attention)
            self._find_sides(wide.encoder.layer[self.kept - 1].attention)
            self._pool(wide.encoder.layer[self.kept])
            self._subtract(wide.encoder.layer[self.kept + 1])
            wide.pooler.dense.weight.copy_(POOLED_SCALE * torch.eye(self.width))
            wide.pooler.dense.weight[list(self._pair(BALLAST))] = 0.0
        return wide

    def _moments(self) -> tuple[dict[nn.Module, Moments], float]:
        """Measure what the base's layer norms are given on samples, and the deviation of a text's mean state."""
        given: dict[nn.Module, list[Tensor]] = {}
        norms = [module for module in self.base.modules() if isinstance(module, nn.LayerNorm)]
        hooks = [
            norm.register_forward_pre_hook(lambda norm, inputs: given.setdefault(norm, []).append(inputs[0][0]))
            for norm in norms
        ]
        means = []
        with torch.inference_mode():
            for sample in SAMPLES:
                ids = torch.tensor([self.tokenizer(sample)["input_ids"]])
                states = self.base.eval()(input_ids=ids, output_hidden_states=True).hidden_states
                means.append(states[self.kept][0].mean(0))
        for hook in hooks:
            hook.remove()
        seen = {
            norm: Moments(float(torch.cat(rows).mean()), _deviation(torch.cat(rows))) for norm, rows in given.items()
        }
        return seen, _deviation(torch.stack(means))

    def _pair(self, feature: int) -> tuple[int, int]:
        plus = self.columns + 2 * feature
        return plus, plus + 1

    def _read(self, weight: Tensor, row: int, feature: int, by: float = 1.0) -> None:
        """Let a row of a linear layer add a feature, which is 1 where the pair is at +-CARRIED."""
        plus, minus = self._pair(feature)
        weight[row, plus] += by / (2 * CARRIED)
        weight[row, minus] -= by / (2 * CARRIED)

    def _write(self, weight: Tensor, feature: int, column: int) -> None:
        """Let a column of a linear layer's input add to a feature."""
        plus, minus = self._pair(feature)
        weight[plus, column] += CARRIED
        weight[minus, column] -= CARRIED

    def _norm(self, new: Any, old: Any) -> None:
        """Make a wider layer norm give what the old one did, and extra columns keep their size on average."""
        moments = self.seen[old]
        share = self.columns / self.width
        std = math.sqrt(share) * moments.std
        new.weight[: self.columns] = old.weight * math.sqrt(share)
        new.bias[: self.columns] = old.bias - old.weight * moments.mean * (1 - share) / moments.std
        new.weight[self.columns :] = std

    def _embeddings(self, new: Any) -> None:
        old, size = self.base.embeddings, CARRIED
        scale = self.seen[old.LayerNorm].std
        for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
            getattr(new, name).weight[:, : self.columns] = getattr(old, name).weight
        words, positions = new.word_embeddings.weight, new.position_embeddings.weight
        words[self.tokenizer.mask_token_id, : self.columns] = words[self.tokenizer.sep_token_id, : self.columns]

        def put(rows: Tensor, feature: int, value: Tensor | float) -> None:
            plus, minus = self._pair(feature)
            rows[..., plus] = size * scale * value
            rows[..., minus] = -size * scale * value

        put(words[self.tokenizer.mask_token_id], MARK, 1.0)
        put(words[self.tokenizer.cls_token_id], FIRST, 1.0)
        put(new.token_type_embeddings.weight, ONE, 1.0)
        angles = torch.arange(len(positions)) * math.pi / len(positions)
        for sine, cosine, times in zip(SINES, COSINES, HARMONICS, strict=True):
            put(positions, sine, torch.sin(times * angles))
            put(positions, cosine, torch.cos(times * angles))
        self._norm(new.LayerNorm, old.LayerNorm)
        new.LayerNorm.weight[self.columns :] /= scale

    def _kept_layer(self, new: Any, old: Any) -> None:
        inner = self.columns
        for name in ("query", "key", "value"):
            getattr(new.attention.self, name).weight[:inner, :inner] = getattr(old.attention.self, name).weight
            getattr(new.attention.self, name).bias[:inner] = getattr(old.attention.self, name).bias
        new.attention.output.dense.weight[:inner, :inner] = old.attention.output.dense.weight
        new.attention.output.dense.bias[:inner] = old.attention.output.dense.bias
        self._norm(new.attention.output.LayerNorm, old.attention.output.LayerNorm)
        new.intermediate.dense.weight[:, :inner] = old.intermediate.dense.weight
        new.intermediate.dense.bias.copy_(old.intermediate.dense.bias)
        new.output.dense.weight[:inner] = old.output.dense.weight
        new.output.dense.bias[:inner] = old.output.dense.bias
        self._norm(new.output.LayerNorm, old.output.LayerNorm)

    def _find_mark(self, attention: Any) -> None:
        """Give the mark its position: it looks at itself, all others at the first token, where this is nought."""
        query, key, value = (getattr(attention.self, name).weight for name in ("query", "key", "value"))
        row, logit = self.columns, SURE * math.sqrt(self.head)
        self._read(query, row, ONE, logit)
        self._read(key, row, FIRST)
        self._read(query, row + 1, MARK, 2 * logit)
        self._read(key, row + 1, MARK)
        targets = (*MARK_SINES, *MARK_COSINES)
        for place, (source, target) in enumerate(zip((*SINES, *COSINES), targets, strict=True)):
            self._read(value, row + place, source)
            if source in COSINES:
                self._read(value, row + place, ONE, -1.0)
            self._write(attention.output.dense.weight, target, row + place)

    def _find_sides(self, attention: Any) -> None:
        """Tell tokens behind the mark, which look at it, from those before it, which look at all the others.

        The logit is sin(k (position - mark - SHIFT)) / k, summed over harmonics: positive up to half a turn behind.
        Where the mark is, (sin, cos) are those of its position less (0, 1), so the query's own cosine is given back.
        """
        query, key, value = (getattr(attention.self, name).weight for name in ("query", "key", "value"))
        row, logit = self.columns, STEEP * math.sqrt(self.head)
        turn = math.pi / self.config.max_position_embeddings
        for place, times in enumerate(HARMONICS):
            sine, cosine = SINES[place], COSINES[place]
            late, scale = math.cos(times * turn * SHIFT), logit / times
            shift = math.sin(times * turn * SHIFT)
            first, second = row + 2 * place, row + 2 * place + 1
            # sin(a - shift), against cos of the mark, which is (carried cosine + MARK); cos(a - shift) against -sin.
            self._read(query, first, sine, scale * late)
            self._read(query, first, cosine, -scale * shift)
            self._read(key, first, MARK_COSINES[place])
            self._read(key, first, MARK)
            self._read(query, second, cosine, scale * late)
            self._read(query, second, sine, scale * shift)
            self._read(key, second, MARK_SINES[place], -1.0)
        # First tokens may be so large in some layers that layer norms leave nothing of their position.
        last = row + 2 * len(HARMONICS)
        attention.self.query.bias[last] = -DOUBT * math.sqrt(self.head)
        self._read(key, last, MARK)
        self._read(value, row, MARK)
        self._read(value, row + 1, ONE)
        self._read(value, row + 1, MARK, -1.0)
        self._write(attention.output.dense.weight, ANSWER, row)
        self._write(attention.output.dense.weight, PROMPT, row + 1)

    def _look(self, attention: Any, theirs: Callable[[int], int]) -> None:
        """Let every head attend evenly to the tokens of a side, never to the others."""
        for head in range(self.config.num_attention_heads):
            for place, side in enumerate((PROMPT, ANSWER)):
                row = head * self.head + place
                self._read(attention.self.query.weight, row, side, -SURE * math.sqrt(self.head))
                self._read(attention.self.key.weight, row, theirs(side))

    def _copy(self, attention: Any, by: float) -> None:
        inner = torch.arange(self.columns)
        attention.self.value.weight[inner, inner] = 1.0
        attention.output.dense.weight[inner, inner] = by

    def _pool(self, layer: Any) -> None:
        """Replace states by the mean of their side, of deviation 1; then lay the ballast."""
        self._look(layer.attention, lambda side: PROMPT + ANSWER - side)
        self._copy(layer.attention, MEAN_WEIGHT)
        share = math.sqrt(self.columns / self.width)
        layer.attention.output.LayerNorm.weight[: self.columns] = share
        for side in (PROMPT, ANSWER):
            layer.attention.output.LayerNorm.weight[list(self._pair(side))] = MEAN_WEIGHT * self.side_std * 2
        layer.output.LayerNorm.weight.fill_(share)
        plus, minus = self._pair(BALLAST)
        layer.output.LayerNorm.weight[[plus, minus]] = 0.0
        layer.output.LayerNorm.bias[plus], layer.output.LayerNorm.bias[minus] = BALLAST_SIZE, -BALLAST_SIZE

    def _subtract(self, layer: Any) -> None:
        """Take the other side's mean away, and add up squares of the difference."""
        self._look(layer.attention, lambda side: side)
        self._copy(layer.attention, -1.0)
        plus, minus = self._pair(BALLAST)
        for norm in (layer.attention.output.LayerNorm, layer.output.LayerNorm):
            norm.weight[: self.columns] = BALLAST_SIZE * math.sqrt(2 / self.width)
            norm.bias[plus], norm.bias[minus] = BALLAST_SIZE, -BALLAST_SIZE
        # gelu(d) + gelu(-d) = d erf(d / sqrt 2).
        inner = torch.arange(self.columns)
        layer.intermediate.dense.weight[inner, inner] = 1.0
        layer.intermediate.dense.weight[self.columns + inner, inner] = -1.0
        spare = torch.tensor([column for column in range(self.columns, self.width) if column not in (plus, minus)])
        balance, sums = spare[::BALANCING], spare[torch.arange(len(spare)) % BALANCING != 0]
        size = 1 / math.ceil(self.columns / len(sums))
        for units in (inner, self.columns + inner):
            layer.output.dense.weight[sums[inner % len(sums)], units] = size
            layer.output.dense.weight[balance[:, None], units] = -size / len(balance)
        layer.output.LayerNorm.weight[spare] = BALLAST_SIZE * math.sqrt(2 / self.width)


def _deviation(rows_ND: Tensor) -> float:
    """Return the deviation that rows are divided by on average."""
    return 1 / float((1 / rows_ND.std(-1, correction=0)).mean())
