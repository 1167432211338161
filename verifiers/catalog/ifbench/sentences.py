"""What sentences must be like, one after another."""

from __future__ import annotations

import re
import string
from itertools import pairwise

from verifiers.catalog.ifbench.helpers import bare, every, is_emoji, no_punctuation
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, number, positive, text
from verifiers.catalog.ifeval.matching import occurrences, official

SENTENCES = Table()
_JOINERS = "\ufe0f\u200d"
"""What may follow an emoji and belong to it."""


@SENTENCES.kind("sentence:alliteration_increment")
def more_alliteration(answer: Answer, args: Args) -> Seen:
    """Each sentence has more words in runs of the same first letter than the one before."""
    previous, expected = -1, "more alliterating words in each sentence"
    for at, sentence in enumerate(answer.sentences, 1):
        count = _alliterating(sentence)
        if count <= previous:
            return Seen(False, expected, f"{count} in sentence {at} after {previous}")
        previous = count
    return every(expected, "")


def _alliterating(sentence: str) -> int:
    """Count the words that start like a neighbour."""
    words = [clean for word in sentence.lower().split() if (clean := word.lstrip(string.punctuation + " "))]
    count, running = 0, False
    for one, other in pairwise(words):
        same = one[0] == other[0]
        count += (1 if running else 2) if same else 0
        running = same
    return count


@SENTENCES.kind("sentence:increment", small_n=number)
def longer_by(answer: Answer, args: Args) -> Seen:
    """Each sentence has exactly so many more words than the one before."""
    lengths = [len(no_punctuation(sentence).split()) for sentence in answer.sentences]
    step = args["small_n"]
    fault = next((f"{a} words, then {b}" for a, b in pairwise(lengths) if b != a + step), "")
    return every(f"each sentence {step} words longer than the one before", fault)


@SENTENCES.kind("sentence:keyword", word=text, N=positive)
def keyword_in(answer: Answer, args: Args) -> Seen:
    """The nth sentence has a keyword."""
    word, nth = args["word"], args["N"]
    expected = f"{word!r} in sentence {nth}"
    if len(answer.sentences) < nth:
        return Seen(False, expected, f"{len(answer.sentences)} sentences")
    sentence = answer.sentences[nth - 1]
    if answer.robust:
        found = occurrences(word, Answer(sentence, robust=True)) > 0
    else:
        found = official(rf"\b{re.escape(word)}\b").search(sentence) is not None
    return Seen(found, expected, f"sentence {nth} is {sentence[:80]!r}")


@SENTENCES.kind("ratio:sentence_words")
def same_length(answer: Answer, args: Args) -> Seen:
    """Three sentences of the same length; officially their words may be the same."""
    lengths = [len(sentence.strip()) for sentence in answer.sentences]
    followed = len(lengths) == 3 and len(set(lengths)) == 1
    expected = "three sentences of the same number of characters and with different words"
    if followed and answer.robust:
        words = [{bare(word).lower() for word in sentence.split()} for sentence in answer.sentences]
        shared = (words[0] & words[1]) | (words[0] & words[2]) | (words[1] & words[2])
        if shared:
            return Seen(False, expected, f"repeated: {', '.join(sorted(shared))}"[:80])
    return Seen(followed, expected, f"{len(lengths)} sentences of {lengths[:5]} characters")


@SENTENCES.kind("format:emoji")
def emoji_ends(answer: Answer, args: Args) -> Seen:
    """Each sentence ends with an emoji, or the next one starts with it."""
    stripped = [no_punctuation(sentence).strip() for sentence in answer.sentences]
    if answer.robust:
        stripped = [each for each in (sentence.strip(_JOINERS) for sentence in stripped) if each]
    expected = "an emoji at the end of each sentence"
    for at, sentence in enumerate(stripped):
        if not sentence:
            return Seen(False, expected, f"sentence {at + 1} is empty")
        if is_emoji(sentence[-1]) or is_emoji(sentence[-2:][0]):
            continue
        following = stripped[at + 1] if at + 1 < len(stripped) else ""
        if not following or not is_emoji(following[0]):
            return Seen(False, expected, f"sentence {at + 1} ends with {sentence[-10:]!r}")
    return Seen(bool(stripped), expected, "everywhere" if stripped else "no sentence")


@SENTENCES.kind("custom:sentence_alphabet")
def sentence_alphabet(answer: Answer, args: Args) -> Seen:
    """26 sentences that start with the letters of the alphabet in order."""
    initials = [sentence.split()[0][0].lower() for sentence in answer.sentences if sentence.split()]
    if answer.robust:
        initials = [(sentence.lstrip(string.punctuation + " “‘") or " ")[0].lower() for sentence in answer.sentences]
    followed = "".join(initials) == string.ascii_lowercase and len(answer.sentences) == 26
    return Seen(followed, "26 sentences that start with a to z", f"{len(answer.sentences)}: {''.join(initials)[:40]}")
