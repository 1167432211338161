"""All 25 kinds of IFEval's instructions."""

from __future__ import annotations

from verifiers.catalog.ifeval.formats import FORMATS
from verifiers.catalog.ifeval.keywords import KEYWORDS
from verifiers.catalog.ifeval.kinds import Kind
from verifiers.catalog.ifeval.language import LANGUAGE
from verifiers.catalog.ifeval.lengths import LENGTHS
from verifiers.catalog.ifeval.startend import STARTEND

IFEVAL: dict[str, Kind] = {
    kind.id: kind for table in (KEYWORDS, LENGTHS, FORMATS, LANGUAGE, STARTEND) for kind in table
}
