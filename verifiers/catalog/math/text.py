"""Text answers: words, choices, and words against formulas."""

from __future__ import annotations

import re

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.tree import Const, Node, Seq, Sym, Words

_LEADING = re.compile(r"(?:the|an|a)\s+|(?:option|choice|选项|选)\s*", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[\s\-–—'’\".,;:!?()\[\]{}。，；：！？（）]+")
_OTHER_OPTION = re.compile(r"(?<![A-Za-z0-9])(?:\([A-J]\)|[A-J][).:、])(?=\s|\Z)")
_DENIAL = re.compile(r"(?:is|was|isn['’]t|wasn['’]t|不是|不正确|不对|是?错)(?![a-z])")
_DENIED = re.compile(r"n['’]t\b|\b(?:not|never|false|wrong|incorrect|excluded|out)\b|不|错")
_OPTION = re.compile(r"\(?([A-Z])\)?(?:[).:,、]|\Z)\s*(.*)\Z", re.DOTALL)


def words_match(ref: Node, pred: Node, context: Context) -> bool:
    """Compare when at least one side is text."""
    if type(ref) is Words and type(pred) is Words:
        if ref.product is not None and pred.product is not None and len(ref.text) == 2:
            return context.match(ref.product, pred.product, context)
        if (both := _options_match(ref.text, pred.text, context)) is not None:
            return both
        context.rule = "text"
        return _same_text(ref.text, pred.text, context)
    if type(ref) is Words:
        if type(pred) is Sym and type(ref.product) is Sym and (option := _OPTION.match(ref.text)):
            context.rule = "choice letter"
            return option[1] == pred.name or _same_text(ref.text, pred.name, context)
        if ref.product is not None and type(pred) not in (Sym, Const):
            return context.match(ref.product, pred, context)
        context.rule = "text against a formula"
        return isinstance(pred, Sym | Const) and _same_text(ref.text, pred.name, context)
    assert_words = pred if type(pred) is Words else Words("")
    if type(ref) is Sym and (option := _OPTION.match(assert_words.text)):
        context.rule = "choice letter"
        return option[1] == ref.name and not _another_option(option[2])
    if assert_words.product is not None and type(ref) is not Seq:
        return context.match(ref, assert_words.product, context)
    context.rule = "a formula against text"
    return False


def _options_match(ref: str, pred: str, context: Context) -> bool | None:
    """Compare two options by their letters, and by their texts if both have one; `None` when one is no option."""
    left, right = _OPTION.match(ref), _OPTION.match(pred)
    if left is None or right is None or (left[2] and right[2]):
        return None
    context.rule = "choice letter"
    return left[1] == right[1] and not _another_option(left[2]) and not _another_option(right[2])


def _another_option(rest: str) -> bool:
    """Whether the option's text goes on to name another option, or says that it is wrong."""
    if _OTHER_OPTION.search(rest) or (_DENIAL.match(rest) and _DENIED.search(rest)):
        return True
    return re.match(r"(?:or|and|,|/|、|或)?\s*\(?[A-Z]\)?(?:[).:,、]|\Z)", rest) is not None and bool(rest)


def _same_text(left: str, right: str, context: Context) -> bool:
    case = context.options.case
    if case == "ignore" or (case == "words" and len(left) > 1):
        left, right = left.casefold(), right.casefold()
    if left == right:
        return True
    return left[:1] != "-" and right[:1] != "-" and _core(left) == _core(right) != ""


def _core(text: str) -> str:
    stripped = _LEADING.sub("", text, count=1) if _LEADING.match(text) and len(text) > 2 else text
    return _PUNCTUATION.sub(" ", stripped).strip()
