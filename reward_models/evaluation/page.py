"""The report as one HTML file: no scripts, nothing loaded from anywhere, every text of a model escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

from reward_models.evaluation import sections
from reward_models.evaluation.bootstrap import Interval
from reward_models.evaluation.evaluate import Evaluation
from reward_models.evaluation.findings import findings, percent
from verifiers import __version__

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser runs and loads nothing, whatever an answer holds."""


def write_page(evaluation: Evaluation, path: Path) -> None:
    """Write the report; a text that is no Unicode (half a surrogate pair) is shown with question marks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(page(evaluation).encode("utf-8", "replace"))


def page(evaluation: Evaluation) -> str:
    """Return the report."""
    style = (files("reward_models.evaluation") / "style.css").read_text(encoding="utf-8")
    body = "".join(
        (
            _header(evaluation),
            _findings(evaluation),
            sections.standing(evaluation),
            sections.scores(evaluation),
            sections.calibration(evaluation),
            sections.length(evaluation),
            sections.parts(evaluation),
            sections.people(evaluation),
            sections.disagreements(evaluation),
            _footer(),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(evaluation.model)}: reward model report</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _header(evaluation: Evaluation) -> str:
    quality = evaluation.quality
    name, value = quality.headline
    data = ", ".join(evaluation.data) or "held-out answers"
    shown = "not measured" if value is None else _share_or_number(name, value)
    return (
        f"<header><h1>{escape(evaluation.model)}</h1><p>Reward model, on {escape(data)}</p>"
        f'<p class="headline">{shown}<small>{escape(name)}{_between(name, value)}</small></p></header>'
        f'<div class="tiles">{"".join(_tiles(evaluation))}</div>'
    )


def _share_or_number(name: str, value: Interval) -> str:
    return f"{value.value:.3f}" if name == "Spearman" else percent(value.value)


def _between(name: str, value: Interval | None) -> str:
    if value is None or value.low is None or value.high is None:
        return ""
    low, high = (f"{end:.3f}" if name == "Spearman" else percent(end) for end in (value.low, value.high))
    return f", 95 % interval {low} to {high}"


def _tiles(evaluation: Evaluation) -> Iterator[str]:
    quality = evaluation.quality
    yield _tile(f"{quality.prompts:,}", f"prompts, {quality.answers:,} answers")
    if quality.pairs:
        yield _tile(f"{quality.pairs:,.0f}", "pairs that humans told apart")
    if quality.spearman is not None:
        yield _tile(f"{quality.spearman.value:.3f}", "Spearman with stars, all answers")
    if quality.spearman_in_prompt is not None:
        yield _tile(f"{quality.spearman_in_prompt.value:.3f}", "Spearman, mean over prompts")
    if quality.kendall is not None:
        yield _tile(f"{quality.kendall:.3f}", "Kendall's tau-b")
    if quality.best_is_best is not None:
        yield _tile(percent(quality.best_is_best.value), "prompts whose best-scored answer is a best one")
    checked = next((each for each in evaluation.calibrations if each.pairs is not None), None)
    if checked is not None and checked.pairs is not None:
        yield _tile(percent(checked.pairs.error), "error of calibrated probabilities (ECE)")
    if quality.tied_scores is not None:
        yield _tile(percent(quality.tied_scores), "of pairs with equal scores")


def _tile(number: str, words: str) -> str:
    return f'<div class="tile"><b>{number}</b><span>{words}</span></div>'


def _findings(evaluation: Evaluation) -> str:
    return f'<ul class="findings">{"".join(_items(evaluation))}</ul>'


def _items(evaluation: Evaluation) -> Iterable[str]:
    return (
        f'<li class="{finding.level}"><b>{finding.level}</b>{escape(finding.text)}</li>'
        for finding in findings(evaluation)
    )


DEFINITIONS = {
    "Pair accuracy": "share of pairs of answers to one prompt, told apart by humans, that the scores order the same "
    "way; equal scores count half. Ties between humans are left out.",
    "Interval": "95 %, by drawing prompts with replacement 1,000 times: answers to one prompt are not independent.",
    "Spearman, Kendall": "rank correlations of scores and stars; ties by mean ranks and tau-b.",
    "Frozen head": "the base model without training, and a ridge regression on its features.",
    "ECE": "mean distance between predicted and observed frequency over ten bins of equal size. Bins are finite, so "
    "even a perfect model has some: given as 'by chance'.",
    "Length": "in characters of the response. Its pull is what is left of it at equal stars, or the difference between "
    "pairs whose better answer is the longer and the shorter one: noise in the scores gives hardly any, but noise in "
    "the labels does where humans prefer one length.",
}


def _footer() -> str:
    rows = "".join(f"<p><b>{name}</b>: {escape(words)}</p>" for name, words in DEFINITIONS.items())
    return f"<footer><h2>How it is measured</h2>{rows}<p>grpo-teachers {escape(__version__)}</p></footer>"
