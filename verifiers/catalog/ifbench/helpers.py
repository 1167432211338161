"""What several kinds of IFBench's instructions share: words as the official checkers cut them, syllables, emoji."""

from __future__ import annotations

import re
import string
import unicodedata
from bisect import bisect_right

from verifiers.catalog.ifbench.word_lists import OFFICIAL_SYLLABLES
from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.english import ALSO_NAMES, ORDINARY, STOP_WORDS
from verifiers.catalog.ifeval.kinds import Seen

SHOWN = 60
"""Longest piece of an answer that is quoted, in characters."""
EDGES = string.punctuation + " "
"""What the official checkers strip from a word's ends."""

_DROP = dict.fromkeys(map(ord, string.punctuation))
_VOWELS = re.compile(r"[aeiouy]++")
_SPLIT_VOWELS = re.compile(
    r"(?:[^aeiouqg]|^)(?:ia(?!n$|l$|ge|r)|io(?!n|us)|iu|eo(?!us|n)|ua(?!r)|uo|ii)"
    r"|[aeiouy]ing|[aeiouy]ium|creat|iet|ism$|riot|real"
)
_SILENT_E = re.compile(r"[^aeiouy]e(?:ly|ment|ful|less|ness)|[a-z]eous$")
_SPOKEN_ES = ("ses", "xes", "zes", "ches", "shes", "ces", "ges", "ies", "ees", "oes", "les")

_EMOJI = [
    int(each, 16)
    for each in """
    a9 aa ae af 203c 203d 2049 204a 2122 2123 2139 213a 2194 219a 21a9 21ab 231a 231c 2328 2329 23cf 23d0 23e9 23f4
    23f8 23fb 24c2 24c3 25aa 25ac 25b6 25b7 25c0 25c1 25fb 25ff 2600 2605 260e 260f 2611 2612 2614 2616 2618 2619
    261d 261e 2620 2621 2622 2624 2626 2627 262a 262b 262e 2630 2638 263b 2640 2641 2642 2643 2648 2654 265f 2661
    2663 2664 2665 2667 2668 2669 267b 267c 267e 2680 2692 2698 2699 269a 269b 269d 26a0 26a2 26a7 26a8 26aa 26ac
    26b0 26b2 26bd 26bf 26c4 26c6 26c8 26c9 26ce 26d0 26d1 26d2 26d3 26d5 26e9 26eb 26f0 26f6 26f7 26fb 26fd 26fe
    2702 2703 2705 2706 2708 270e 270f 2710 2712 2713 2714 2715 2716 2717 271d 271e 2721 2722 2728 2729 2733 2735
    2744 2745 2747 2748 274c 274d 274e 274f 2753 2756 2757 2758 2763 2765 2795 2798 27a1 27a2 27b0 27b1 27bf 27c0
    2934 2936 2b05 2b08 2b1b 2b1d 2b50 2b51 2b55 2b56 3030 3031 303d 303e 3297 3298 3299 329a 1f004 1f005 1f0cf
    1f0d0 1f170 1f172 1f17e 1f180 1f18e 1f18f 1f191 1f19b 1f201 1f203 1f21a 1f21b 1f22f 1f230 1f232 1f23b 1f250
    1f252 1f300 1f322 1f324 1f394 1f396 1f398 1f399 1f39c 1f39e 1f3f1 1f3f3 1f3f6 1f3f7 1f4fe 1f4ff 1f53e 1f549
    1f54f 1f550 1f568 1f56f 1f571 1f573 1f57b 1f587 1f588 1f58a 1f58e 1f590 1f591 1f595 1f597 1f5a4 1f5a6 1f5a8
    1f5a9 1f5b1 1f5b3 1f5bc 1f5bd 1f5c2 1f5c5 1f5d1 1f5d4 1f5dc 1f5df 1f5e1 1f5e2 1f5e3 1f5e4 1f5e8 1f5e9 1f5ef
    1f5f0 1f5f3 1f5f4 1f5fa 1f650 1f680 1f6c6 1f6cb 1f6d3 1f6d5 1f6da 1f6dc 1f6e6 1f6e9 1f6ea 1f6eb 1f6ed 1f6f0
    1f6f1 1f6f3 1f6fd 1f7e0 1f7ec 1f7f0 1f7f1 1f90c 1f93b 1f93c 1f946 1f947 1fa00 1fa70 1fa7d 1fa80 1fac7 1fac8
    1fac9 1facc 1fade 1fadf 1faec 1faef 1fafb
    """.split()
]


def no_punctuation(text: str) -> str:
    """Return the text without ASCII punctuation."""
    return text.translate(_DROP)


def bare(word: str) -> str:
    """Return a word without ASCII punctuation and blanks at its ends."""
    return word.strip(EDGES)


def is_emoji(char: str) -> bool:
    """Whether a character is an emoji by itself (Unicode 17)."""
    return bisect_right(_EMOJI, ord(char)) % 2 == 1


def without_accents(text: str) -> str:
    """Return the text's ASCII letters, accents taken off."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def syllables(word: str) -> int:
    """Count an English word's syllables by rule, 0 for one with a digit; right for about 14 in 15 common words."""
    if not word or any(map(str.isdigit, word)):
        return 0
    count = len(_VOWELS.findall(word)) + len(_SPLIT_VOWELS.findall(word)) - len(_SILENT_E.findall(word))
    count -= _has_silent_end(word)
    return max(1, count)


def official_syllables(word: str) -> int:
    """Count syllables as the official checker's syllapy does: rightly for common words, by letters alone for others."""
    if word in OFFICIAL_SYLLABLES:
        return OFFICIAL_SYLLABLES[word]
    if word in ORDINARY or word in ALSO_NAMES or word in STOP_WORDS:
        return syllables(word)
    if not word or any(map(str.isdigit, word)):
        return 0
    count = len(_VOWELS.findall(word)) - word.endswith("e")
    return max(1, count + (len(word) > 2 and word.endswith("le") and word[-3] not in "aeiouy"))


def _has_silent_end(word: str) -> bool:
    if word.endswith("le"):
        return len(word) > 2 and word[-3] in "aeiou"
    if word.endswith("e"):
        return not word.endswith(("ee", "oe", "ye", "ie", "ue")) or word.endswith(("gue", "que"))
    if word.endswith("es"):
        return len(word) > 3 and (
            not word.endswith(_SPOKEN_ES) or (word.endswith("les") and word[-4:-3] in tuple("aeiou"))
        )
    return word.endswith("ed") and len(word) > 3 and not word.endswith(("ted", "ded", "eed", "ied"))


def every(expected: str, fault: str) -> Seen:
    """Return a finding for something that holds everywhere unless a fault was found."""
    return Seen(not fault, expected, fault[: 2 * SHOWN] or "everywhere")


def endings(answer: Answer) -> tuple[int, int, int]:
    """Count the sentences that end in a full stop, a question mark and an exclamation mark."""
    last = [sentence[-1] for sentence in answer.sentences]
    return last.count("."), last.count("?"), last.count("!")
