"""The names under which files of ratings keep what.

They come from TRL (chosen, rejected, margin; KTO's completion, label), OpenAI's
WebGPT and summaries, Anthropic's hh, UltraFeedback, HelpSteer, PKU-SafeRLHF (response_0, response_1,
better_response_id), SHP (human_ref_A, labels), PandaLM, Chatbot Arena (conversation_a, winner), OpenRLHF, and what
`verify score`, `verify pairs` and `verify rm prepare` write.
"""

from __future__ import annotations

from collections.abc import Mapping

from verifiers.io.columns import ALIASES as SAMPLE_ALIASES
from verifiers.io.columns import CHATS

_RESPONSES = ("response", "completion", "responses", "completions", "answer", "answers", "reply", "summary")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "prompt": (*(n for n in SAMPLE_ALIASES["prompt"] if n not in CHATS), "history", "context", "post", *CHATS),
    "response": (*_RESPONSES, *(name for name in SAMPLE_ALIASES["completion"] if name not in _RESPONSES)),
    "rating": (
        *("rating", "ratings", "stars", "star", "score", "scores", "reward", "rewards", "overall_score"),
        *("overall_rating", "overall", "grade", "mark", "human_score", "quality", "label", "labels"),
    ),
    "thumb": (
        *("label", "labels", "thumb", "thumbs", "thumbs_up", "liked", "like", "feedback", "upvote", "is_good"),
        *("rating", "score"),
    ),
    "rater": (
        *("rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "labeler", "labeller", "grader"),
        *("judge", "user_id"),
    ),
    "weight": ("weight", "sample_weight"),
    "aspect": ("aspect", "dimension", "criterion", "attribute"),
    "scale": ("scale",),
    "id": ("response_id", "completion_id", "answer_id"),
    "chosen": ("chosen", "chosen_response", "chosen_completion", "preferred_response", "winner_response"),
    "rejected": ("rejected", "rejected_response", "rejected_completion", "dispreferred_response", "loser_response"),
    "margin": ("margin",),
    "probability": ("probability", "p_chosen", "chosen_probability"),
    "winner": (
        *("votes", "vote", "winner", "preference", "preferred", "better_response_id", "better", "choice"),
        *("overall_preference", "label", "labels"),
    ),
    "ranked": ("ranked", "ranked_responses", "ranked_completions", "ranked_answers", "ranking"),
    "ranks": ("ranks", "rank", "rankings", "ranking"),
    "reference": SAMPLE_ALIASES["reference"],
    "group": SAMPLE_ALIASES["group"],
    "source": ("source", "subset", "dataset", "data_source", "category"),
}
SIDES = (
    *(("a", "b"), ("response_a", "response_b"), ("response_0", "response_1"), ("response_1", "response_2")),
    *(("answer_a", "answer_b"), ("completion_a", "completion_b"), ("human_ref_A", "human_ref_B")),
    *(("output_1", "output_2"), ("response1", "response2"), ("conversation_a", "conversation_b")),
    *(("answer_0", "answer_1"), ("answer1", "answer2"), ("completion_0", "completion_1"), ("output_a", "output_b")),
)
"""Pairs of columns that hold two answers to compare."""
MARGINS = (
    *(("chosen_reward", "rejected_reward"), ("chosen_rating", "rejected_rating"), ("chosen_score", "rejected_score")),
    *(("score_chosen", "score_rejected"), ("chosen_stars", "rejected_stars")),
)
"""Pairs of columns whose difference is the margin."""
BY_PROGRAMS = ("score", "scores", "reward", "rewards", "overall_score")
"""Names of ratings under which trainers write their own rewards: in a scored file they may not be humans'."""
REFERENCES = ("label", "labels")
"""Names of ratings under which a scored file may keep the right answer."""
KNOWN_ASPECTS: Mapping[str, float] = {
    **dict.fromkeys(("helpfulness", "correctness", "coherence", "complexity"), 1.0),
    "verbosity": 0.0,
    **dict.fromkeys(("harmlessness", "safety"), 1.0),
}
"""Aspects of known data sets, and what each weighs unless the user says so. Verbosity says how much was written, not
how well: HelpSteer2's authors (arXiv 2406.08673) subtract it, and an output of its own takes no weight under 0."""
FIELDS = (*ALIASES, "first", "second")
"""What `--map COLUMN=FIELD` may name."""
