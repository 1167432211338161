"""`read_rated`: every shape, equal prompts merged, poisoned rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from rm_rows import GOOD, stars

from reward_models.data.rated import RatedData, Scale, data_hash, prompt_row
from reward_models.data.reading import read_rated
from reward_models.types import Preference
from verifiers.errors import InputError, UsageError


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.fixture
def read(tmp_path: Path):
    """Write rows (or raw lines) to a file and read them."""

    def write_and_read(*rows: dict[str, Any] | bytes, **options: Any) -> RatedData:
        path = tmp_path / "data.jsonl"
        path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
        return read_rated([path], **options)

    return write_and_read


ALIASED = [
    ({"prompt": "p", "response": "r", "rating": 4}, "p", "r", 4.0),
    ({"question": "p", "completion": "r", "stars": "3.5"}, "p", "r", 3.5),
    ({"messages": [user("p"), assistant("r")], "score": 2}, [user("p")], "r", 2.0),
    (
        {"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "r"}], "score": 2},
        [user("p")],
        "r",
        2,
    ),
    ({"messages": [user("p")], "response": [assistant("r")], "rating": 1}, [user("p")], "r", 1.0),
    ({"prompt": "p", "answer": "r", "label": 0.25}, "p", "r", 0.25),
    ({"prompt": "p", "completion": "r", "label": True}, "p", "r", 1.0),
    ({"prompt": [user("p")], "completion": [assistant("r")], "label": False}, [user("p")], "r", 0.0),
    ({"prompt": "p", "response": "r", "thumbs": "down"}, "p", "r", 0.0),
    ({"prompt": "p", "completion": "r", "reward": 0.5, "status": "partial", "reason": ""}, "p", "r", 0.5),
]


@pytest.mark.parametrize(("row", "prompt", "response", "label"), ALIASED)
def test_read_rated_when_names_differ_then_finds_prompt_answer_and_label(read, row, prompt, response, label):
    assert stars(read(row, row | {"rater": "other"})) == [(prompt, [(response, label)])]


def test_read_rated_when_prompts_and_answers_repeat_then_merged_and_averaged(read):
    data = read(
        {"prompt": "p", "response": "a", "rating": 4, "rater": "x"},
        {"prompt": "q", "response": "a", "rating": 1, "rater": "x"},
        {"prompt": "p", "response": "a", "rating": 2, "rater": "y", "weight": 3},
        {"prompt": "p", "response": "b", "rating": 5, "rater": "y"},
    )
    assert stars(data) == [("p", [("a", 2.5), ("b", 5.0)]), ("q", [("a", 1.0)])]
    assert [rating.rater for rating in data.prompts[0].answers[0].ratings] == ["x", "y"]
    assert data.prompts[0].answers[0].weight == 2.0
    assert data.scale == Scale(1.0, 5.0, 1.0)


def test_read_rated_when_a_rating_is_there_twice_then_counts_once_if_the_rater_is_known(read):
    row = {"prompt": "p", "response": "a", "rating": 4, "rater": "x"}
    data = read(row, row, row | {"rating": 1})
    assert data.counts.duplicates == 1
    assert stars(data) == [("p", [("a", 2.5)])]
    nameless = {"prompt": "p", "response": "a", "rating": 4}
    assert len(read(nameless, nameless).prompts[0].answers[0].ratings) == 2


def test_read_rated_when_aspects_then_their_weighted_mean_is_the_label(read):
    rows = [{"prompt": "p", "response": "a", "helpful": 4, "safe": 1}, {"prompt": "p", "response": "b", "helpful": 2}]
    data = read(*rows, aspects={"helpful": 3, "safe": 1})
    assert stars(data) == [("p", [("a", 3.25), ("b", 2.0)])]
    assert data.prompts[0].answers[0].aspects == {"helpful": 4.0, "safe": 1.0}
    assert data.aspects == {"helpful": 3, "safe": 1}


def test_read_rated_when_the_rating_is_an_object_then_its_keys_are_aspects(read):
    data = read({"prompt": "p", "response": "a", "ratings": {"helpful": 4, "safe": 2}})
    assert stars(data) == [("p", [("a", 3.0)])]
    assert data.aspects == {"helpful": 1.0, "safe": 1.0}


def test_read_rated_when_helpsteer_columns_then_verbosity_is_no_merit_and_the_weights_are_said(read):
    row = {"prompt": "p", "response": "a", "helpfulness": 4, "correctness": 3, "coherence": 2, "verbosity": 0}
    data = read(row)
    weights = {"helpfulness": 1.0, "correctness": 1.0, "coherence": 1.0, "verbosity": 0.0}
    assert (data.aspects, stars(data)) == (weights, [("p", [("a", 3.0)])])
    assert "their aspects, helpfulness 1, correctness 1, coherence 1, verbosity 0; set by --aspect" in data.notes[0]
    nested = {"prompt": "p", "response": "a", "rating": {name: row[name] for name in weights}}
    assert read(nested).aspects == weights
    own = read(row, aspects={"helpfulness": 1, "verbosity": 1})
    assert (stars(own), own.notes) == ([("p", [("a", 2.0)])], ())


ASPECTS = {"prompt": "p", "response": "a", "rater": "x"}
MISTYPED = [
    [ASPECTS | {"rating": {"helpful": 4, "safe": 2}}],
    [ASPECTS | {"helpful": 4, "safe": 2}],
    [ASPECTS | {"rating": 4, "aspect": "helpful"}, ASPECTS | {"rating": 2, "aspect": "safe"}],
]


@pytest.mark.parametrize("rows", MISTYPED, ids=["keys", "columns", "long"])
def test_read_rated_when_an_aspect_is_mistyped_then_refused_with_the_known_ones(read, rows):
    assert read(*rows, aspects={"helpful": 3, "safe": 1}).prompts[0].answers[0].stars == 3.5
    for aspects in ({"helpful": 0.7, "saef": 0.3}, {"saef": 0.3}):
        with pytest.raises(UsageError, match=r"--aspect saef: no answer is rated on it\. Did you mean 'safe'\?"):
            read(*rows, aspects=aspects)


def test_read_rated_when_answers_are_rated_as_a_whole_then_an_aspect_is_refused_but_not_beside_comparisons(read):
    with pytest.raises(UsageError, match=r"--aspect nope: no answer is rated on it\. Columns: prompt, response"):
        read(ASPECTS | {"rating": 4}, aspects={"nope": 1})
    assert read({"prompt": "p", "chosen": "a", "rejected": "b"}, aspects={"helpful": 1}).aspects == {}


def test_read_rated_when_long_form_aspects_then_one_label_each(read):
    row = {"prompt": "p", "response": "a", "rater": "x"}
    data = read(row | {"rating": 4, "aspect": "helpful"}, row | {"rating": 2, "aspect": "safe"})
    assert data.prompts[0].answers[0].aspects == {"helpful": 4.0, "safe": 2.0}


def test_read_rated_when_groups_then_one_rating_for_each_answer(read):
    data = read({"prompt": "p", "completions": ["a", None, "c"], "rewards": [1.0, 0.5, None]})
    assert stars(data) == [("p", [("a", 1.0)])]


def test_read_rated_when_scored_then_what_was_not_judged_is_no_bad_row(read):
    row = {"prompt": "p", "completion": "a", "status": "correct", "reason": "", "reward": 1.0}
    data = read(row, row | {"completion": "b", "reward": None, "status": "failed"})
    assert data.shape == "scored"
    assert stars(data) == [("p", [("a", 1.0)])]
    assert (data.counts.not_judged, data.counts.bad) == (1, 0)


def test_read_rated_when_scored_then_the_answer_found_is_not_the_response(read):
    verdict = {"reward": 1.0, "status": "correct", "reason": "", "answer": "7", "parts": [], "elapsed_s": 0.1}
    assert stars(read({"question": "p", "output": "It is 7"} | verdict)) == [("p", [("It is 7", 1.0)])]
    renamed = {"prompt": "p", "output": "r", "reward": -3, "verify_reward": 0.5, "status": "partial", "reason": ""}
    assert stars(read(renamed)) == [("p", [("r", 0.5)])]
    group = {"prompt": "p", "completions": ["a", "b"], "reward": [1.0, None], "status": ["correct", "failed"]}
    data = read(group | {"reason": ["", ""]})
    assert (stars(data), data.counts.not_judged) == ([("p", [("a", 1.0)])], 1)


SCORED = {"prompt": "p", "output": "r", "reward": 0.5, "status": "partial", "reason": "", "answer": "7"}
BESIDE = [
    ({"rating": 4}, {}, "ratings", 4.0, "(rating) is the label; the reward that `verify score` wrote is left aside"),
    ({"stars": [4, 5]}, {}, "ratings", 4.5, "--map reward=rating"),
    ({"rating": {"helpful": 4, "safe": 2}}, {}, "ratings", 3.0, "(rating) is the label"),
    ({"helpfulness": 4, "correctness": 3}, {}, "ratings", 3.5, "(helpfulness, correctness) is the label"),
    ({"thumbs": "up"}, {}, "thumbs", 1.0, "(thumbs) is the label"),
    ({"label": True}, {}, "thumbs", 1.0, "(label) is the label"),
    ({"label": "72"}, {}, "scored", 0.5, "If humans gave label, take that: --map label=rating"),
    ({"score": 3}, {}, "scored", 0.5, "If humans gave score, take that: --map score=rating"),
    ({"score": 3}, {"score": "rating"}, "ratings", 3.0, "(score) is the label"),
    ({"score": 3, "liked": True}, {"liked": "thumb"}, "thumbs", 1.0, "(liked) is the label"),
    ({"rating": 4}, {"reward": "rating"}, "scored", 0.5, ""),
]


@pytest.mark.parametrize(("human", "mapping", "shape", "label", "note"), BESIDE)
def test_read_rated_when_rated_and_scored_then_what_humans_said_is_the_label(read, human, mapping, shape, label, note):
    data = read(SCORED | human, map=mapping)
    assert (data.shape, stars(data)) == (shape, [("p", [("r", label)])])
    assert note in "".join(data.notes)


def test_read_rated_when_scored_without_prompts_then_the_group_holds_answers_together(read):
    row = {"status": "correct", "reason": ""}
    rows = [
        row | {"group": g, "completion": c, "reward": r} for g, c, r in [(1, "a", 1.0), (2, "a", 0.0), (1, "b", 0.5)]
    ]
    assert stars(read(*rows)) == [("", [("a", 1.0), ("b", 0.5)]), ("", [("a", 0.0)])]


CHAT = [user("p")]
PAIRS = [
    ({"prompt": "p", "chosen": "a", "rejected": "b"}, "p"),
    ({"prompt": CHAT, "chosen": [assistant("a")], "rejected": [assistant("b")]}, CHAT),
    ({"chosen": [*CHAT, assistant("a")], "rejected": [*CHAT, assistant("b")]}, CHAT),
    ({"prompt": "p", "chosen": [*CHAT, assistant("a")], "rejected": [*CHAT, assistant("b")]}, CHAT),
    (
        {"chosen": "\n\nHuman: p\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: b"},
        "\n\nHuman: p\n\nAssistant:",
    ),
    ({"chosen": "p: a", "rejected": "p: b"}, "p:"),
]


@pytest.mark.parametrize(("row", "prompt"), PAIRS)
def test_read_rated_when_pairs_then_prompt_and_both_answers(read, row, prompt):
    (rated,) = read(row).prompts
    assert rated.prompt == prompt
    assert [str(answer.response).strip() for answer in rated.answers] == ["a", "b"]
    assert rated.preferences == (Preference(0, 1),)
    assert rated.answers[0].stars is None


def test_read_rated_when_margins_are_of_two_columns_then_their_difference(read):
    row = {"prompt": "p", "chosen": "a", "rejected": "b", "chosen_reward": 0.75, "rejected_reward": 0.25}
    assert read(row).prompts[0].preferences == (Preference(0, 1, margin=0.5),)
    row = {"prompt": "p", "chosen": "a", "rejected": "b", "margin": 3, "probability": 0.75}
    assert read(row).prompts[0].preferences == (Preference(0, 1, 0.75, 3.0),)


def test_read_rated_when_pairs_contradict_then_votes_are_counted(read):
    pair = {"prompt": "p", "chosen": "a", "rejected": "b"}
    turned = {"prompt": "p", "chosen": "b", "rejected": "a"}
    data = read(pair, turned, turned, turned | {"prompt": "q"})
    assert data.prompts[0].preferences == (Preference(1, 0, pytest.approx(2 / 3), votes=3),)
    assert data.prompts[1].preferences == (Preference(0, 1),)
    assert data.votes == [(1.0, 0.0, 0.0)]


def test_read_rated_when_rows_may_be_copies_then_a_pair_has_one_vote(read):
    pair = {"prompt": "p", "chosen": "a", "rejected": "b"}
    assert read(pair, pair).prompts[0].preferences == (Preference(0, 1),)


def test_read_rated_when_votes_were_prepared_then_their_number_stays(read):
    row = {"prompt": "p", "answers": [{"response": "a"}, {"response": "b"}]}
    stated = {"chosen": 0, "rejected": 1, "probability": 1.0, "votes": 3}
    (rated,) = read(row | {"preferences": [stated]}).prompts
    assert rated.preferences == (Preference(0, 1, votes=3),)
    assert prompt_row(rated)["preferences"] == [stated]
    assert "a whole number from 1 on" in read(row, row | {"preferences": [stated | {"votes": 0}]}).bad[0].reason


VOTES = [
    ({"a": "x", "b": "y", "votes": [2, 1, 0, 1]}, 0, 0.625),
    ({"a": "x", "b": "y", "votes": [2, 2, 2]}, 1, 1.0),
    ({"response_0": "x", "response_1": "y", "better_response_id": 0}, 0, 1.0),
    ({"response_1": "x", "response_2": "y", "winner": 2}, 1, 1.0),
    ({"conversation_a": [*CHAT, assistant("x")], "conversation_b": [*CHAT, assistant("y")], "winner": "tie"}, 0, 0.5),
    ({"response_a": "x", "response_b": "y", "winner": "model_b"}, 1, 1.0),
    ({"response_a": "x", "response_b": "y", "winner": "tie (bothbad)"}, 0, 0.5),
    ({"a": "x", "b": "y", "preference": "A"}, 0, 1.0),
    ({"a": "x", "b": "y", "preference": True}, 0, 1.0),
    ({"a": "x", "b": "y", "preference": "1.0"}, 0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("row", "winner", "probability"), VOTES)
def test_read_rated_when_votes_then_their_share(read, row, winner, probability):
    (rated,) = read({"prompt": "p"} | row).prompts
    assert rated.preferences == (Preference(winner, 1 - winner, probability, votes=len(row.get("votes", "1"))),)


def test_read_rated_when_labels_are_of_shp_then_one_is_the_first(read):
    rows = [
        {"history": h, "human_ref_A": "x", "human_ref_B": "y", "labels": label} for h, label in [("p", 1), ("q", 0)]
    ]
    data = read(*rows)
    assert [rated.preferences[0].chosen for rated in data.prompts] == [0, 1]
    assert "a vote 1 is for 'human_ref_A', 0 for 'human_ref_B'" in data.notes


RANKED = [
    {"prompt": "p", "ranked": ["a", "b", "c"]},
    {"prompt": "p", "responses": ["a", "b", "c"], "ranks": [1, 2, 3]},
]


@pytest.mark.parametrize("row", RANKED)
def test_read_rated_when_ranked_then_every_pair(read, row):
    pairs = {(each.chosen, each.rejected) for each in read(row).prompts[0].preferences}
    assert pairs == {(0, 1), (0, 2), (1, 2)}


def test_read_rated_when_ranks_are_equal_then_a_tie(read):
    (rated,) = read({"prompt": "p", "responses": ["a", "b", "c"], "ranks": [2, 1, 2]}).prompts
    assert set(rated.preferences) == {Preference(1, 0), Preference(0, 2, 0.5), Preference(1, 2)}


POISON: list[tuple[dict[str, Any] | bytes, str]] = [
    (b'{"prompt": "p", "response": "r", "rating": NaN}', "NaN"),
    (b'{"prompt": "p", "response": "r", "rating": 1e400}', ""),
    (b'{"prompt": "p", "response": "r", "rating": 1, "rating": 5}', "'rating' stands twice"),
    (b'{"prompt": "p", "resp', "not JSON"),
    (b"\xff\xfe{}", ""),
    (b"[" * 100_000, ""),
    (b"null", "not a JSON object"),
    (b"{}", ""),
    (GOOD | {"rating": True}, "the rating is True, not a number"),
    (GOOD | {"rating": None}, "the rating is null"),
    (GOOD | {"rating": "nan"}, "'nan'"),
    (GOOD | {"rating": "1_0"}, "'1_0'"),
    (GOOD | {"rating": 6}, "the rating 6 lies outside its scale, 1 to 5"),
    (GOOD | {"rating": 10**400}, ""),
    (GOOD | {"rating": [1, 2, "x"]}, "'x'"),
    (GOOD | {"scale": [5, 1]}, "lowest comes first"),
    (GOOD | {"weight": 0}, "over 0"),
    (GOOD | {"weight": -1}, "over 0"),
    (GOOD | {"weight": False}, "the weight is False"),
    (GOOD | {"response": None}, "null"),
    (GOOD | {"response": [assistant("x" * 1_000_001)]}, "at most 1,000,000"),
    (GOOD | {"response": "x" * 10_000_000}, "10,000,000 characters"),
    (GOOD | {"response": ["a", "b"]}, "2 answers and one rating"),
    (GOOD | {"prompt": {"a": 1}}, "the prompt is an object"),
    (GOOD | {"prompt": [{"role": "user"}]}, "chat"),
    (GOOD | {"prompt": [{"role": 3, "content": "x"}]}, "role"),
    (GOOD | {"prompt": [user("x") | {"content": [{"type": "image", "url": "u"}]}]}, "not text"),
    (GOOD | {"prompt": None}, "neither a prompt nor a group"),
]


@pytest.mark.parametrize(("poison", "reason"), POISON)
def test_read_rated_when_a_row_is_poisoned_then_only_that_row_is_lost(read, poison, reason):
    others = [GOOD | {"prompt": f"p{number}"} for number in range(3)]
    data = read(others[0], poison, *others[1:])
    assert [(each.where.rpartition(":")[2], reason in each.reason) for each in data.bad] == [("2", True)], data.bad
    assert (data.counts.rows, data.counts.bad, len(data.prompts)) == (4, 1, 3)
    with pytest.raises(InputError, match="1 of 4 rows are bad rows"):
        read(others[0], poison, *others[1:], on_bad="refuse")


def test_read_rated_when_text_holds_half_a_surrogate_pair_then_repaired_and_counted(read):
    data = read(GOOD, b'{"prompt": "q\\ud800", "response": "r \\ud83d\\ude00", "rating": 2}')
    assert data.prompts[1].prompt == "q?"
    assert data.prompts[1].answers[0].response == "r 😀"
    assert data.counts.repaired == 1
    assert read(GOOD, b'{"prompt": "q", "response": "r \\ud83d\\ude00", "rating": 2}').counts.repaired == 0


def test_read_rated_when_a_value_repeats_a_key_name_then_no_key_is_twice(read):
    data = read(GOOD | {"response": 'say "rating" and "rating"', "meta": {"rating": 1, "rater": 2}})
    assert data.counts.bad == 0


def test_read_rated_when_nothing_is_usable_then_says_what_is_wrong(read, tmp_path):
    with pytest.raises(InputError, match=r"none of 2 rows can be used\. The first: .*data\.jsonl:1: "):
        read(b"x", b"y")
    with pytest.raises(UsageError, match=r"No column tells what humans said.*Columns: prompt, text"):
        read({"prompt": "p", "text": "r"})
    with pytest.raises(
        UsageError, match=r"'rating' holds numbers in 0 of the first 2 rows; 'so so' at .*data\.jsonl:1"
    ):
        read(*[{"prompt": "p", "response": "r", "rating": cell} for cell in ("so so", "great")])
    with pytest.raises(UsageError, match=r"Ratings are in 'rating', and no column holds answers"):
        read({"prompt": "p", "essay": "r", "rating": 4})
    with pytest.raises(UsageError, match=r"from the best answer to the worst: --map responses=ranked"):
        read({"prompt": "p", "responses": ["r", "s"]})
    with pytest.raises(InputError, match="no such file"):
        read_rated([tmp_path / "absent.jsonl"])


def test_read_rated_when_mapped_then_the_users_columns(read):
    row = {"q": "p", "essay": "r", "points": 7, "by": "x"}
    data = read(row, map={"q": "prompt", "essay": "response", "points": "rating", "by": "rater"})
    assert stars(data) == [("p", [("r", 7.0)])]
    with pytest.raises(UsageError, match="FIELD is one of prompt"):
        read(row, map={"points": "points"})
    with pytest.raises(UsageError, match="there is no column 'absent'"):
        read(row, map={"absent": "rating"})


def test_read_rated_when_reference_is_asked_for_then_it_stands_in_the_prompt(read):
    data = read(GOOD | {"reference": "gold"}, reference=True)
    assert data.prompts[0].prompt == "p\n\nReference answer: gold"


def test_read_rated_when_chinese_pairs_and_votes_then_known(read):
    pair = {"问题": "p", "更好的回答": "a", "较差的回答": "b"}
    assert read(pair).prompts[0].preferences == (Preference(0, 1),)
    assert read({"提示": "p", "选中": "a", "拒绝": "b"}).prompts[0].preferences == (Preference(0, 1),)
    assert read({"问题": "p", "回答A": "a", "回答B": "b", "胜者": "B"}).prompts[0].preferences == (Preference(1, 0),)


def test_data_hash_when_prompts_change_places_then_is_the_same(read):
    rows = [GOOD | {"prompt": name} for name in "abc"]
    assert data_hash(read(*rows).prompts) == data_hash(read(*rows[::-1]).prompts)
    assert data_hash(read(*rows).prompts) != data_hash(read(*rows[:2]).prompts)


def test_read_rated_when_parquet_with_chats_then_as_json_lines(tmp_path, read):
    rows = [{"prompt": CHAT, "chosen": [assistant("a")], "rejected": [assistant(name)], "margin": 1.5} for name in "bc"]
    table = pytest.importorskip("pyarrow").Table.from_pylist(rows)
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "pairs.parquet")
    found = read_rated([tmp_path / "pairs.parquet"])
    assert data_hash(found.prompts) == data_hash(read(*rows).prompts)
    assert len(found.prompts[0].answers) == 3
