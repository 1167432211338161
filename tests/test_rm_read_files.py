"""`read_rated` on whole files: csv, Chinese columns, encodings, several files, anything at all."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rm_rows import GOOD, read_rows, stars

from reward_models.data.checks import inspected
from reward_models.data.reading import read_rated
from verifiers.errors import InputError, UsageError


def test_read_rated_when_files_have_different_scales_then_refused(tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text(json.dumps(GOOD))
    two.write_text(json.dumps({"prompt": "p", "response": "r", "label": True}))
    with pytest.raises(UsageError, match="ratings and thumbs"):
        read_rated([one, two])
    two.write_text(json.dumps({"prompt": "p", "chosen": "r", "rejected": "s"}))
    data = read_rated([one, two])
    assert data.shape == "ratings + pairs"
    assert [(answer.response, answer.stars) for answer in data.prompts[0].answers] == [("r", 4.0), ("s", None)]


def test_read_rated_when_csv_then_numbers_are_read_from_text(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("prompt,response,rating,rater\np,a,4,7\np,b,2.5,7\n")
    data = read_rated([path])
    assert stars(data) == [("p", [("a", 4.0), ("b", 2.5)])]
    assert data.prompts[0].answers[0].ratings[0].rater == "7"


CHINESE = [
    ("问题,回答,评分,评分人,参考答案\np,r,4,x,g\np,r,3,y,g\n", "ratings", 3.5),
    ("问题,答案,星级\np,r,★★★★☆\n", "ratings", 4.0),
    ("指令,回复,答案,打分,标注员,权重\np,r,g,5分,x,1\np,r,g,2分,y,2\n", "ratings", 3.0),
    ("提示,回答,点赞\np,r,赞\n", "thumbs", 1.0),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(("text", "shape", "label"), CHINESE)
def test_read_rated_when_columns_are_chinese_then_known(tmp_path, text, shape, label, encoding):
    path = tmp_path / "zh.csv"
    path.write_text(text, encoding=encoding)
    data = read_rated([path])
    assert (data.shape, stars(data)) == (shape, [("p", [("r", label)])])
    if "参考答案" in text or "回复" in text:
        assert read_rated([path], reference=True).prompts[0].prompt == "p\n\nReference answer: g"


@pytest.mark.parametrize("name", ["zh.csv", "zh.jsonl"])
def test_read_rated_when_gbk_then_says_in_which_encoding_to_save_it(tmp_path, name):
    rows = "问题,回答,评分\n天,蓝,4\n" if name.endswith("csv") else '{"prompt": "天", "response": "蓝", "rating": 4}'
    (tmp_path / name).write_text(rows, encoding="gbk")
    with pytest.raises(
        InputError, match=r"is not UTF-8.*save the file as UTF-8 \(in Excel: CSV UTF-8\), or convert it"
    ):
        read_rated([tmp_path / name])


def test_read_rated_when_ratings_are_out_of_different_totals_then_a_bad_row(tmp_path):
    for number, cells in enumerate((["4/5", "3", "8/10"], ["80%"])):
        rows = [{"prompt": f"p{number}", "response": cell, "rating": cell} for cell in cells]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = read_rated([tmp_path / "0.jsonl", tmp_path / "1.jsonl"])
    assert stars(data) == [("p0", [("4/5", 4.0)])]
    assert [each.reason.partition(";")[0] for each in data.bad] == [
        "the rating is a plain number, and others are out of 5",
        "the rating is out of 10, and others are out of 5",
        "the rating is out of 100, and others are out of 5",
    ]


@pytest.mark.parametrize(
    ("cells", "kept", "reason"),
    [
        (["80%", 4, "60%"], [80.0, 60.0], "the rating is a plain number, and others are out of 100"),
        ([4, "8/10", "3"], [4.0, 3.0], "the rating is out of 10, and others are plain numbers"),
        (["★★★★☆", "★★★★★", "★★", 3], [4.0, 5.0, 2.0], "the rating is a plain number, and others are out of 5"),
        ([4, "★★★", "★★☆"], [4.0, 3.0], "the rating is out of 3, and others are plain numbers"),
    ],
)
def test_read_rated_when_plain_numbers_stand_beside_others_then_a_bad_row_names_both(tmp_path, cells, kept, reason):
    data = read_rows(tmp_path, [{"prompt": "p", "response": f"r{n}", "rating": cell} for n, cell in enumerate(cells)])
    assert [answer.stars for answer in data.prompts[0].answers] == kept
    assert [each.reason for each in data.bad] == [f"{reason}; bring them to one scale"]


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "response", "stars", "text"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
NAMES = "prompt response rating rater weight chosen rejected a b votes ranked ranks responses messages label".split()
NAMES += "answers preferences reward status reason scale aspect group probability margin conversations".split()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), CELLS, max_size=6), min_size=1, max_size=4))
def test_read_rated_when_anything_then_read_or_refused_in_words(tmp_path, rows):
    path = tmp_path / "any.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    try:
        data = read_rated([path])
    except (InputError, UsageError):
        return
    assert data.counts.rows == len(rows)
    json.dumps(inspected(data), allow_nan=False)
    for rated in data.prompts:
        assert all(answer.stars is None or abs(answer.stars) <= 1e6 for answer in rated.answers)
        assert all(0.5 <= each.probability <= 1 and each.chosen != each.rejected for each in rated.preferences)
