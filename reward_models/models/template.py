"""How a prompt and a response become one text: the base's chat template, frozen, or a plain one.

Frozen: a template that asks for today's date (Llama 3) would give another score tomorrow, so the clock is replaced
by a constant; a template without an end mark gets one, because the number is read off the last token. The result is
saved as the checkpoint's own chat template, so whoever applies that (TRL, vLLM `/classify` with messages) builds the
same text, and its hash is in the card.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from jinja2 import TemplateError

from verifiers.errors import UsageError
from verifiers.types import Text

FROZEN_DATE = "26 Jul 2024"
"""What Llama's own template says where there is no clock."""
MAX_CHARACTERS = 1_000_000
"""Of one message: a longer one loses its middle before it is tokenized, which takes a second for each million."""
CLOCK = "strftime_now"
FREEZE = "{%- macro " + CLOCK + "(format) -%}" + FROZEN_DATE + "{%- endmacro -%}"
"""A macro shadows the function of the same name that transformers and vLLM give to templates."""
PLAIN = (
    "{%- for message in messages -%}"
    "{%- if loop.first -%}{{ BOS }}{%- endif -%}"
    "{%- if message['role'] == 'assistant' -%}{{ message['content'] }}{{ END }}"
    "{%- elif message['role'] == 'system' -%}{{ message['content'] }}{{ '\n\n' }}"
    "{%- else -%}{{ message['content'] }}{{ SEPARATOR }}"
    "{%- endif -%}{%- endfor -%}"
)
"""For bases without a chat template: `[CLS] prompt [SEP] response [SEP]`, or `<s> prompt \n\n response </s>`."""
PROBE_ANSWER, PROBE_SYSTEM = "an answer to find", "a rule to find"
PROBE = ({"role": "user", "content": "a"}, {"role": "assistant", "content": PROBE_ANSWER})
SYSTEM_PROBE = ({"role": "system", "content": PROBE_SYSTEM}, *PROBE)

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A frozen template over a tokenizer.

    Attributes:
        tokenizer: Holds the frozen text as its `chat_template`.
        takes_system: Whether a system message may stand first; otherwise it is put before the first user message.
        marks: Finds what the tokenizer would read as a special token.
    """

    tokenizer: Any
    takes_system: bool = True
    marks: re.Pattern[str] | None = field(default=None, repr=False)

    @property
    def hash(self) -> str:
        """Name the template and the special tokens it is made of: 16 hex digits."""
        special = sorted((name, str(token)) for name, token in self.tokenizer.special_tokens_map.items())
        special = [pair for pair in special if pair[0] != "pad_token"]
        return hashlib.sha256(repr((self.tokenizer.chat_template, special)).encode()).hexdigest()[:16]

    def text(self, prompt: Text, response: Text) -> str:
        """Render one answer.

        Raises:
            UsageError: If the template does not take these messages, or they hold something other than text.
        """
        messages = [*_messages(prompt, "user"), *_messages(response, "assistant")]
        return self._render([{**message, "content": self._tame(message["content"])} for message in messages])

    def head(self, prompt: Text) -> str:
        """Return all that stands before the response, whatever the response is."""
        # Two renderings agree up to where the response begins, however a template trims or wraps it.
        one, other = self.text(prompt, "A"), self.text(prompt, "B")
        return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

    def _render(self, messages: Sequence[Message]) -> str:
        if not self.takes_system:
            messages = _folded(messages)
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False))
        except TemplateError as error:
            roles = [message["role"] for message in messages]
            raise UsageError(f"the model's chat template does not take messages of roles {roles}: {error}") from error

    def _tame(self, content: str) -> str:
        """Break up special tokens that stand in a text: a response must not end its own turn and write the next."""
        if len(content) > MAX_CHARACTERS:
            content = content[: MAX_CHARACTERS // 2] + content[-MAX_CHARACTERS // 2 :]
        content = content.encode("utf-8", "replace").decode("utf-8")  # Lone surrogates; tokenizers die of them.
        return content if self.marks is None else self.marks.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", content)


def frozen(tokenizer: Any) -> Template:
    """Freeze a tokenizer's template in place, once: what is frozen already stays as it is.

    Raises:
        UsageError: If its chat template does not take a question and an answer, or none of several is default.
    """
    if not tokenizer.chat_template:
        tokenizer.chat_template = _plain(tokenizer)
    elif isinstance(tokenizer.chat_template, Mapping):
        tokenizer.chat_template = _default(tokenizer.chat_template)
    source = str(tokenizer.chat_template)
    if CLOCK in source and not source.startswith(FREEZE):
        tokenizer.chat_template = FREEZE + source
    template = Template(tokenizer, marks=_marks(tokenizer))
    _, found, tail = template._render(PROBE).rpartition(PROBE_ANSWER)
    if not found:
        raise UsageError("the model's chat template leaves the answer out; give a base with another template")
    if tokenizer.eos_token and not _is_marked(tokenizer, tail):
        tokenizer.chat_template += "{%- if not add_generation_prompt -%}{{ eos_token }}{%- endif -%}"
    return replace(template, takes_system=_takes_system(template))


def _default(templates: Mapping[str, str]) -> str:
    if "default" not in templates:
        raise UsageError(
            f"the model has several chat templates ({', '.join(map(str, templates))}) and none is named default; "
            "name one of them so in its tokenizer_config.json"
        )
    return templates["default"]


def _plain(tokenizer: Any) -> str:
    bos = tokenizer.cls_token or tokenizer.bos_token or ""
    end = tokenizer.sep_token or tokenizer.eos_token or ""
    separator = tokenizer.sep_token or "\n\n"
    values = {"BOS": bos, "END": end, "SEPARATOR": separator}
    return re.sub("BOS|END|SEPARATOR", lambda name: repr(values[name[0]]), PLAIN)


def _is_marked(tokenizer: Any, tail: str) -> bool:
    return any(token in tail for token in _special(tokenizer))


def _special(tokenizer: Any) -> list[str]:
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*tokenizer.all_special_tokens, *added} - {""}, key=len, reverse=True)


def _marks(tokenizer: Any) -> re.Pattern[str] | None:
    special = [token for token in _special(tokenizer) if len(token) > 1]
    return re.compile("|".join(map(re.escape, special))) if special else None


def _takes_system(template: Template) -> bool:
    try:
        return PROBE_SYSTEM in template._render(SYSTEM_PROBE)
    except UsageError:
        return False


def _folded(messages: Sequence[Message]) -> list[Message]:
    """Put a leading system message before the first user message."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return list(messages)
    content = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [{**messages[1], "content": content}, *messages[2:]]


def _messages(text: Text, role: str) -> list[dict[str, Any]]:
    if isinstance(text, str):
        return [{"role": role, "content": text}]
    return [_message(message) for message in text]


def _message(message: Any) -> dict[str, Any]:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(role, str):
        raise UsageError(
            f"a message is a mapping with a role (user, assistant ...) and a content, not {str(message)[:80]!r}"
        )
    return {**message, "content": _content(message.get("content"))}


def _content(content: Any) -> str:
    """Join a message's text parts; no content (a tool call) is empty."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, Sequence) and all(
        isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(str(part["text"]) for part in content)
    raise UsageError(f"a message's content must be text or text parts, not {str(content)[:80]!r}")
