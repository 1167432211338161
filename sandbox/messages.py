"""Jobs as frames, and frames as reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sandbox.languages.language import CompileStep, File, Plan
from sandbox.types import Calls, Duet, Job, Limits, Outcome, Report, Stdio

Header = dict[str, Any]


def limits_header(limits: Limits) -> Header:
    """Return limits as a box wants them."""
    return {**asdict(limits), "wall_s": limits.wall_s}


def job_frame(number: int, job: Job, plan: Plan) -> tuple[Header, list[bytes]]:
    """Return the frame that asks for a job.

    Args:
        number: The job's number in its box.
        job: The job.
        plan: What its language makes of it.
    """
    blobs: list[bytes] = []
    header = {
        "op": "job",
        "id": number,
        "limits": limits_header(job.limits),
        "stop_early": job.stop_early,
        "launch": _launch_header(plan, blobs),
        "work": _work_header(plan.work, blobs),
    }
    return header, blobs


def _launch_header(plan: Plan, blobs: list[bytes]) -> Header:
    files = [
        {"name": file.name, "place": file.place, "exec": file.executable, "blob": index}
        for file, index in zip(plan.files, _add(blobs, [file.content for file in plan.files]), strict=True)
    ]
    common = {"files": files, "env": dict(plan.env), "address_space": plan.address_space}
    if plan.argv:
        return {**common, "kind": "exec", "argv": list(plan.argv), "compile": _compile_header(plan.compile)}
    args = list(plan.work.args) if isinstance(plan.work, Stdio) else []
    (source,) = _add(blobs, [plan.source])
    return {**common, "kind": "python", "source": source, "args": args, "preload": list(plan.preload)}


def _compile_header(step: CompileStep | None) -> Header | None:
    if step is None:
        return None
    return {
        "argv": list(step.argv),
        "env": dict(step.env),
        "limits": limits_header(step.limits),
        "address_space": step.address_space,
        "keep": list(step.keep),
    }


def _work_header(work: Stdio | Calls | Duet, blobs: list[bytes]) -> Header:
    match work:
        case Stdio():
            return {"kind": "stdio", "stdins": _add(blobs, work.stdins)}
        case Calls():
            return {"kind": "calls", "entry_point": work.entry_point, "arguments": _add(blobs, work.arguments)}
        case Duet():
            (grader,) = _add(blobs, [_utf8(work.grader)])
            checks = _add(blobs, [_utf8(check) for check in work.checks])
            told = {"names": list(work.names), "write_back": work.write_back}
            return {"kind": "duet", "grader": grader, "checks": checks, **told}


def _add(blobs: list[bytes], more: Sequence[bytes]) -> list[int]:
    """Append blobs, and return their indexes."""
    blobs.extend(more)
    return list(range(len(blobs) - len(more), len(blobs)))


def compiled_files(header: Header, blobs: list[bytes]) -> tuple[File, ...]:
    """Return the files that a compiler made, as a frame carries them."""
    return tuple(
        File(made["name"], blobs[made["blob"]], executable=bool(made.get("exec")))
        for made in header.get("artifacts", ())
    )


def report_of(header: Header, blobs: list[bytes], memory_signs: tuple[bytes, ...] = ()) -> Report:
    """Return the report that a frame carries.

    Args:
        header: The frame's header.
        blobs: Its blobs.
        memory_signs: What the program's runtime writes to stderr when memory ran out.
    """

    def blob(name: str) -> bytes:
        index = header.get(name)
        return b"" if index is None else blobs[index]

    outcome = _outcome(header)
    if outcome is Outcome.RUNTIME_ERROR and any(sign in blob("stderr") for sign in memory_signs):
        outcome = Outcome.MEMORY_LIMIT
    return Report(
        outcome,
        stdout=blob("stdout"),
        stderr=blob("stderr"),
        value=blob("value"),
        error=header.get("error", ""),
        origin=header.get("origin", ""),
        exit_code=header.get("exit_code"),
        signal=header.get("signal"),
        cpu_s=header.get("cpu_s", 0.0),
        wall_s=header.get("wall_s", 0.0),
        memory_bytes=header.get("memory_bytes", 0),
        detail=header.get("detail", ""),
    )


def _utf8(text: str) -> bytes:
    """Encode source text; a lone surrogate becomes bytes that no compiler takes, and is the program's own fault."""
    return text.encode(errors="surrogatepass")


def _outcome(header: Header) -> Outcome:
    """Return the outcome that a frame names; what a broken box makes up is `infrastructure`."""
    try:
        return Outcome(str(header.get("outcome")))
    except ValueError:
        return Outcome.INFRASTRUCTURE
