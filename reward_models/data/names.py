"""The names under which files of ratings keep what.

They come from TRL (chosen, rejected, margin; KTO's completion, label), OpenAI's
WebGPT and summaries, Anthropic's hh, UltraFeedback, HelpSteer, PKU-SafeRLHF (response_0, response_1,
better_response_id), SHP (human_ref_A, labels), PandaLM, Chatbot Arena (conversation_a, winner), OpenRLHF, and what
`verify score`, `verify pairs` and `verify rm prepare` write; Chinese ones come behind the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from verifiers.io.columns import ALIASES as SAMPLE_ALIASES
from verifiers.io.columns import CHATS

_RESPONSES = ("response", "completion", "responses", "completions", "answer", "answers", "reply", "summary")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "prompt": (
        *(name for name in SAMPLE_ALIASES["prompt"] if name not in CHATS),
        *("history", "context", "post", "提示", "提示词", "问题", "指令", "题目", "输入", *CHATS),
    ),
    "response": (
        *_RESPONSES,
        *(name for name in SAMPLE_ALIASES["completion"] if name not in (*_RESPONSES, *CHATS)),
        *("回答", "回复", "答复", "模型回答", "输出", "答案", *CHATS),  # 答案 alone; beside 回答 it is the reference
    ),
    "rating": (
        *("rating", "ratings", "stars", "star", "score", "scores", "reward", "rewards", "overall_score"),
        *("overall_rating", "overall", "grade", "mark", "human_score", "quality", "label", "labels"),
        *("评分", "星级", "打分", "分数", "得分", "评级"),
    ),
    "thumb": (
        *("label", "labels", "thumb", "thumbs", "thumbs_up", "liked", "like", "feedback", "upvote", "is_good"),
        *("rating", "score", "点赞"),
    ),
    "rater": (
        *("rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "labeler", "labeller", "grader"),
        *("judge", "user_id", "评分人", "评分员", "标注员", "标注者", "评价者"),
    ),
    "weight": ("weight", "sample_weight", "权重"),
    "aspect": ("aspect", "dimension", "criterion", "attribute", "维度", "方面"),
    "scale": ("scale",),
    "id": ("response_id", "completion_id", "answer_id"),
    "chosen": (
        *("chosen", "chosen_response", "chosen_completion", "preferred_response", "winner_response"),
        *("选中", "优选", "更好的回答", "较好的回答"),
    ),
    "rejected": (
        *("rejected", "rejected_response", "rejected_completion", "dispreferred_response", "loser_response"),
        *("拒绝", "较差的回答", "更差的回答"),
    ),
    "margin": ("margin",),
    "probability": ("probability", "p_chosen", "chosen_probability"),
    "winner": (
        *("votes", "vote", "winner", "preference", "preferred", "better_response_id", "better", "choice"),
        *("label", "labels", "胜者", "偏好"),
    ),
    "strength": ("overall_preference", "preference_strength"),  # HelpSteer3's and HelpSteer2's
    "ranked": ("ranked", "ranked_responses", "ranked_completions", "ranked_answers", "ranking", "排序"),
    "ranks": ("ranks", "rank", "rankings", "ranking", "排名"),
    "reference": (*SAMPLE_ALIASES["reference"], "参考答案", "标准答案", "答案"),
    "group": SAMPLE_ALIASES["group"],
    "source": ("source", "subset", "dataset", "data_source", "category", "来源"),
}
OPTIONAL = (
    *("prompt", "rater", "weight", "aspect", "scale", "id", "reference", "group", "source"),
    *("margin", "probability"),
)
"""Fields that rows may lack, wherever in the file they begin; an empty cell (csv) is a lacking one."""
SIDES = (
    *(("a", "b"), ("response_a", "response_b"), ("response_0", "response_1"), ("response_1", "response_2")),
    *(("answer_a", "answer_b"), ("completion_a", "completion_b"), ("human_ref_A", "human_ref_B")),
    *(("output_1", "output_2"), ("response1", "response2"), ("conversation_a", "conversation_b")),
    *(("answer_0", "answer_1"), ("answer1", "answer2"), ("completion_0", "completion_1"), ("output_a", "output_b")),
    *(("回答A", "回答B"), ("回答1", "回答2")),
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
