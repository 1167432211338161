"""The model card, README.md of a checkpoint: what it is, how good it is, how to use it. Written from the figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reward_models.evaluation.evaluate import Evaluation
from reward_models.evaluation.findings import findings, points
from reward_models.evaluation.frozen import short_path
from reward_models.evaluation.page import write_page
from reward_models.evaluation.sections import BY_MODEL, BY_OTHERS, number, with_interval
from verifiers.io.json_text import encode_json

if TYPE_CHECKING:
    from reward_models.models.card import Card

FILE = "README.md"
PAGE = "report.html"
FIGURES = "evaluation.json"
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|#&]")


def write_all(evaluation: Evaluation, card: Card, folder: Path) -> None:
    """Write model card, report and figures into a checkpoint's folder, over older ones."""
    write_page(evaluation, folder / PAGE)
    (folder / FIGURES).write_bytes(encode_json(evaluation.to_json()) + b"\n")
    (folder / FILE).write_bytes(model_card(evaluation, card).encode("utf-8", "replace"))


def model_card(evaluation: Evaluation, card: Card) -> str:
    """Return the card's text: front matter as model hubs read it, then Markdown."""
    return "\n".join([*_front_matter(card), *_what(evaluation, card), *_how_good(evaluation), *_use(card)]) + "\n"


def _front_matter(card: Card) -> Iterator[str]:
    yield "---"
    yield "library_name: transformers"
    yield "pipeline_tag: text-classification"
    if card.base and not Path(card.base).exists():
        yield f"base_model: {json.dumps(card.base)}"
    yield "tags: [reward-model, grpo-teachers]"
    yield "---"


def _what(evaluation: Evaluation, card: Card) -> Iterator[str]:
    yield f"# {_plain(Path(evaluation.model).name)}"
    yield ""
    yield "A reward model: one number for how good an answer to a prompt is, learned from human ratings."
    yield ""
    facts = (
        ("base", short_path(card.base)),
        ("loss", card.loss),
        ("longest text", f"{card.max_tokens:,} tokens" if card.max_tokens else ""),
        ("aspects", ", ".join(f"{name} x {weight:g}" for name, weight in card.aspects.items())),
        ("training data (hash)", card.data_hash[:16]),
        ("template (hash)", card.template_hash[:16]),
        ("versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
    )
    yield from (f"- {name}: {_plain(value)}" for name, value in facts if value)
    yield ""


def _how_good(evaluation: Evaluation) -> Iterator[str]:
    quality = evaluation.quality
    data = ", ".join(evaluation.data) or "held-out answers"
    yield "## How good it is"
    yield ""
    yield f"On {_plain(data)}: {quality.prompts:,} prompts, {quality.answers:,} answers, {quality.pairs:,.0f} pairs."
    yield ""
    yield from _table(
        ("", "pair accuracy (95 %)", "Spearman", "Spearman in prompts", "model ahead by"), list(_rows(evaluation))
    )
    yield ""
    yield from (f"- {finding.level}: {_plain(finding.text)}" for finding in findings(evaluation))
    yield ""


def _rows(evaluation: Evaluation) -> Iterator[tuple[str | None, ...]]:
    quality = evaluation.quality
    yield (
        "this model",
        with_interval(quality.pair_accuracy),
        number(quality.spearman),
        number(quality.spearman_in_prompt),
        None,
    )
    for beside in (*evaluation.others, *evaluation.baselines):
        other = beside.quality
        ahead = beside.ahead.of(quality.headline[0]) if beside.ahead is not None else None
        if other is not None:
            yield (
                beside.name,
                with_interval(other.pair_accuracy),
                number(other.spearman),
                number(other.spearman_in_prompt),
                None if ahead is None else points(ahead.interval.value),
            )
    ceiling = evaluation.ceiling
    if ceiling is not None and ceiling.humans is not None and ceiling.model is not None:
        yield BY_OTHERS, with_interval(ceiling.humans), number(ceiling.humans_spearman), None, None
        yield BY_MODEL, with_interval(ceiling.model), number(ceiling.model_spearman), None, None


def _table(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join('-' if cell is None else _plain(cell) for cell in row)} |"


def _use(card: Card) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "    verify score --task reward_model --set model=THIS_FOLDER answers.jsonl"
    yield ""
    yield "It is a stock sequence classifier with one output, so TRL's `GRPOTrainer(reward_funcs=THIS_FOLDER)`, vLLM,"
    yield "SGLang and text-embeddings-inference load it as it is. Serve it without an activation on the output."
    yield f"Raw scores have mean {card.mean:.3g} and standard deviation {card.std:.3g} on the calibration set."
    yield "A score says how a human would rate an answer, not whether it is right; a policy that is trained on it long"
    yield "enough finds answers that it overrates."


def _plain(text: str) -> str:
    """Return a text on one line, with what Markdown or HTML would take for its own escaped."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))
