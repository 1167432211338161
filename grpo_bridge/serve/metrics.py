"""Counters in Prometheus' text format. Safe to use from many threads."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from verifiers.types import Verdict

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What a server has done since its start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._seconds = [0] * (len(BUCKETS_S) + 1)
        self._seconds_sum = 0.0
        self._imputed = 0

    def add_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        with self._lock:
            self._requests[path, status] += 1
            self._seconds[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds_sum += seconds

    def add_verdicts(self, verdicts: Sequence[Verdict], teachers: Sequence[str]) -> None:
        """Count a batch's verdicts by teacher and status."""
        found = Counter((name, verdict.status.value) for name, verdict in zip(teachers, verdicts, strict=True))
        with self._lock:
            self._verdicts.update(found)

    def add_imputed(self, count: int) -> None:
        """Count rewards that stand in for what was not judged."""
        with self._lock:
            self._imputed += count

    def text(self, gauges: Mapping[str, float]) -> str:
        """Return all of it, with the gauges of the moment."""
        with self._lock:
            return "\n".join(self._lines(gauges)) + "\n"

    def _lines(self, gauges: Mapping[str, float]) -> Iterator[str]:
        yield "# TYPE verify_requests_total counter"
        for (path, status), count in sorted(self._requests.items()):
            yield f'verify_requests_total{{path="{path}",status="{status}"}} {count}'
        yield "# TYPE verify_completions_total counter"
        for (teacher, name), count in sorted(self._verdicts.items()):
            yield f'verify_completions_total{{teacher="{_escaped(teacher)}",status="{name}"}} {count}'
        yield "# TYPE verify_imputed_total counter"
        yield f"verify_imputed_total {self._imputed}"
        yield "# TYPE verify_request_seconds histogram"
        below = 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._seconds, strict=True):
            below += count
            yield f'verify_request_seconds_bucket{{le="{bound}"}} {below}'
        yield f"verify_request_seconds_sum {self._seconds_sum:.6f}"
        yield f"verify_request_seconds_count {below}"
        for name, value in gauges.items():
            yield f"# TYPE verify_{name} gauge"
            yield f"verify_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
