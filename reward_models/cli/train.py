"""`verify rm train`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reward_models.cli.reading import parse_aspects, parse_scale
from verifiers.cli.exits import Interrupted
from verifiers.cli.guard import guarded_stdout
from verifiers.cli.rows import parse_map
from verifiers.cli.table import write
from verifiers.config import parse_assignments
from verifiers.errors import UsageError, require


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--base", required=True, metavar="MODEL", help="Folder or hub id of an encoder or causal language model.")
@click.option("-o", "--output", required=True, metavar="DIR", help="Where the model goes, with its checkpoints.")
@click.option("--preset", default="cpu-small", show_default=True, metavar="NAME", help="Settings by name, or a .yaml.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="One setting, over the preset; repeatable.")
@click.option("--loss", metavar="NAME", help="Short for --set loss=NAME: auto, joint, mse, ordinal, bt, soft ...")
@click.option("--epochs", type=float, metavar="X", help="Short for --set epochs=X.")
@click.option("--seed", type=int, metavar="N", help="Short for --set seed=N.")
@click.option(
    "--validation", multiple=True, metavar="FILE", help="Files to validate on; none = a share of the prompts."
)
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As of verify rm inspect.")
@click.option("--aspect", "aspects", multiple=True, metavar="NAME=WEIGHT", help="An aspect's weight; repeatable.")
@click.option(
    "--scale", type=float, nargs=2, metavar="LOW HIGH", help="The lowest and the highest rating there can be."
)
@click.option("--reference", is_flag=True, help="Put each row's reference into its prompt.")
@click.option("--raters", type=click.Choice(["auto", "on", "off"]), default="auto", help="Take raters' habits off.")
@click.option("--split-by", type=click.Choice(["prompt", "rater", "both"]), default="prompt", help="Of validation.")
@click.option("--bad-rows", type=click.Choice(["refuse", "skip"]), default="refuse", show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the run in DIR from its last whole checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace the run in DIR.")
@click.option("--trust-remote-code", is_flag=True, help="Run the base's own Python. Read it first.")
@click.option("--allow-pickle", is_flag=True, help="Read weights that are pickled: reading them runs code.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def command(
    files: tuple[str, ...],
    base: str,
    output: str,
    preset: str,
    sets: tuple[str, ...],
    loss: str | None,
    epochs: float | None,
    seed: int | None,
    validation: tuple[str, ...],
    maps: tuple[str, ...],
    aspects: tuple[str, ...],
    scale: tuple[float, float] | None,
    reference: bool,
    raters: str,
    split_by: str,
    bad_rows: str,
    resume: bool,
    overwrite: bool,
    trust_remote_code: bool,
    allow_pickle: bool,
    quiet: bool,
) -> None:
    """Train a reward model on ratings, pairs, rankings, thumbs or scored groups.

    \b
      verify rm train ratings.jsonl --base MODEL -o my-rm
      verify rm train pairs.jsonl --base MODEL -o my-rm --preset lora-24gb --set epochs=1

    The last folder holds a stock AutoModelForSequenceClassification with one output, and rm_card.json. Presets:
    cpu-small, lora-24gb, qlora-16gb, h200-full, fsdp-8, multi-node.
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)
    from reward_models.training.folder import check_folder
    from reward_models.training.material import Sources
    from reward_models.training.settings import load_settings

    short = {"loss": loss, "epochs": epochs, "seed": seed}
    given = {name: value for name, value in short.items() if value is not None}
    settings = load_settings(preset, {**parse_assignments(sets), **given})
    # In a moment, before torch is loaded and all data read.
    if base.startswith((".", "/", "~")) and not Path(base).is_dir():
        raise UsageError(f"--base: there is no folder {base}; name one with a model, or a hub id (org/name)")
    if not resume:
        check_folder(Path(output), overwrite, (base, *files, *validation))
    sources = Sources(
        files,
        validation,
        parse_map(maps),
        parse_aspects(aspects),
        parse_scale(scale),
        reference,
        bad_rows,  # type: ignore[arg-type]  # click has checked these three
        raters,  # type: ignore[arg-type]
        split_by,  # type: ignore[arg-type]
    )
    require("torch", "rm", "Training a reward model")
    require("accelerate", "rm", "Training a reward model")
    from reward_models.training.run import Request, train

    request = Request(
        sources, base, Path(output), settings, resume, overwrite, trust_remote_code, allow_pickle, bar=not quiet
    )

    def say(line: str) -> None:
        if not quiet:
            write(line, sys.stderr)

    if not Path(base).is_dir():
        say(f"{base} is no folder here: it is asked for at the hub")
    try:
        with guarded_stdout():
            train(request, say)
    except KeyboardInterrupt as error:
        raise Interrupted("Interrupted. The same command with --resume goes on from the last checkpoint.") from error
