"""The report's sections, as HTML. A section that the set does not allow is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from reward_models.evaluation.bootstrap import Interval
from reward_models.evaluation.buckets import Bucket
from reward_models.evaluation.charts import (
    DotRow,
    best_of_n_chart,
    box_chart,
    dots,
    histogram_chart,
    reliability_chart,
)
from reward_models.evaluation.disagreements import Disagreement, Misjudged, Said
from reward_models.evaluation.evaluate import Beside, Evaluation
from reward_models.evaluation.findings import percent, points
from reward_models.evaluation.quality import Quality
from reward_models.evaluation.reliability import Checked

MIN_BINS = 3
"""Fewer bins are no curve: there are too few answers."""
BY_OTHERS, BY_MODEL = "one rater, by the others", "one rater, by the model"
SUMMARY = 140
"""Characters of a prompt in the line of a folded disagreement."""


def section(title: str, lead: str, *parts: str) -> str:
    """Return a titled section, or nothing if all parts are empty."""
    inner = "".join(parts)
    return f'<section><h2>{escape(title)}</h2><p class="lead">{escape(lead)}</p>{inner}</section>' if inner else ""


def figure(title: str, caption: str, picture: str, wide: bool = False) -> str:
    """Return a chart with its title and what to see in it."""
    kind = ' class="wide"' if wide else ""
    return f"<figure{kind}><h3>{escape(title)}</h3>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def grid(figures: Sequence[str]) -> str:
    """Return charts side by side."""
    return f'<div class="grid">{"".join(figures)}</div>' if any(figures) else ""


def table(header: Sequence[str], rows: Sequence[Sequence[object]], first_is_model: bool = False) -> str:
    """Return a table; `None` prints as a dash."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = []
    for place, row in enumerate(rows):
        kind = ' class="model"' if first_is_model and not place else ""
        cells = "".join(f"<td>{escape('-' if cell is None else str(cell))}</td>" for cell in row)
        lines.append(f"<tr{kind}>{cells}</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def standing(evaluation: Evaluation) -> str:
    """Model, rivals and humans on one axis, and in numbers."""
    measure = evaluation.quality.headline[0]
    share = measure != "Spearman"
    rivals = [*((each, "other") for each in evaluation.others), *((each, "baseline") for each in evaluation.baselines)]
    rows = [*_dot(evaluation.model, evaluation.quality, measure, "model")]
    for beside, kind in rivals:
        rows += _dot(beside.name, beside.quality, measure, kind)
    ceiling = evaluation.ceiling
    caption = "Dots: this set. Bars: 95 % intervals over prompts."
    if share and ceiling is not None and ceiling.humans is not None and ceiling.model is not None:
        # Single ratings are harder to predict than the mean of all: humans stand beside the model on that task.
        for name, value, kind in ((BY_OTHERS, ceiling.humans, "human"), (BY_MODEL, ceiling.model, "model")):
            rows.append(DotRow(name, value.value, value.low, value.high, kind))
        caption += " The last two are a task of their own: to predict each single rating, not the mean of all."
    if not rows:
        return ""
    marks = [(0.5, "coin toss")] if share else [(0.0, "no relation")]
    chart = figure(measure.capitalize(), caption, dots(rows, measure, marks, share), wide=True)
    lines = [numbers(evaluation.model, evaluation.quality, None, measure)]
    lines += [numbers(beside.name, beside.quality, beside, measure) for beside, _ in rivals]
    header = ("", "pair accuracy", "within raters", "Spearman", "in prompts", "ahead by", "p")
    lead = "The model beside what costs nothing: the longer answer, and the base model with a linear head."
    return section("Where it stands", lead, chart, table(header, lines, first_is_model=True))


def _dot(name: str, quality: Quality | None, measure: str, kind: str) -> Iterator[DotRow]:
    value = None if quality is None else dict(quality.measures)[measure]
    if value is not None:
        yield DotRow(name, value.value, value.low, value.high, kind)


def numbers(name: str, quality: Quality | None, beside: Beside | None, measure: str) -> tuple[object, ...]:
    """Return a line of the table of models: name, measures, how far the evaluated model is ahead in one, and p."""
    if quality is None:
        return (f"{name}: not run", *[None] * 6)
    ahead = beside.ahead.of(measure) if beside is not None and beside.ahead is not None else None
    return (
        name if beside is None else f"{name} ({beside.how})",
        *(with_interval(value) for value in (quality.pair_accuracy, quality.rater_accuracy)),
        number(quality.spearman),
        number(quality.spearman_in_prompt),
        None if ahead is None else points(ahead.interval.value),
        None if ahead is None or ahead.p_value is None else f"{ahead.p_value:.3f}",
    )


def with_interval(value: Interval | None) -> str | None:
    """Return a share with its interval: 71.3 % (69.9 - 72.8)."""
    if value is None:
        return None
    if value.low is None or value.high is None:
        return percent(value.value)
    return f"{percent(value.value)} ({100 * value.low:.1f} - {100 * value.high:.1f})"


def number(value: Interval | float | None) -> str | None:
    """Return a correlation."""
    if isinstance(value, Interval):
        value = value.value
    return None if value is None else f"{value:.3f}"


def scores(evaluation: Evaluation) -> str:
    """How scores lie, and what picking by them gains."""
    charts = []
    if evaluation.differences is not None:
        caption = "Left of the line the model prefers the answer that humans like less."
        charts.append(figure("Differences within pairs", caption, histogram_chart(evaluation.differences)))
    if len(evaluation.boxes) > 1:
        caption = "Boxes: the middle half of the answers; lines: 5 to 95 %. They should climb and part."
        charts.append(figure("Scores by stars", caption, box_chart(evaluation.boxes)))
    curve = evaluation.best_of_n
    if curve is not None and len(curve.n_K) > 1:
        gained = "" if curve.share is None else f" At n = {curve.n_K[-1]} the model gets {percent(curve.share)} of it."
        caption = (
            f"Between random and the humans' own pick lies what a reward can gain.{gained} {curve.prompts} prompts."
        )
        charts.append(figure("Best of n", caption, best_of_n_chart(curve)))
    shape = evaluation.shape
    lead = f"Raw scores have mean {shape.mean:.3f} and deviation {shape.std:.3f}"
    lead += "." if shape.within_std is None else f", {shape.within_std:.3f} within prompts."
    return section("Scores", lead, grid(charts))


def calibration(evaluation: Evaluation) -> str:
    """Whether probabilities and predicted stars come true."""
    charts = [chart for checked in evaluation.calibrations for chart in _calibrated(checked)]
    lead = "A calibrated score can be read: as the chance to be the better answer, and as stars."
    return section("Calibration", lead, grid(charts))


def _calibrated(checked: Checked) -> Iterator[str]:
    whose = "the card's map" if checked.fitted == "card" else "fitted here, checked on other prompts"
    if checked.pairs is not None and len(checked.pairs.bins_B) >= MIN_BINS:
        caption = f"Off by {percent(checked.pairs.error)} on average; {percent(checked.pairs.by_chance)} by chance."
        picture = reliability_chart(checked.pairs.bins_B, "said: P(higher score is right)", "was right")
        yield figure(f"Probabilities: {whose}", caption, picture)
    if checked.stars is not None and len(checked.stars.bins_B) >= MIN_BINS:
        caption = f"Off by {checked.stars.error:.2f} stars on average; {checked.stars.by_chance:.2f} by chance."
        picture = reliability_chart(checked.stars.bins_B, "predicted stars", "mean stars given")
        yield figure(f"Stars: {whose}", caption, picture)


def length(evaluation: Evaluation) -> str:
    """Whether the model has learned length."""
    bias = evaluation.length
    rows = [
        ("score and length (Spearman)", number(bias.score_length)),
        ("stars and length", number(bias.stars_length)),
        ("score and stars, length held fixed: skill that is not length", number(bias.score_stars_fixed_length)),
        ("score and length, stars held fixed: pull of length", number(bias.score_length_fixed_stars)),
        ("pairs in which humans prefer the longer answer", _share(bias.humans_longer)),
        ("pairs in which the model does", _share(bias.model_longer)),
        ("accuracy where humans prefer the longer", _share(bias.accuracy_longer)),
        ("accuracy where humans prefer the shorter", _share(bias.accuracy_shorter)),
    ]
    known = [row for row in rows if row[1] is not None]
    lead = "Policies find out what a reward likes before they find out what it means; length is the first thing."
    buckets = "".join(_buckets(name, part) for name, part in (
        ("which answer is longer", evaluation.by_longer), ("length of the answers", evaluation.by_length)))  # fmt: skip
    return section("Length", lead, table(("", ""), known), buckets)


def parts(evaluation: Evaluation) -> str:
    """The measures by source, and RewardBench's sections."""
    bench = evaluation.rewardbench
    rows: list[tuple[object, ...]] = []
    if bench is not None:
        rows = [(name, percent(value)) for name, value in bench.sections.items()]
        rows.append(("RewardBench score", percent(bench.score)))
    lead = "Where it is strong and where it is weak."
    return section("Sources", lead, table(("section", "accuracy"), rows), _buckets("source", evaluation.by_source))


def _share(value: float | None) -> str | None:
    return None if value is None else percent(value)


def _buckets(name: str, buckets: Sequence[Bucket]) -> str:
    columns: list[tuple[str, list[str | None]]] = [
        (name, [bucket.name or "(none)" for bucket in buckets]),
        ("pairs", [f"{bucket.pairs:,}" for bucket in buckets]),
        ("pair accuracy", [with_interval(bucket.pair_accuracy) for bucket in buckets]),
        ("best is best", [with_interval(bucket.best_is_best) for bucket in buckets]),
        ("answers with stars", [f"{bucket.answers:,}" if bucket.answers else None for bucket in buckets]),
        ("Spearman", [number(bucket.spearman) for bucket in buckets]),
    ]
    kept = [(title, cells) for title, cells in columns if any(cell is not None for cell in cells)]
    return table([title for title, _ in kept], list(zip(*(cells for _, cells in kept), strict=True)))


def people(evaluation: Evaluation) -> str:
    """The model beside humans."""
    ceiling = evaluation.ceiling
    rows: list[tuple[object, ...]] = []
    if ceiling is not None:
        rows = [
            ("the other raters", with_interval(ceiling.humans), number(ceiling.humans_spearman)),
            ("the model", with_interval(ceiling.model), number(ceiling.model_spearman)),
        ]
    each = [
        (r.rater, f"{r.ratings:,}", f"{r.mean:.2f}", _share(r.pair_accuracy), number(r.spearman))
        for r in evaluation.raters
    ]
    lead = "Raters do not agree with each other, so no model can agree with all. Above: who predicts one rater best."
    return section(
        "Raters",
        lead if rows else "The model against single raters.",
        table(("predicts one rater's ratings", "pair accuracy", "Spearman"), rows),
        table(("rater", "ratings", "mean", "pair accuracy", "Spearman"), each),
    )


def disagreements(evaluation: Evaluation) -> str:
    """What a person should read."""
    pairs = "".join(_pair(each) for each in evaluation.worst_pairs)
    answers = "".join(_answer(each) for each in evaluation.worst_answers)
    lead = "Read these: they show wrong labels as often as a wrong model."
    return section("Worst disagreements", lead, pairs, "<h3>Stars far off</h3>" * bool(answers), answers)


def _pair(each: Disagreement) -> str:
    said = _said(each.better, "humans prefer", "good") + _said(each.worse, "the model prefers", "bad")
    return _folded(each.prompt, f"sure to {percent(each.confidence)}", said)


def _answer(each: Misjudged) -> str:
    given = 0.0 if each.answer.stars is None else each.answer.stars
    return _folded(each.prompt, f"predicted {each.predicted:.1f}, given {given:.1f}", _said(each.answer, "answer", ""))


def _folded(prompt: str, words: str, inner: str) -> str:
    line = " ".join(prompt[: 4 * SUMMARY].split())
    line = f"{line[:SUMMARY]}…" if len(line) > SUMMARY else line
    return (
        f'<details><summary dir="auto"><bdi>{escape(line)}</bdi> <span class="where">{escape(words)}</span></summary>'
        f'<p class="label">prompt</p><pre dir="auto">{escape(prompt)}</pre><div class="said">{inner}</div></details>'
    )


def _said(said: Said, words: str, kind: str) -> str:
    stars = "" if said.stars is None else f", {said.stars:.2g} stars"
    label = f"{words}: score {said.score:.3f}{stars}"
    where = f'<p class="label">{escape(said.where)}</p>' if said.where else ""
    return f'<div><p class="label {kind}">{escape(label)}</p><pre dir="auto">{escape(said.text)}</pre>{where}</div>'
