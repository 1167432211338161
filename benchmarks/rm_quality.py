"""Quality of reward models on human ratings: every loss on frozen features, and fine-tuned, beside length and TRL.

python benchmarks/rm_quality.py --base FOLDER                      frozen heads: minutes
python benchmarks/rm_quality.py --base FOLDER --tune ours:joint    a fine-tuned row: an hour of a core, kept
python benchmarks/rm_quality.py --base FOLDER --whole ...          either, with every prompt tested once a seed
python benchmarks/rm_quality.py --base FOLDER --write              the table into RESULTS.md
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from common import headline, write_section
from rm_features import Reading, answer_features
from rm_sets import FIFTHS, Figures, RatedSet, Split, load_sets

from reward_models.batching.labels import LabelMaker
from reward_models.batching.scale import StarScale
from reward_models.data.labels import relabelled
from reward_models.data.raters import fit_raters
from reward_models.losses.registry import LOSSES, PAIRWISE, SINGLE, build_loss
from reward_models.training.head_start import fit_head, make_folds
from reward_models.training.rater_offsets import offsets_beside_head
from reward_models.training.validation import per_prompt

SEEDS = tuple(range(8))
"""Splits of frozen heads; of one to the next figures differ by more than most losses do."""
TUNED_SEEDS = (0, 1, 2)
WHOLE = "; every prompt tested"
"""Ending of rows whose seeds are tested fifth by fifth: one fifth differs from the next more than one order of all."""
RATERS = "Topical-Chat"
"""The set whose raters are corrected: each rates some ten answers of a conversation."""
READINGS: tuple[Reading, ...] = ("together", "compared", "apart")

Runs = dict[str, dict[str, dict[str, Figures]]]
"""Row of the table -> set -> `seed`, or `seed.fifth` -> figures."""


def usable(name: str, rated: RatedSet) -> bool:
    """Tell whether a loss learns anything from a set's labels."""
    stars = any(answer.stars is not None for prompt in rated.prompts for answer in prompt.answers)
    pairs = 4 * sum(len(prompt.answers) > 1 for prompt in rated.prompts) > len(rated.prompts)
    return (name not in SINGLE or stars) and (name not in PAIRWISE or pairs)


def frozen(rated: RatedSet, features_ND: torch.Tensor, name: str, by: Split, corrected: bool) -> Figures:
    """Fit a head on the training prompts' features; measure it on the test prompts."""
    features_P = features_ND.split([len(prompt.answers) for prompt in rated.prompts])
    places, test = rated.split(by)
    train, tested = [rated.prompts[n] for n in places], [rated.prompts[n] for n in test]
    if corrected:
        raters = offsets_beside_head(torch.cat([features_P[n] for n in places]), train, fit_raters(train))
        train = relabelled(train, {}, raters.offsets)
    scale = StarScale.fit(train)
    folds = make_folds(train, LabelMaker(train, scale))
    fit = fit_head(torch.cat([features_P[n] for n in places]), folds, lambda: build_loss(name, scale), 1)
    outputs_NH = torch.cat([features_P[n] for n in test]) @ fit.weight_HD.T + fit.bias_H
    return rated.measure(tested, per_prompt(tested, outputs_NH[:, 0]))


class Store:
    """Finished runs, in a file that several processes add to.

    Attributes:
        path: JSON of `Runs`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Runs:
        """Return all runs so far."""
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def add(self, row: str, rated: RatedSet, by: Split, found: Figures) -> None:
        """Keep one run."""
        runs = self.read()
        key = f"{by.seed}.{by.fifth}" if row.endswith(WHOLE) else str(by.seed)
        runs.setdefault(row, {}).setdefault(rated.name, {})[key] = found
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(runs, indent=1), encoding="utf-8")
        print(rated.name, row, key, found, flush=True)


def splits(seeds: Iterable[int], whole: bool) -> list[Split]:
    """Return one split a seed, or all fifths of each."""
    return [Split(seed, fifth) for seed in seeds for fifth in range(FIFTHS if whole else 1)]


def frozen_rows(
    sets: Iterable[RatedSet],
    readings: Sequence[Reading],
    losses: Sequence[str],
    base: str,
    cache: Path,
    store: Store,
    whole: bool,
) -> None:
    """Add a row for each reading and loss; for raters' data one more with corrected labels."""
    for rated in sets:
        for reading in readings:
            features_ND = answer_features(base, rated, reading, cache)
            for name in losses:
                if not usable(name, rated):
                    continue
                for corrected in (False, True) if rated.name == RATERS else (False,):
                    row = f"frozen, {reading}: {name}{', raters corrected' * corrected}{WHOLE * whole}"
                    for by in splits(TUNED_SEEDS if whole else SEEDS, whole):
                        store.add(row, rated, by, frozen(rated, features_ND, name, by, corrected))


def length_row(sets: Iterable[RatedSet], store: Store) -> None:
    """Add what the answers' length alone gives, whichever direction is better on the whole set."""
    for rated in sets:
        lengths = [[float(len(str(answer.response))) for answer in prompt.answers] for prompt in rated.prompts]
        first = next(iter(rated.measure(rated.prompts, lengths).values()))
        sign = 1 if "Spearman" in rated.measure(rated.prompts, lengths) or first >= 0.5 else -1
        for by in splits(SEEDS, whole=False):
            _, test = rated.split(by)
            scores = [[sign * length for length in lengths[n]] for n in test]
            store.add("length alone", rated, by, rated.measure([rated.prompts[n] for n in test], scores))


def tune(what: str, rated: RatedSet, base: str, by: Split, values: dict[str, Any]) -> Figures:
    """Fine-tune on one split: `ours:LOSS`, or `trl` on as many tokens as the same settings read."""
    from rm_tuned import ours, trl

    kind, _, loss = what.partition(":")
    if kind == "ours":
        tuned = ours(rated, by, base, {"loss": loss or "auto", **values})
    else:
        tuned = trl(rated, by, base, int(values["tokens"]))
    _, test = rated.split(by)
    print(f"{tuned.tokens:,} tokens, {tuned.cpu_s:.0f} CPU s", flush=True)
    return rated.measure([rated.prompts[n] for n in test], tuned.scores)


def cell(runs: Mapping[str, Figures]) -> str:
    """Return mean ± deviation over the seeds of each figure; of a seed's fifths the mean counts."""
    parts = []
    fifths: dict[str, list[Figures]] = {}
    for key, found in runs.items():
        fifths.setdefault(key.partition(".")[0], []).append(found)
    for name in next(iter(runs.values())):
        values = [statistics.mean(each[name] for each in found) for found in fifths.values()]
        spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else " (1 seed)"
        parts.append(f"{statistics.mean(values):.3f}{spread}")
    return " / ".join(parts)


def table(runs: Runs, sets: Sequence[RatedSet]) -> str:
    """Return the rows as Markdown."""
    lines = [f"| {' | '.join(['trained', *(rated.name for rated in sets)])} |", "|" + " --- |" * (len(sets) + 1)]
    for row, by_set in runs.items():
        cells = [cell(by_set[rated.name]) if rated.name in by_set else "–" for rated in sets]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="folder of the base model")
    parser.add_argument("--cache", type=Path, default=Path("build/rm_quality"), help="features and finished runs")
    parser.add_argument("--sets", nargs="*", help="names of sets; all")
    parser.add_argument("--readings", nargs="*", choices=READINGS, default=list(READINGS), help="of frozen bodies")
    parser.add_argument("--losses", nargs="*", choices=LOSSES, default=list(LOSSES), help="of frozen heads")
    parser.add_argument("--seeds", nargs="*", type=int, default=list(TUNED_SEEDS), help="of fine-tuned runs")
    parser.add_argument("--whole", action="store_true", help="test every prompt once a seed, fifth by fifth")
    parser.add_argument("--tune", help="ours:LOSS or trl; one fine-tuned row")
    parser.add_argument("--set", nargs="*", default=[], help="settings of the fine-tuned run, name=value")
    parser.add_argument("--row", help="name of the fine-tuned row")
    parser.add_argument("--write", action="store_true", help="write the table of all finished runs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    every = load_sets()
    sets = [rated for rated in every if not args.sets or rated.name in args.sets]
    store = Store(args.cache / "runs.json")
    if args.tune:
        values = {name: json.loads(value) for name, _, value in (item.partition("=") for item in args.set)}
        for rated in sets:
            for by in splits(args.seeds, args.whole):
                row = (args.row or f"fine-tuned, {args.tune}") + WHOLE * args.whole
                store.add(row, rated, by, tune(args.tune, rated, args.base, by, values))
    elif not args.write:
        if not args.whole:
            length_row(sets, store)
        frozen_rows(sets, args.readings, args.losses, args.base, args.cache, store, args.whole)
    if args.write:
        notes = Path(__file__).with_name("rm_quality_notes.md").read_text(encoding="utf-8")
        shown = table(store.read(), every)
        parts = "## Reward models: quality", headline("python benchmarks/rm_quality.py --base MODEL"), shown, notes
        write_section("rm-quality", "\n\n".join(part.strip() for part in parts))


if __name__ == "__main__":
    main()
