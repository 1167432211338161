"""All 58 kinds of IFBench's instructions."""

from __future__ import annotations

from verifiers.catalog.ifbench.counts import COUNTS
from verifiers.catalog.ifbench.custom import CUSTOM
from verifiers.catalog.ifbench.formats import FORMATS
from verifiers.catalog.ifbench.sentences import SENTENCES
from verifiers.catalog.ifbench.words import WORDS
from verifiers.catalog.ifeval.kinds import Kind

IFBENCH: dict[str, Kind] = {kind.id: kind for table in (COUNTS, WORDS, SENTENCES, FORMATS, CUSTOM) for kind in table}
