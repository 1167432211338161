"""What was not judged never becomes 0: stand-ins of groups, for trainers that take no None."""

import asyncio
from pathlib import Path

import pytest

from grpo_bridge.decoded import completion_of, without_endings
from grpo_bridge.errors import RewardError
from grpo_bridge.per_batch import BatchScorer
from grpo_bridge.per_sample import SampleScorer
from grpo_bridge.stand_ins import StandIns
from verifiers.errors import UsageError
from verifiers.types import Sample

RIGHT, WRONG = "The answer is 5", "The answer is 6"


def lost(group: str = "g") -> Sample:
    """Return a sample that math cannot judge: it has no reference."""
    return Sample(RIGHT, "p", None, group=group)


def judged(text: str, group: str = "g") -> Sample:
    return Sample(text, "p", "5", group=group)


def test_a_lost_sample_waits_for_its_group_and_gets_its_mean() -> None:
    scorer = SampleScorer("math", group_size=4, patience_s=20)

    async def ask() -> list[float | None]:
        first = asyncio.create_task(scorer.ascore(lost()))
        await asyncio.sleep(0.1)
        assert not first.done()
        others = [await scorer.ascore(judged(text)) for text in (RIGHT, RIGHT, WRONG)]
        return [each.reward for each in (await first, *others)]

    assert asyncio.run(ask()) == [pytest.approx(2 / 3), 1.0, 1.0, 0.0]


def test_patience_ends_and_the_mean_so_far_stands_in() -> None:
    scorer = SampleScorer("math", group_size=4, patience_s=0.1)
    scorer.score(judged(RIGHT))
    scored = scorer.score(lost())
    assert (scored.reward, scored.valid) == (1.0, False)


def test_a_group_of_which_nothing_is_known_gets_what_was_judged_lately() -> None:
    scorer = SampleScorer("math", patience_s=0.0)
    scorer.score(judged(RIGHT, "a"))
    scorer.score(judged(WRONG, "b"))
    assert scorer.score(lost("c")).reward == pytest.approx(0.5, abs=0.001)


def test_nothing_ever_judged_is_an_error_and_no_number() -> None:
    with pytest.raises(RewardError, match="nothing was judged yet"):
        SampleScorer("math", patience_s=0.0).score(lost())


def test_too_many_lost_stop_the_run() -> None:
    scorer = SampleScorer("math", patience_s=0.0)
    scorer.score(judged(RIGHT))

    def lose_forty() -> None:
        for _ in range(40):
            scorer.score(lost())

    with pytest.raises(RewardError, match="could not be judged"):
        lose_forty()


@pytest.mark.parametrize(("policy", "reward"), [("zero", 0.0), ("raise", None)])
def test_other_policies_do_as_they_say(policy: str, reward: float | None) -> None:
    scorer = SampleScorer("math", on_failure=policy)  # type: ignore[arg-type]
    if reward is None:
        with pytest.raises(RewardError, match="bad_reference"):
            scorer.score(lost())
    else:
        assert scorer.score(lost()).reward == reward


def test_mask_is_refused_where_no_trainer_could_tell_it_from_a_reward() -> None:
    with pytest.raises(UsageError, match="mask"):
        SampleScorer("math", on_failure="mask")
    with pytest.raises(UsageError, match="mask"):
        BatchScorer("math", on_failure="mask")


def test_whole_groups_at_once_get_their_means() -> None:
    samples = [judged(RIGHT, "a"), lost("a"), judged(WRONG, "a"), lost("b"), judged(WRONG, "b")]
    rewards, scored = BatchScorer("math", max_not_judged=None).score(samples)
    assert rewards == [1.0, 0.5, 0.0, 0.0, 0.0]
    assert [each.valid for each in scored] == [True, False, True, False, True]


def test_a_name_that_comes_again_in_the_next_epoch_is_a_new_group() -> None:
    stand_ins = StandIns(group_size=2)
    stand_ins.note("p", 1.0)
    stand_ins.note("p", 1.0)
    assert stand_ins.mean(stand_ins.note("p", 0.0)) == 0.0


def test_what_raises_in_a_teacher_costs_no_other_sample(tmp_path: Path) -> None:
    (tmp_path / "flaky.py").write_text(
        "from verifiers.teacher import teacher\n"
        "@teacher(version='1')\n"
        "def flaky(sample, options=None):\n"
        "    if 'boom' in sample.completion: raise ValueError('boom')\n"
        "    if 'hang' in sample.completion:\n"
        "        while True: pass\n"
        "    return 1.0\n"
        "CASES = []\n"
    )
    scorer = SampleScorer(f"{tmp_path}/flaky.py", group_size=4, patience_s=5, deadline_s=0.5, max_not_judged=None)
    texts = ["ok", "boom", "hang", "fine"]

    async def ask() -> list[tuple[float | None, str]]:
        found = await asyncio.gather(*(scorer.ascore(Sample(text, "p")) for text in texts))
        return [(each.reward, each.status) for each in found]

    assert asyncio.run(ask()) == [
        (1.0, "correct"),
        (1.0, "failed"),
        (1.0, "deadline_exceeded"),
        (1.0, "correct"),
    ]


@pytest.mark.parametrize(
    ("query", "prompt", "completion"),
    [
        ("Q: 1+1? A: 2", "Q: 1+1? A:", " 2"),
        ("<s>Q: 1+1? A: 2", "Q: 1+1? A:", " 2"),
        ("Q:  1+1?\nA: 2", "Q: 1+1? A:", " 2"),
        ("x" * 64 + "2", "head " + "x" * 64, "2"),
        ("something else", "Q: 1+1? A:", None),
        ("Q", "Q: 1+1? A:", None),
    ],
)
def test_a_completion_is_cut_out_of_a_query(query: str, prompt: str, completion: str | None) -> None:
    assert completion_of(query, prompt) == completion


@pytest.mark.parametrize(
    ("text", "left"),
    [("2<|im_end|>\n<|endoftext|>", "2"), ("2</s></s>", "2"), ("2 ", "2 "), ("</s>", ""), ("a</s>b", "a</s>b")],
)
def test_special_tokens_at_the_end_are_cut_off(text: str, left: str) -> None:
    assert without_endings(text) == left


def test_padding_as_long_as_a_context_is_cut_off_too() -> None:
    assert without_endings("2" + "<|endoftext|>" * 50_000) == "2"
