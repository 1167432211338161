"""What each word must be like, and where words must stand."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import islice, pairwise

from verifiers import text as scripts
from verifiers.catalog.ifbench.helpers import EDGES, bare, every, no_punctuation, official_syllables, syllables
from verifiers.catalog.ifbench.word_lists import ALWAYS_TAGGED, NO_VERBS_IN_ING, OBJECT_STARTS, SELDOM_TAGGED, VERBS
from verifiers.catalog.ifeval import treebank
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Args, Seen, Table, counted, number, positive, text

WORDS = Table()
PALINDROMES = 10
"""How many palindromes are asked for."""
PALINDROME_CHARS = 5
"""Shortest palindrome that counts."""
VOWELS = 3
"""How many different vowels a paragraph may have."""
MAX_FIRST_WORD = 500
"""The first word is looked for in so many characters."""
MAX_PRIME = 97
"""The official checker knows no longer prime length."""

_PRIMES = frozenset(n for n in range(2, MAX_PRIME + 1) if all(n % d for d in range(2, n)))
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxyz]{2}")
_ALPHABET = string.ascii_lowercase


@WORDS.kind("words:alphabet")
def alphabet(answer: Answer, args: Args) -> Seen:
    """Each word starts with the next letter of the alphabet."""
    words = no_punctuation(answer.text).strip(EDGES).lower().split()
    expected = "each word starts with the next letter"
    if not words or words[0][0] not in _ALPHABET:
        return Seen(False, expected, f"starts with {words[0][:20]!r}" if words else "no words")
    first = _ALPHABET.index(words[0][0])
    fault = next((word for at, word in enumerate(words) if word[0] != _ALPHABET[(first + at) % 26]), "")
    return every(expected, fault)


@WORDS.kind("words:vowel")
def three_vowels(answer: Answer, args: Args) -> Seen:
    """One paragraph with at most three different vowels."""
    lines = answer.text.strip().count("\n") + 1
    vowels = "".join(vowel for vowel in "aeiou" if vowel in answer.lower)
    followed = lines == 1 and len(vowels) <= VOWELS
    return Seen(followed, f"one line with at most {VOWELS} different vowels", f"{lines} lines with {vowels}")


@WORDS.kind("words:consonants")
def consonant_clusters(answer: Answer, args: Args) -> Seen:
    """Each word has two consonants side by side."""
    fault = next((word for word in answer.lower.split() if not _CLUSTER.search(word)), "")
    return every("two consonants side by side in each word", fault)


@WORDS.kind("words:palindrome")
def palindromes(answer: Answer, args: Args) -> Seen:
    """At least ten palindromes of five characters or more."""
    words = no_punctuation(answer.text).lower().split()
    count = sum(1 for word in words if len(word) >= PALINDROME_CHARS and word == word[::-1])
    return counted(count >= PALINDROMES, f"at least {PALINDROMES} palindromes", count)


@WORDS.kind("words:prime_lengths")
def prime_lengths(answer: Answer, args: Args) -> Seen:
    """Each word's length is a prime number."""
    fault = next((word for word in no_punctuation(answer.text).split() if len(word) not in _PRIMES), "")
    return every("prime lengths", fault)


@WORDS.kind("words:start_verb")
def starts_with_verb(answer: Answer, args: Args) -> Seen:
    """The first word is a verb."""
    first, following = [*treebank.tokens(answer.text[:MAX_FIRST_WORD]), "", ""][:2]
    verb = _is_tagged_verb(first.lower(), following.lower()) if first[:1].isupper() else is_verb(first)
    return Seen(verb, "starts with a verb", f"starts with {first[:40]!r}")


@starts_with_verb.robust
def _starts_with_real_verb(answer: Answer, args: Args) -> Seen:
    first = next(iter(scripts.words(answer.text[:MAX_FIRST_WORD])), "")
    return Seen(is_verb(first.lower()), "starts with a verb", f"starts with {first[:40]!r}")


def _is_tagged_verb(word: str, following: str) -> bool:
    """Whether NLTK's tagger most likely takes a word with a capital for a verb when it starts a text."""
    if word.endswith("ing"):
        return word not in NO_VERBS_IN_ING and len(word) > len("king")
    if word in ALWAYS_TAGGED or (len(word) > len("need") and word.endswith("ed") and word[-3] not in "iy"):
        return True
    return following in OBJECT_STARTS and word in VERBS and word not in SELDOM_TAGGED


def is_verb(word: str) -> bool:
    """Whether an English word is a form of a common verb."""
    if word in VERBS:
        return True
    if word.endswith("ing"):
        return word not in NO_VERBS_IN_ING and len(word) > len("king")
    for ending, left in (("ies", "y"), ("ied", "y"), ("ed", ""), ("ed", "e"), ("es", ""), ("s", "")):
        if word.endswith(ending) and word.removesuffix(ending) + left in VERBS:
            return True
    doubled = len(word) > 4 and word.endswith("ed") and word[-3] == word[-4]
    return doubled and word[:-3] in VERBS


@WORDS.kind("words:repeats", small_n=number)
def repeats(answer: Answer, args: Args) -> Seen:
    """No word more often than so many times."""
    counts = Counter(no_punctuation(answer.lower).split())
    word, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return Seen(most <= args["small_n"], f"no word more than {args['small_n']} times", f"{word[:40]!r} {most} times")


@WORDS.kind("words:odd_even_syllables")
def odd_even(answer: Answer, args: Args) -> Seen:
    """Words with odd and with even numbers of syllables take turns."""
    words = no_punctuation(answer.text).lower().split()
    count = syllables if answer.robust else official_syllables
    pairs = pairwise((word, count(word)) for word in words)
    fault = next((f"{a} {m}, {b} {n}" for (a, m), (b, n) in pairs if m % 2 == n % 2), "")
    return every("odd and even numbers of syllables in turn", fault)


@WORDS.kind("words:last_first")
def last_first(answer: Answer, args: Args) -> Seen:
    """Each sentence starts with the last word of the one before."""
    expected = "each sentence starts with the last word of the one before"
    for before, after in pairwise(answer.sentences):
        last, first = before.rstrip(EDGES).split()[-1:], after.lstrip(EDGES).split()[:1]
        first = [bare(first[0])] if answer.robust and first else first
        if not last or not first or last[0].lower() != first[0].lower():
            return Seen(False, expected, f"{' '.join(last)[:40]!r}, then {' '.join(first)[:40]!r}")
    return every(expected, "")


@WORDS.kind("words:paragraph_last_first")
def same_ends(answer: Answer, args: Args) -> Seen:
    """Each line ends with the word that it starts with."""
    lines = (line.strip().strip(EDGES).split() for line in answer.lower.split("\n"))
    if answer.robust:
        lines = ([bare(word) for word in words] for words in lines)
    fault = next((f"{words[0]} ... {words[-1]}" for words in lines if words and words[0] != words[-1]), "")
    return every("each paragraph ends with its first word", fault)


@WORDS.kind("words:no_consecutive")
def different_letters(answer: Answer, args: Args) -> Seen:
    """No two words in a row start with the same letter."""
    words = no_punctuation(answer.lower).split()
    fault = next((f"{one} {other}" for one, other in pairwise(words) if one[0] == other[0]), "")
    return every("no two words in a row with the same first letter", fault)


@WORDS.kind("words:keywords_specific_position", keyword=text, n=positive, m=positive)
def keyword_at(answer: Answer, args: Args) -> Seen:
    """A keyword is the mth word of the nth sentence."""
    keyword, nth, mth = args["keyword"].strip(), args["n"], args["m"]
    expected = f"{keyword!r} as word {mth} of sentence {nth}"
    if len(answer.sentences) < nth:
        return Seen(False, expected, f"{len(answer.sentences)} sentences")
    words = treebank.words(answer.sentences[nth - 1])
    if len(words) < mth:
        return Seen(False, expected, f"{len(words)} words in sentence {nth}")
    return Seen(words[mth - 1].lower() == keyword.lower(), expected, f"{words[mth - 1][:40]!r}")


@WORDS.kind("words:words_position", keyword=text)
def second_and_second_last(answer: Answer, args: Args) -> Seen:
    """The second and the second last word are a keyword."""
    keyword, tokens = args["keyword"].strip().lower(), answer.tokens
    expected = f"{keyword!r} as second and second last word"
    # The official checker takes one token at the end for punctuation, whatever else stands around.
    words = _outer_words(tokens) if answer.robust else tokens
    last = -3 if not answer.robust and tokens and tokens[-1] in string.punctuation else -2
    if len(words) < -last:
        return Seen(False, expected, f"{len(words)} words")
    second, second_last = words[1].lower(), words[last].lower()
    return Seen(second == second_last == keyword, expected, f"{second[:40]!r} and {second_last[:40]!r}")


def _outer_words(tokens: list[str]) -> list[str]:
    """Return the first two and the last two words, or all if they are fewer than two."""
    first = list(islice(filter(treebank.holds_word, tokens), 2))
    return first if len(first) < 2 else first + list(islice(filter(treebank.holds_word, reversed(tokens)), 2))[::-1]
