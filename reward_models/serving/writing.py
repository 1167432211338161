"""Write answers for a server as the model reads them: with its tokenizer and template, without its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reward_models.serving.dialects import Written
from reward_models.serving.engine import Ask
from verifiers.types import Text

if TYPE_CHECKING:
    from reward_models.models.card import Card
    from reward_models.models.encode import Encoded


class PlainWriter:
    """Writes prompt and response one behind the other: for servers whose model is not at hand."""

    def __call__(self, asks: Sequence[Ask]) -> list[Written]:
        """Write answers, in order."""
        written = []
        for ask in asks:
            prompt, response = plain_text(ask.prompt), plain_text(ask.response)
            written.append(Written((), prompt + response, prompt + response, prompt))
        return written


class ModelWriter:
    """Writes with a checkpoint's own tokenizer and template.

    Args:
        encoder: Of the model (`models.encode.Encoder`).
    """

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._tokenizer = encoder.template.tokenizer
        added = self._tokenizer("", add_special_tokens=True)["input_ids"]
        self._begins = tuple(added[: len(added) // 2 if self._ends_too(added) else len(added)])
        self._ends = tuple(added[len(self._begins) :])

    def _ends_too(self, added: Sequence[int]) -> bool:
        """Whether the tokenizer adds marks behind a text, too: [CLS] ... [SEP]."""
        with_text = self._tokenizer("a", add_special_tokens=True)["input_ids"]
        return len(added) > 0 and with_text[-1] == added[-1]

    def __call__(self, asks: Sequence[Ask]) -> list[Written]:
        """Write answers, in order.

        Raises:
            UsageError: If the template does not take an answer's messages.
        """
        encoded = self._encoder([ask.prompt for ask in asks], [ask.response for ask in asks])
        return [self._written(ask, each) for ask, each in zip(asks, encoded, strict=True)]

    def _written(self, ask: Ask, found: Encoded) -> Written:
        cut = found.truncated > 0
        text = self._decoded(found.ids) if cut else self._encoder.template.text(ask.prompt, ask.response)
        bare = self._bare(text)
        return Written(found.ids, text, bare, plain_text(ask.prompt), cut, found.response_truncated > 0)

    def _decoded(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _bare(self, text: str) -> str:
        """Take off what the server's tokenizer adds by itself."""
        begin, end = (self._decoded(marks) if marks else "" for marks in (self._begins, self._ends))
        text = text[len(begin) :] if begin and text.startswith(begin) else text
        return text[: -len(end)] if end and text.endswith(end) else text


def writer_of(path: str, card: Card | None, max_length: int) -> ModelWriter:
    """Make a checkpoint's writer of its small files.

    Args:
        path: Its folder or hub id.
        card: Its card.
        max_length: Longest text in tokens; 0 = the card's, or what the tokenizer and the configuration say.

    Raises:
        InputError: If there is no tokenizer or configuration.
    """
    from reward_models.models.encode import Encoder
    from reward_models.models.load import LoadSettings, load_config
    from reward_models.models.template import frozen
    from reward_models.models.tokens import load_tokenizer, longest

    tokenizer = load_tokenizer(path)
    asked = max_length or (card.max_tokens if card is not None else 0)
    most = longest(tokenizer, load_config(path, LoadSettings()), asked or None)
    return ModelWriter(Encoder(frozen(tokenizer), most))


def plain_text(text: Text) -> str:
    """Return text, or the texts of chat messages one under the other."""
    if isinstance(text, str):
        return text
    contents = [message.get("content") for message in text]
    return "\n\n".join(content for content in contents if isinstance(content, str))
