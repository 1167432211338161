"""A catalog of teachers behind one scoring API: `from verifiers import score`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifiers.types import Part, Sample, Status, Verdict

if TYPE_CHECKING:
    from verifiers.scoring import ascore, score, score_groups

__all__ = ["Part", "Sample", "Status", "Verdict", "__version__", "ascore", "score", "score_groups"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the engine on first use, so that `import verifiers` stays light."""
    if name in {"ascore", "score", "score_groups"}:
        from verifiers import scoring

        return getattr(scoring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
