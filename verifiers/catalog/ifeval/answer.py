"""One text under check, and what several instructions want to know of it: worked out once, on first use."""

from __future__ import annotations

from functools import cached_property

from verifiers import text as scripts
from verifiers.catalog.ifeval import punkt, treebank


class Answer:
    """A text and its views.

    Attributes:
        text: As it is judged: in mode robust it was normalised.
        robust: Whether the right verdict is wanted, rather than the official one.
    """

    def __init__(self, text: str, robust: bool) -> None:
        self.text = text
        self.robust = robust

    @cached_property
    def lower(self) -> str:
        """The text in small letters."""
        return self.text.lower()

    @cached_property
    def words(self) -> list[str]:
        """The words as a reader counts them, in any script."""
        return scripts.words(self.text)

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences as the official checkers' tokeniser cuts them."""
        return punkt.sentences(self.text)

    @cached_property
    def tokens(self) -> list[str]:
        """The word tokens as the official checkers' tokeniser cuts them."""
        return treebank.tokens(self.text)


def loosened(text: str) -> list[str]:
    """Return the other texts that loose strictness also tries: without asterisks, first line, last line, or several."""
    lines = text.split("\n")
    cut = ["\n".join(lines[1:]).strip(), "\n".join(lines[:-1]).strip(), "\n".join(lines[1:-1]).strip()]
    return [text.replace("*", ""), *cut, *(each.replace("*", "") for each in cut)]
