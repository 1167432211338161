"""What a fresh worker process is told: which service to build, from what, within which limits."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass

EXIT_OUT_OF_MEMORY = 77
"""Exit code of a worker that had no memory left even to say so."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How to build a worker.

    Attributes:
        factory: `"package.module:function"`; called once in each worker with `config`, returns the service.
        config: Passed to the factory.
        preload: Modules to import before the factory is called (in the zygote: before any fork).
        memory_bytes: Address space that the work may add to what the loaded worker has; `None` = unlimited.
    """

    factory: str
    config: bytes = b""
    preload: tuple[str, ...] = ()
    memory_bytes: int | None = None

    def encode(self) -> bytes:
        """Return the spec as JSON bytes."""
        return json.dumps({**asdict(self), "config": base64.b64encode(self.config).decode()}).encode()

    @classmethod
    def decode(cls, data: bytes) -> WorkerSpec:
        """Return the spec that `encode` wrote."""
        fields = json.loads(data)
        config = base64.b64decode(fields["config"])
        return cls(fields["factory"], config, tuple(fields["preload"]), fields["memory_bytes"])
