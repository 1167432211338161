"""The split by prompt, and what `verify rm inspect` and `prepare` make of files."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.data.checks import inspected, spearman
from reward_models.data.findings import findings
from reward_models.data.prepared import MANIFEST, TRAIN, VALIDATION
from reward_models.data.preparing import prepare
from reward_models.data.rated import RatedData, data_hash
from reward_models.data.reading import read_rated
from reward_models.data.sketch import SIZE, share_seen, sketch_of
from reward_models.data.split import apart, families, folds_of, normalised, split_prompts
from reward_models.training.material import Sources, gather
from reward_models.types import Answer, Preference, RatedPrompt, Rating
from verifiers.cli.main import run
from verifiers.errors import UsageError
from verifiers.types import Text


def prompts_of(*texts: str) -> list[RatedPrompt]:
    return [RatedPrompt(text, (Answer("x", 1.0, ratings=(Rating(1.0, "r"),)),)) for text in texts]


NUMBERED = [f"question number {number}" for number in range(300)]


def test_split_prompts_when_data_grows_then_a_prompt_keeps_its_part():
    small = split_prompts(prompts_of(*NUMBERED[:150]), share=0.2, seed=3)
    large = split_prompts(prompts_of(*reversed(NUMBERED)), share=0.2, seed=3)
    assert {p.prompt for p in small.validation} <= {p.prompt for p in large.validation}
    assert {p.prompt for p in small.train} <= {p.prompt for p in large.train}
    assert 0.12 < len(large.validation) / len(NUMBERED) < 0.28
    other = split_prompts(prompts_of(*NUMBERED), share=0.2, seed=4)
    assert {p.prompt for p in other.validation} != {p.prompt for p in large.validation}


@given(st.lists(st.text(max_size=8), min_size=2, max_size=30, unique=True), st.floats(0.01, 0.99), st.integers(0, 9))
def test_split_prompts_when_any_then_nothing_is_lost_doubled_or_shared(texts: list[str], share: float, seed: int):
    prompts = prompts_of(*texts)
    if len(set(families(prompts))) < 2:
        return
    split = split_prompts(prompts, share=share, seed=seed)
    assert sorted(p.prompt for p in [*split.train, *split.validation]) == sorted(texts)  # type: ignore[type-var]
    assert split.train
    assert split.validation
    assert split.shared_prompts == 0


LONG = "Tell me all about the history of the city of Rome"
ALIKE = [
    ("What is 2?", "what  is 2", True),
    (LONG, f"{LONG}\nIt was founded in 753.\nBy whom?", True),
    (LONG, f"{LONG.upper()}!", True),
    ("Hi", "Hi\nHow are you?", False),
    ("What is 2?", "What is 3?", False),
    ("???", "!!!", False),
    ("a well-known book", "A well known book.", True),
    ("**Say** `this` - and/or that", "say this, and or that", True),
    ("the item\n* one\n- two", "The item: one, two", True),
    ("3 \N{MINUS SIGN} 2 = ?", "3-2=?", True),
    ("What is (3, 5)?", "What is 3, 5", True),
    ("What is 50%?", "What is 50 % ?", True),
    ("What is 3.5?", "What is 3,5?", False),
    ("What is 3?", "What is -3?", False),
    ("What is 50% of 4?", "What is 50 of 4?", False),
    ("x != 3", "x = 3", False),
    ("(2+3)*4", "2+3*4", False),
    ("2*(3+4)", "2*3+4", False),
    ("sin(x)/cos(x)", "sin(x)*cos(x)", False),
    ("What is C#?", "What is C?", False),
]
SIGNED = ["3{}2", "What is 3 {} 2?", "x{}y", "(a+b){}(c+d)", "2x {} 3y", "Is n{}5 prime"]
SIGNS = ["+", "-", "*", "/", "**", "//", "^", "%", "=", "<", ">", "!=", "\N{MULTIPLICATION SIGN}", "|"]


@pytest.mark.parametrize("text", SIGNED)
def test_normalised_when_prompts_differ_in_a_mathematical_sign_then_differ(text: str):
    assert len({normalised(text.format(sign)) for sign in [*SIGNS, ","]}) == len(SIGNS) + 1


@pytest.mark.parametrize(("one", "two", "alike"), ALIKE)
def test_families_when_prompts_repeat_or_continue_then_together(one: str, two: str, alike: bool):
    assert (len(set(families(prompts_of(one, two)))) == 1) == alike


def test_families_when_chats_continue_then_together():
    turn = [{"role": "user", "content": LONG}]
    longer = [*turn, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "more"}]
    assert len(set(families([RatedPrompt(turn, ()), RatedPrompt(longer, ())]))) == 1
    assert len(set(families([RatedPrompt(LONG, ()), RatedPrompt(longer, ())]))) == 1


ASKED = [{"role": "user", "content": LONG}]
FORMS = [
    ASKED,
    [{"role": "user", "content": [{"type": "text", "text": LONG[:9]}, {"type": "text", "text": LONG[9:]}]}],
    [{"role": "system", "content": "Be kind."}, *ASKED],
    [{"role": "developer", "content": "Be brief."}, *ASKED],
]


@pytest.mark.parametrize("form", FORMS)
def test_apart_when_one_prompt_is_a_text_and_a_chat_then_it_leaks(form: Text):
    one, other = prompts_of(LONG, "another")
    assert apart([one, other], [RatedPrompt(form, one.answers)]) == [other]
    assert apart([RatedPrompt(form, ()), other], [one]) == [other]


def test_normalised_when_a_chat_has_system_messages_alone_then_they_are_the_prompt():
    assert len({normalised([{"role": "system", "content": text}]) for text in ("a", "b")}) == 2


@given(st.lists(st.sampled_from([text for one, two, _ in ALIKE for text in (one, two)]), min_size=1), st.integers(1, 5))
def test_folds_when_any_then_a_family_is_in_one_and_all_are_about_equal(texts: list[str], count: int):
    prompts = prompts_of(*texts)
    folds, keys = folds_of(prompts, count), families(prompts)
    assert len(set(zip(keys, folds, strict=True))) == len(set(keys))
    sizes = [len({key for key, other in zip(keys, folds, strict=True) if other == fold}) for fold in set(folds)]
    assert len(sizes) == min(count, len(set(keys)))
    assert max(sizes) - min(sizes) <= 1


def test_share_seen_when_prompts_are_many_then_a_sketch_of_them_tells_the_share():
    trained = prompts_of(*(f"question {number}" for number in range(5000)))
    sketch = sketch_of(trained)
    assert len(sketch) == SIZE
    others = prompts_of(*(f"another {number}" for number in range(5000)))
    assert share_seen(sketch, [RatedPrompt(str(p.prompt).upper() + "?", p.answers) for p in trained]) == 1.0
    assert share_seen(sketch, others) == 0.0
    half = share_seen(sketch, [*trained[:2500], *others[:2500]])
    assert half is not None
    assert 0.35 < half < 0.65
    assert share_seen((), others) is None


@given(st.sets(st.text("ab", min_size=1, max_size=6), max_size=40), st.sets(st.text("ab", min_size=1, max_size=6)))
def test_share_seen_when_prompts_are_few_then_exact(trained: set[str], asked: set[str]):
    wanted = len(trained & asked) / len(asked) if trained and asked else None
    assert share_seen(sketch_of(prompts_of(*trained)), prompts_of(*asked)) == wanted


RATED = [
    RatedPrompt(
        f"q{number}",
        (Answer("a", 2.0, ratings=tuple(Rating(float(r % 3), f"r{r}") for r in range(8))),),
    )
    for number in range(20)
]


def raters_of(prompts: list[RatedPrompt]) -> set[str]:
    return {rating.rater for rated in prompts for answer in rated.answers for rating in answer.ratings}


def test_split_prompts_when_by_rater_then_no_rater_is_in_both():
    split = split_prompts(RATED, share=0.3, by="rater")
    assert raters_of(split.train) | raters_of(split.validation) == {f"r{number}" for number in range(8)}
    assert not raters_of(split.train) & raters_of(split.validation)
    assert split.shared_prompts == len(RATED)
    held = split.validation[0].answers[0]
    assert held.stars == pytest.approx(sum(rating.stars for rating in held.ratings) / len(held.ratings))


def test_split_prompts_when_by_both_then_neither_rater_nor_prompt_is_shared():
    split = split_prompts(RATED, share=0.3, by="both")
    assert not raters_of(split.train) & raters_of(split.validation)
    assert not {p.prompt for p in split.train} & {p.prompt for p in split.validation}
    assert (split.shared_prompts, split.unused > 0) == (0, True)


@pytest.mark.parametrize(
    ("texts", "share", "message"), [(["a"], 0.5, "1 different prompts"), (["a", "b"], 0.0, "between 0 and 1")]
)
def test_split_prompts_when_it_cannot_be_then_says_why(texts, share, message):
    with pytest.raises(UsageError, match=message):
        split_prompts(prompts_of(*texts), share=share)


def test_spearman_when_ranks_agree_but_for_two_then_as_by_hand():
    # d = 0, 0, 1, 1: 1 - 6 x 2 / (4 x 15) = .8
    assert spearman([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(0.8)
    assert spearman([1, 1], [1, 2]) is None
    assert spearman([], []) is None


def test_inspected_when_data_is_bad_then_every_fault_is_counted():
    answers = (
        Answer("", 5.0, ratings=(Rating(5.0, "a"), Rating(1.0, "a"))),
        Answer("long answer", 1.0, ratings=(Rating(1.0, "b"),)),
        Answer("longer answer", 3.0, ratings=(Rating(3.0, "b"),)),
    )
    circle = (Preference(1, 0), Preference(0, 2), Preference(2, 1, 0.75), Preference(1, 0, 0.5))
    prompts = [RatedPrompt("p", answers, circle), RatedPrompt("P!", answers[1:]), RatedPrompt("", answers[1:2])]
    figures = inspected(RatedData(prompts, "ratings", votes=[(1.0, 0.0), (1.0, 1.0)]))
    assert figures["contradictions"] == {
        "votes_split": 1,
        "one_rater_two_ratings": 1,
        "stars_against_comparison": 1,
        "prompts_in_a_circle": 1,
    }
    assert figures["duplicates"] == {"ratings": 0, "rows": 0, "prompts_alike": 1, "answers_at_several_prompts": 3}
    assert figures["empty"] == {"prompts": 1, "answers": 1}
    assert figures["comparisons"] == {"given": 4, "ties": 1, "unsure": 1, "with_margin": 0, "from_stars": 4}
    # "" (5) over both others: shorter wins twice; 3 over 1: the longer wins, at both prompts; comparisons: 1, 1, 1.
    assert figures["length"]["longer_wins"] == pytest.approx((0 + 0 + 1 + 1 + 1 + 0 + 1) / 7)
    assert figures["raters"]["confounding"]["ratings_beside_another_rater"] == 0
    assert figures["raters"]["confounding"]["groups_that_share_no_prompt"] == 1
    names = [finding.name for finding in findings(figures) if finding.level == "warn"]
    assert {"contradictions", "empty", "size"} <= set(names)
    json.dumps(figures, allow_nan=False)


def test_findings_when_one_prompt_has_two_rated_answers_then_the_loss_that_train_takes():
    answers = [Answer(name, 1.0, ratings=(Rating(1.0),)) for name in "ab"]
    alone = [RatedPrompt(f"p{n}", (answers[0],)) for n in range(9)]
    for prompts in ([*alone, RatedPrompt("q", tuple(answers))], alone):
        told = next(each.found for each in findings(inspected(RatedData(prompts, "ratings"))) if each.name == "loss")
        assert told.endswith("joint") == (len(prompts) == 10)


def test_inspected_when_comparisons_are_in_order_then_no_circle():
    chain = tuple(Preference(a, b) for a in range(4) for b in range(a + 1, 4))
    prompts = [RatedPrompt("p", tuple(Answer(str(n)) for n in range(4)), chain)]
    assert inspected(RatedData(prompts, "ranked"))["contradictions"]["prompts_in_a_circle"] == 0


def write_ratings(path: Path) -> None:
    rows = [
        {"prompt": f"q{n}", "response": f"a{k}", "rating": (n + k) % 5 + kind, "rater": rater, "source": "s"}
        for n in range(30)
        for k in range(2)
        for rater, kind in (("kind", 1), ("strict", 0))
    ]
    rows += [{"prompt": "q0", "response": "a0", "rating": 9, "rater": "kind", "weight": 0.5}]
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join([*lines, "broken"]))


def test_prepare_when_read_again_then_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_ratings(tmp_path / "in.jsonl")
    arguments = ["rm", "prepare", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out"), "--validation", "0.3"]
    assert run(arguments) == 0
    told = capsys.readouterr().err
    assert "skipped 1 bad rows" in told
    assert "corrected: 2 of 2 raters" in told
    made = prepare(read_rated([tmp_path / "in.jsonl"]), share=0.3)
    for name, part in ((TRAIN, made.train), (VALIDATION, made.validation)):
        assert list(read_rated([tmp_path / "out" / name]).prompts) == part
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["train"]["sha256"] == data_hash(made.train)
    assert manifest["raters"]["offsets"]["kind"] > 0.3
    assert manifest["bad_rows"][0]["where"].endswith("in.jsonl:122")
    assert len(read_rated([tmp_path / "out"]).prompts) == 30
    assert run(arguments) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert run([*arguments, "--overwrite", "-q"]) == 0


def test_prepare_when_aspects_are_weighed_then_read_and_trained_on_with_their_weights(tmp_path: Path):
    rows = [
        {"prompt": f"q{n}", "response": "a", "rater": f"r{n % 2}", "rating": {"good": n % 5, "long": 5 - n % 3}}
        for n in range(40)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    arguments = ["rm", "prepare", "-q", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out"), "--split-by", "rater"]
    assert run([*arguments, "--aspect", "good=3", "--aspect", "long=1", "--scale", "0", "6"]) == 0
    data = read_rated([tmp_path / "out" / TRAIN])
    assert data.aspects == {"good": 3, "long": 1}
    assert data.scale == (0, 6, 1)
    material = gather(Sources([str(tmp_path / "out")]), 0.5, 0, print)
    assert [len(raters_of(list(part))) for part in (material.train, material.validation)] == [1, 1]
    first = material.train[0].answers[0]
    assert first.stars == pytest.approx((3 * first.aspects["good"] + first.aspects["long"]) / 4)


def test_prepare_when_run_twice_then_writes_the_same_bytes(tmp_path: Path):
    write_ratings(tmp_path / "in.jsonl")
    for name in ("one", "two"):
        assert run(["rm", "prepare", "-q", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / name)]) == 0
    for name in (TRAIN, VALIDATION, MANIFEST):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


LEAKING = [NUMBERED[0], NUMBERED[1].upper() + "!", f"{LONG}\nBy whom?", NUMBERED[3], NUMBERED[4], NUMBERED[5]]


@pytest.fixture
def leaking(tmp_path: Path) -> tuple[str, str]:
    """Files to train and to validate on: three of their prompts are the same, two of these in other words."""
    for name, texts in (("train", LEAKING), ("held", [*NUMBERED[:2], LONG, "another"])):
        rows = [{"prompt": text, "response": f"a{k}", "rating": k} for text in texts for k in range(3)]
        (tmp_path / name).with_suffix(".jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(tmp_path / "train.jsonl"), str(tmp_path / "held.jsonl")


def test_gather_when_validation_holds_the_prompts_otherwise_written_then_not_trained_on(leaking: tuple[str, str]):
    said: list[str] = []
    material = gather(Sources(leaking[:1], leaking[1:]), 0.5, 0, said.append)
    assert [rated.prompt for rated in material.train] == LEAKING[3:]
    assert len(material.validation) == 4
    assert any(line.startswith("not trained on: 3 of 6 prompts") for line in said)


def test_inspect_when_validation_is_named_then_counts_leaks(leaking: tuple[str, str], capsys):
    assert run(["rm", "inspect", leaking[0], "--validation", leaking[1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leaks"] == {"prompts": 3, "the_same": 1}
    assert run(["rm", "inspect", leaking[0], "--validation", leaking[1], "--strict"]) == 1
    assert "3 prompts stand in the validation files too: 1 are the same" in " ".join(capsys.readouterr().out.split())


def test_inspect_when_run_then_prints_shape_people_and_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_ratings(tmp_path / "in.jsonl")
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl")]) == 0
    out = capsys.readouterr().out
    for text in ("ratings", "response <- response", "alpha nominal", "kind", "left out", "longer wins", "joint"):
        assert text in out
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl"), "--json", "--scale", "0", "5"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rows"] == {"read": 122, "bad": 2, "not_judged": 0, "repaired": 0}
    assert figures["scale"] == {"lowest": 0, "highest": 5, "step": 1}
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl"), "--strict"]) == 1
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl"), "--scale", "5", "1"]) == 2


@pytest.mark.parametrize(
    ("name", "shape", "prompts", "answers"),
    [
        ("mohler_asag_ratings", "ratings", 79, 2203),
        ("topical_chat_ratings", "ratings", 14863, 14998),
        ("hh_harmless_test_pairs", "pairs", 2310, 4624),
        ("pandalm_pairs", "votes", 170, 721),
    ],
)
def test_read_rated_when_real_then_shape_and_sizes(shared_data: Path, name, shape, prompts, answers):
    data = read_rated([shared_data / "ratings" / f"{name}.jsonl.gz"])
    assert (data.shape, len(data.prompts)) == (shape, prompts)
    assert sum(len(rated.answers) for rated in data.prompts) == answers
    split = split_prompts(data.prompts, share=0.2)
    assert split.shared_prompts == 0
    assert 0.1 < len(split.validation) / prompts < 0.3
