"""Facts of rows gathered by prompt: equal prompts become one, equal answers of a prompt too, and votes are counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from reward_models.data.labels import labelled
from reward_models.data.names import KNOWN_ASPECTS
from reward_models.data.rated import Counts
from reward_models.data.rows import Compared, Facts
from reward_models.types import Answer, Preference, RatedPrompt, Rating
from verifiers.types import Text


@dataclass(slots=True)
class _Answer:
    response: Text
    source: str
    where: str
    ratings: list[Rating] = field(default_factory=list)
    seen: set[tuple[Rating, str]] = field(default_factory=set)
    given: Answer | None = None


@dataclass(slots=True)
class _Votes:
    """For two answers, by their places: each vote's share for the one that stands first, its weight and margin.

    The source is that of the first vote. Votes that stand in one row are of several people; rows may be copies.
    """

    source: str
    together: bool = False
    people: int = 0
    shares: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    margins: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Prompt:
    prompt: Text
    places: dict[str | bytes, int] = field(default_factory=dict)
    answers: list[_Answer] = field(default_factory=list)
    votes: dict[tuple[int, int], _Votes] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)


class Gatherer:
    """Gathers facts; `prompts` gives what they come to.

    Args:
        counts: Gets the duplicates and the answers that were not judged.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._prompts: dict[tuple[str, str | bytes], _Prompt] = {}
        self.aspects: dict[str, float] = {}

    def add(self, facts: Facts, where: str) -> None:
        """Take a row's facts."""
        self._counts.not_judged += facts.not_judged
        if not facts.answers:
            return
        key = ("prompt", key_of(facts.prompt)) if facts.prompt or not facts.group else ("group", facts.group)
        held = self._prompts.setdefault(key, _Prompt(facts.prompt))
        places = [self._answer(held, facts, index, where) for index in range(len(facts.answers))]
        for each in facts.compared:
            _vote(held, places[each.chosen], places[each.rejected], each, each.source or facts.source)
        told = hash((facts.id, facts.source, *places, *facts.compared, *(tuple(given) for _, given in facts.answers)))
        named = any(rating.rater for _, given in facts.answers for rating in given)
        self._counts.identical += told in held.rows and not named
        held.rows.add(told)

    def prompts(self, aspects: Mapping[str, float]) -> list[RatedPrompt]:
        """Return all prompts, their answers labelled."""
        several = self._several()
        return [
            RatedPrompt(
                held.prompt,
                tuple(_made(answer, aspects) for answer in held.answers),
                tuple(_preference(pair, votes, several) for pair, votes in held.votes.items()),
            )
            for held in self._prompts.values()
        ]

    def votes(self) -> list[tuple[float, ...]]:
        """Return the votes of each comparison that has several.

        Of rows with one vote each that never differ nothing tells whether they are votes or copies: they are none.
        """
        found = [votes for held in self._prompts.values() for votes in held.votes.values() if len(votes.shares) > 1]
        return [tuple(votes.shares) for votes in found] if self._several() else []

    def _several(self) -> bool:
        """Whether rows with one vote each for the same answers are votes, not copies."""
        every = (votes for held in self._prompts.values() for votes in held.votes.values())
        return any(votes.together or len(set(votes.shares)) > 1 for votes in every)

    def _answer(self, held: _Prompt, facts: Facts, index: int, where: str) -> int:
        response, ratings = facts.answers[index]
        place = held.places.setdefault(key_of(response), len(held.answers))
        if place == len(held.answers):
            held.answers.append(_Answer(response, facts.source, where))
        answer = held.answers[place]
        for number, rating in enumerate(ratings):
            # What was merged before may hold a rating twice: equal answers that an id told apart.
            told = rating, str(number) if facts.given else facts.id
            if rating.rater and told in answer.seen:
                self._counts.duplicates += 1
                continue
            answer.seen.add(told)
            answer.ratings.append(rating)
            if rating.aspect:
                self.aspects.setdefault(rating.aspect, KNOWN_ASPECTS.get(rating.aspect, 1.0))
        if facts.given:
            answer.given, answer.source, answer.where = _given(facts.given[index], answer)
        return place


def key_of(text: Text) -> str | bytes:
    """Return what is equal exactly for equal texts or chats."""
    return text if isinstance(text, str) else msgspec.json.encode(text, order="sorted")


def _given(given: Answer, answer: _Answer) -> tuple[Answer | None, str, str]:
    """Return the label to keep: none where the answer came twice, so that both are counted."""
    once = answer.given is None and len(answer.ratings) <= len(given.ratings)
    return given if once else None, given.source or answer.source, given.where or answer.where


def _made(held: _Answer, aspects: Mapping[str, float]) -> Answer:
    ratings = tuple(held.ratings)
    if held.given is not None:
        given = held.given
        return Answer(held.response, given.stars, given.weight, ratings, given.aspects, held.source, held.where)
    return labelled(Answer(held.response, ratings=ratings, source=held.source, where=held.where), aspects)


def _vote(held: _Prompt, chosen: int, rejected: int, compared: Compared, source: str) -> None:
    if chosen == rejected:
        return
    swapped = chosen > rejected
    votes = held.votes.setdefault((rejected, chosen) if swapped else (chosen, rejected), _Votes(source))
    people = compared.people or len(compared.votes)
    votes.together |= people > 1
    votes.people += people
    votes.shares += [1.0 - share if swapped else share for share in compared.votes]
    votes.weights += [compared.weight] * len(compared.votes)
    if compared.margin is not None:
        votes.margins.append((-compared.margin if swapped else compared.margin, compared.weight))


def _preference(pair: tuple[int, int], votes: _Votes, several: bool) -> Preference:
    """Return what the votes come to: the share of the one that more were for; `several` = rows are no copies."""
    share = _mean(votes.shares, votes.weights)
    margin = _mean(*zip(*votes.margins, strict=True)) if votes.margins else None
    weight = math.fsum(votes.weights) / len(votes.weights)
    people = votes.people if several else 1
    if share >= 0.5:
        return Preference(*pair, share, margin, weight, votes.source, people)
    margin = None if margin is None else -margin
    return Preference(pair[1], pair[0], 1.0 - share, margin, weight, votes.source, people)


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)
