"""Texts -> tokens: templated, end mark kept, too long prompts cut in the middle, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reward_models.models.template import Template
from verifiers.errors import UsageError
from verifiers.types import Text

MIN_PROMPT_SHARE = 4
"""A long response leaves the prompt at least this fraction (1/4) of the tokens; then it is cut itself."""
TEXTS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Encoded:
    """One answer's tokens.

    Attributes:
        ids: Never empty, at most the model's `max_tokens`, with the template's end mark last.
        truncated: How many tokens were cut out of the middle of prompt and response.
        response_truncated: How many of these were the response's.
    """

    ids: tuple[int, ...]
    truncated: int = 0
    response_truncated: int = 0

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class EncodeCounts:
    """What encoding did so far: for reports."""

    texts: int = 0
    tokens: int = 0
    truncated_texts: int = 0
    truncated_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes answers with a frozen template.

    Attributes:
        template: Of the model.
        max_tokens: The longest that a text may be.
        rows: Of the model's embeddings; 0 = not known. Tokenizers may have more tokens (Gemma 3's has one for images):
            a text is refused that holds one of those, which on a GPU would end the process.
        counts: Grows with each call.
    """

    template: Template
    max_tokens: int
    rows: int = 0
    counts: EncodeCounts = field(default_factory=EncodeCounts)

    def __call__(self, prompts: Sequence[Text], responses: Sequence[Text]) -> list[Encoded]:
        """Encode answers, in order.

        Args:
            prompts: One for each response: text, or chat messages.
            responses: Text, or chat messages.

        Raises:
            UsageError: If the lengths differ, a message is not text, the template refuses the roles, or the model has
                no row for a token.
        """
        if len(prompts) != len(responses):
            raise UsageError(f"{len(prompts)} prompts for {len(responses)} responses: give one prompt for each")
        encoded: list[Encoded] = []
        for start in range(0, len(prompts), TEXTS_AT_ONCE):
            end = start + TEXTS_AT_ONCE
            encoded += self._some(prompts[start:end], responses[start:end])
        return encoded

    def _some(self, prompts: Sequence[Text], responses: Sequence[Text]) -> list[Encoded]:
        texts = [self.template.text(prompt, response) for prompt, response in zip(prompts, responses, strict=True)]
        rows = self._tokens(texts)
        done = []
        for text, prompt, ids in zip(texts, prompts, rows, strict=True):
            if not ids:
                raise UsageError(f"the tokenizer makes no token of {text[:80]!r}")
            if self.rows and max(ids) >= self.rows:
                raise self._without_row(max(ids))
            fits = len(ids) <= self.max_tokens
            done.append(Encoded(tuple(ids)) if fits else self._cut(ids, self.template.head(prompt)))
        self._count(done)
        return done

    def _without_row(self, token: int) -> UsageError:
        name = self.template.tokenizer.convert_ids_to_tokens(token)
        return UsageError(
            f"the tokenizer reads {name!r} as token {token}, but the model has embeddings for {self.rows}: leave that "
            "out of the texts, or take a tokenizer without it, or a base made larger for it (resize_token_embeddings)"
        )

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        # The template writes all special tokens itself; a longer text is our affair, not a warning's.
        found = self.template.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return list(found["input_ids"])

    def _cut(self, ids: Sequence[int], head: str) -> Encoded:
        """Cut the prompt's middle, and that of the response if it is too long by itself."""
        # Where a token spans the border, this is off by one or two: it only says where to cut.
        begins = len(self._tokens([head])[0])
        prompt, response = ids[:begins], ids[begins:]
        for_response = min(len(response), self.max_tokens - min(len(prompt), self.max_tokens // MIN_PROMPT_SHARE))
        kept = *middle_cut(prompt, self.max_tokens - for_response), *middle_cut(response, for_response)
        return Encoded(kept, len(ids) - len(kept), len(response) - for_response)

    def _count(self, done: Sequence[Encoded]) -> None:
        self.counts.texts += len(done)
        self.counts.tokens += sum(map(len, done))
        self.counts.truncated_texts += sum(1 for one in done if one.truncated)
        self.counts.truncated_tokens += sum(one.truncated for one in done)


def middle_cut(ids: Sequence[int], most: int) -> list[int]:
    """Keep the first and last of `ids`, `most` in all; the start gets the odd one."""
    if len(ids) <= most:
        return list(ids)
    tail = most // 2
    return [*ids[: most - tail], *ids[len(ids) - tail :]]
