"""`verify serve`: the command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from verifiers.cli.task import task_options, work_options
from verifiers.errors import UsageError, require

if TYPE_CHECKING:
    from grpo_bridge.scorer import GroupScorer

MIB = 2**20


@click.command()
@task_options
@click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="VALUE=TASK",
    help="The teacher of samples with this value in the column --route-by; '*' = all others. Repeatable.",
)
@click.option("--route-by", metavar="COLUMN", help="The column of --route.  [default: task, data_source, ...]")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen; others than this need a token.",
)
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 = any free one."
)
@click.option("--token-file", metavar="FILE", help="The token that clients must show.  [default: VERIFY_TOKEN]")
@click.option(
    "--max-body", metavar="MIB", type=click.IntRange(1), default=32, show_default=True, help="Largest request."
)
@click.option(
    "--max-requests",
    metavar="N",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Others are told to wait.",
)
@click.option(
    "--max-batch",
    metavar="N",
    type=click.IntRange(1),
    default=4096,
    show_default=True,
    help="Completions of a request.",
)
@click.option(
    "--threads", metavar="N", type=click.IntRange(1), default=16, show_default=True, help="Requests judged at a time."
)
@click.option(
    "--drain",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds to end, once stopped.",
)
@work_options
def serve(
    task: str | None, sets: Sequence[str], config: str | None, routes: Sequence[str], route_by: str | None, **given: Any
) -> None:
    """Serve rewards over HTTP to trainers on other machines or with conflicting packages.

    POST /v1/score takes batches, /openrlhf and /slime what those trainers send; GET /openapi.json describes all.
    In Python the address is a task: trl_reward("http://host:8000").
    """
    require("fastapi", "serve", "verify serve")
    require("httptools", "serve", "verify serve")
    require("uvicorn", "serve", "verify serve")
    from grpo_bridge.serve.running import serve as run
    from grpo_bridge.serve.settings import Settings, read_token

    settings = Settings(
        host=given["host"],
        port=given["port"],
        token=read_token(given["token_file"]),
        max_body_bytes=given["max_body"] * MIB,
        max_held_bytes=max(256, 2 * given["max_body"]) * MIB,
        max_requests=given["max_requests"],
        max_batch=given["max_batch"],
        threads=given["threads"],
        drain_s=given["drain"],
    )
    scorer = _scorer(task, sets, config, routes, route_by, given)
    names = ", ".join(dict.fromkeys(scorer.teachers.values()))
    run(scorer, settings, lambda url: click.echo(f"serving {names} on {url}", err=True))


def _scorer(
    task: str | None,
    sets: Sequence[str],
    config: str | None,
    routes: Sequence[str],
    route_by: str | None,
    given: dict[str, Any],
) -> GroupScorer:
    from grpo_bridge.scorer import GroupScorer
    from verifiers.cli.task import find_task

    common = {"num_proc": given["num_proc"], "deadline_s": given["deadline"], "max_not_judged": None}
    if not routes:
        if route_by:
            raise UsageError(f"--route-by {route_by} is for --route VALUE=TASK; name the teachers so")
        found = find_task(task, sets, config)
        return GroupScorer(found.name, options=found.values, **common)
    if task or sets or config:
        raise UsageError("--route names the teachers; leave out --task, --set and --config (a route may name a YAML)")
    pairs = [each.partition("=") for each in routes]
    wrong = [each for each, (value, _, name) in zip(routes, pairs, strict=True) if not value or not name]
    if wrong:
        raise UsageError(f"--route {wrong[0]!r}: write VALUE=TASK, e.g. --route gsm8k=math")
    return GroupScorer({value: name for value, _, name in pairs}, route_by=route_by, **common)
