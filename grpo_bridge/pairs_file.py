"""Pairs of scored files: rows in, groups of neighbouring rows, pairs out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grpo_bridge.advantages import MAX_REWARD
from grpo_bridge.pairs import PairRow, PairRules, pair_rows
from verifiers.errors import InputError, UsageError
from verifiers.io.batch import Batch
from verifiers.io.columns import CHATS, Columns, getter
from verifiers.io.json_text import Unreadable, decode_row, encode_json
from verifiers.io.rows import SampleReader
from verifiers.io.selection import Selection, open_input
from verifiers.io.values import BadRow, Row
from verifiers.types import Text

MAX_GROUP = 4096
"""Most completions of one prompt that are held; a group that goes on is cut into several."""
MAX_REMEMBERED = 1_000_000
"""Prompts remembered, to notice one that comes back."""
ALONE = 0
"""The key of a row that names neither prompt nor group: a group of its own."""


@dataclass(slots=True)
class Tally:
    """What was counted.

    Attributes:
        completions: Rows, or entries of their lists.
        not_judged: Of these, without a reward.
        bad_rows: Rows that could not be read.
        groups: Prompts.
        without_pair: Of these, those that gave none (all the same, too few judged).
        came_back: Groups whose prompt had been met before, after other prompts.
        pairs: Rows written.
    """

    completions: int = 0
    not_judged: int = 0
    bad_rows: int = 0
    groups: int = 0
    without_pair: int = 0
    came_back: int = 0
    pairs: int = 0


@dataclass(slots=True)
class _Group:
    key: int
    prompt: Text
    kept: dict[str, Any]
    completions: list[Text] = field(default_factory=list)
    rewards: list[float | None] = field(default_factory=list)


class PairMaker:
    """Makes pairs of the rows of scored files.

    Args:
        sources: As of `verify score`.
        rules: Which pairs to take.
        mapping: The user's choice of columns.
        reward: The column that holds rewards; `None` = ours.
        keep: Columns of a group's first row to write into its pairs.
        scattered: Rows of a prompt are not neighbours: hold all in memory.

    Raises:
        InputError: If a source cannot be read or holds no row.
        UsageError: If the file is not scored, or has neither prompts nor groups.
    """

    def __init__(
        self,
        sources: Sequence[str],
        rules: PairRules,
        mapping: Mapping[str, str] | None = None,
        reward: str | None = None,
        keep: Sequence[str] = (),
        scattered: bool = False,
    ) -> None:
        opened = open_input(sources, mapping or {}, Selection())
        if opened.columns is None:
            raise InputError(f"{', '.join(sources)}: there is no row that is a JSON object")
        self.columns = opened.columns
        self.tally = Tally()
        self._batches, self._rules, self._keep, self._scattered = opened.batches, rules, tuple(keep), scattered
        self._reward_name = reward or _reward_column(opened.columns)
        self._reward = getter(self._reward_name)
        self._reader = SampleReader(opened.columns, with_meta=False)

    def rows(self) -> Iterator[PairRow]:
        """Yield all pairs, in the order of the groups."""
        groups = self._gathered() if self._scattered else self._neighbours()
        for group in groups:
            before = self.tally.pairs
            self.tally.groups += 1
            for row in pair_rows(group.prompt, group.completions, group.rewards, self._rules):
                self.tally.pairs += 1
                yield {**row, **group.kept}
            self.tally.without_pair += self.tally.pairs == before

    def lines(self) -> Iterator[bytes]:
        """Yield all pairs as JSON."""
        return (encode_json(row) for row in self.rows())

    def _neighbours(self) -> Iterator[_Group]:
        met: set[int] = set()
        current: _Group | None = None
        for part in self._parts():
            if current is not None and part.key == current.key != ALONE and len(current.completions) < MAX_GROUP:
                current.completions += part.completions
                current.rewards += part.rewards
                continue
            if current is not None:
                yield current
            self.tally.came_back += part.key in met
            if part.key != ALONE and len(met) < MAX_REMEMBERED:
                met.add(part.key)
            current = part
        if current is not None:
            yield current

    def _gathered(self) -> Iterable[_Group]:
        groups: dict[int, _Group] = {}
        for number, part in enumerate(self._parts()):
            held = groups.setdefault(part.key if part.key != ALONE else -number - 1, part)
            if held is not part:
                held.completions += part.completions
                held.rewards += part.rewards
        return groups.values()

    def _parts(self) -> Iterator[_Group]:
        """Yield what each row holds of its group."""
        for batch in self._batches:
            for index in range(len(batch)):
                part = self._part(batch, index)
                if part is None:
                    self.tally.bad_rows += 1
                else:
                    yield part

    def _part(self, batch: Batch, index: int) -> _Group | None:
        if index in batch.bad:
            return None
        try:
            row = decode_row(batch.lines[index])
            samples, _, key = self._reader.read(self._own(row))
        except (Unreadable, BadRow):
            return None
        if key == ALONE and len(samples) == 1:
            self._check_grouped(batch.place(index))
            return None
        rewards = _numbers(self._reward(row))
        if len(rewards) != len(samples):
            raise UsageError(
                f"{batch.place(index)}: {len(samples)} completions and {len(rewards)} rewards in column "
                f"{self._reward_name!r}; there must be one each"
            )
        self.tally.completions += len(samples)
        self.tally.not_judged += rewards.count(None)
        texts = [sample.completion for sample in samples]
        # In a group, null is no completion, whatever its reward says.
        rewards = [None if text is None else reward for text, reward in zip(texts, rewards, strict=True)]
        return _Group(key, samples[0].prompt, {name: row.get(name) for name in self._keep}, texts, rewards)

    def _check_grouped(self, place: str) -> None:
        if self.columns.prompt is None and self.columns.group is None and self.columns.completion not in CHATS:
            raise UsageError(
                f"{place}: the row has neither a prompt nor a group, so nothing tells which completions belong "
                "together. Name the column with --map COLUMN=prompt or --map COLUMN=group."
            )

    def _own(self, row: Row) -> Row:
        """Return the row without the verdict's columns: `answer` is not its reference."""
        if not self.columns.rescored:
            return row
        return {name: value for name, value in row.items() if name not in self.columns.written}


def _reward_column(columns: Columns) -> str:
    if columns.rescored:
        return columns.written[0]
    raise UsageError(
        f"the file is not scored: its columns are {', '.join(columns.seen) or 'none'}. "
        "Score it first (verify score --task TASK FILE -o scored.jsonl), or name the column of rewards: --reward COLUMN"
    )


def _numbers(value: object) -> list[float | None]:
    values = value if isinstance(value, list) else [value]
    return [float(each) if isinstance(each, int | float) and abs(each) <= MAX_REWARD else None for each in values]
