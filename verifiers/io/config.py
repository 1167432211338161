"""What a run is told, and what it tells while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from verifiers.errors import UsageError
from verifiers.io.columns import Columns
from verifiers.io.selection import Selection
from verifiers.types import Json


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What to score and where to write.

    Attributes:
        teacher: A catalog id, a file or a dotted path.
        sources: Files, folders, `-` (standard input), `hf:org/name[:split]`.
        output: A file, `-` (standard output), or `None` = write nothing.
        options: The teacher's options.
        mapping: Columns by the user's choice, `{"response": "completion"}`.
        selection: Which rows.
        num_proc: Worker processes.
        deadline_s: Wall-clock seconds for each sample in a worker; `None` = the teacher's own.
        resume: Go on with an output that an earlier run of the same settings left.
        overwrite: Replace an existing output.
        with_elapsed: Write `elapsed_s`.
    """

    teacher: str
    sources: Sequence[str]
    output: str | None = "-"
    options: Mapping[str, Json] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    num_proc: int = 1
    deadline_s: float | None = None
    resume: bool = False
    overwrite: bool = False
    with_elapsed: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.resume and self.overwrite:
            raise UsageError("--resume and --overwrite exclude each other.")
        if self.resume and self.output in (None, "-"):
            raise UsageError("--resume needs an output file: -o scored.jsonl")
        if self.num_proc < 1:
            raise UsageError(f"--num-proc is 1 or more, not {self.num_proc}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        rows: Rows written, resumed ones included.
        not_judged: Samples without a reward.
        done_bytes, total_bytes: Of the input; `None` = unknown.
    """

    rows: int
    not_judged: int
    done_bytes: int
    total_bytes: int | None


OnProgress: TypeAlias = Callable[[Progress], None]
OnColumns: TypeAlias = Callable[[Columns], None]
