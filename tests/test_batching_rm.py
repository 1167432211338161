"""Labels of a batch: pairs from stars and stated preferences, weights, aspects; collated chunks."""

import math

import pytest

torch = pytest.importorskip("torch")

from reward_models.batching.collate import Collator, Item  # noqa: E402
from reward_models.batching.labels import LabelMaker, Labels  # noqa: E402
from reward_models.batching.scale import StarScale  # noqa: E402
from reward_models.models.layout import padded  # noqa: E402
from reward_models.types import Answer, Preference, RatedPrompt  # noqa: E402

pytestmark = pytest.mark.trainers


def prompt(*stars: float | None, preferences: tuple[Preference, ...] = (), weight: float = 1.0) -> RatedPrompt:
    return RatedPrompt("q", tuple(Answer("a", stars=s, weight=weight) for s in stars), preferences)


def make(prompts: list[RatedPrompt], scale: StarScale | None = None) -> Labels:
    answers = [(p, a) for p, one in enumerate(prompts) for a in range(len(one.answers))]
    return LabelMaker(prompts, scale or StarScale())(answers)


def pairs_of(labels: Labels) -> dict[tuple[int, int], float]:
    return {(i, j): p for (i, j), p in zip(labels.pairs_K2.tolist(), labels.p_K.tolist(), strict=True)}


def test_labels_when_stars_then_all_pairs_within_a_prompt_and_none_between():
    labels = make([prompt(3.0, 1.0, 3.0), prompt(5.0), prompt(2.0, None)])
    assert pairs_of(labels) == {(0, 1): 1.0, (0, 2): 0.5, (2, 1): 1.0}
    assert labels.margin_K.tolist() == [2.0, 0.0, 2.0]
    assert labels.stars_N.isnan().tolist() == [False] * 5 + [True]


def test_labels_when_prompts_differ_in_size_then_each_counts_by_its_answers():
    labels = make([prompt(1.0, 2.0), prompt(1.0, 2.0, 3.0, 4.0)])
    by_prompt = [
        float(labels.weight_K[labels.pairs_K2[:, 0] < 2].sum()),
        float(labels.weight_K[labels.pairs_K2[:, 0] >= 2].sum()),
    ]
    assert by_prompt == pytest.approx([1.0, 2.0])


def test_labels_when_a_preference_is_stated_then_it_replaces_the_pair_of_stars():
    stated = Preference(1, 0, probability=0.75, margin=1.0, weight=3.0)
    labels = make([prompt(3.0, 1.0, 2.0, preferences=(stated,))], StarScale(2.0, 0.5))
    assert pairs_of(labels) == {(0, 2): 1.0, (2, 1): 1.0, (1, 0): 0.75}
    assert labels.margin_K.tolist() == [2.0, 2.0, 2.0]
    assert labels.weight_K.tolist() == pytest.approx([0.5, 0.5, 1.5])


def test_labels_when_the_mean_margin_is_against_the_majority_then_it_is_0():
    labels = make([prompt(None, None, preferences=(Preference(0, 1, probability=0.75, margin=-1.0),))])
    assert labels.margin_K.tolist() == [0.0]


def test_labels_when_rejected_is_likelier_better_then_the_pair_is_turned():
    labels = make([prompt(None, None, preferences=(Preference(0, 1, probability=0.2),))])
    assert pairs_of(labels) == {(1, 0): pytest.approx(0.8)}
    assert math.isnan(labels.margin_K[0])


def test_labels_when_a_prompt_is_cut_then_preferences_of_absent_answers_are_left_out():
    maker = LabelMaker([prompt(None, None, None, preferences=(Preference(0, 1), Preference(2, 1)))], StarScale())
    assert pairs_of(maker([(0, 1), (0, 2)])) == {(1, 0): 1.0}


def test_labels_when_answers_weigh_then_pairs_weigh_by_both():
    labels = make([prompt(1.0, 2.0, weight=4.0)])
    assert labels.weight_N.tolist() == [4.0, 4.0]
    assert labels.weight_K.tolist() == [4.0]


def test_labels_when_aspects_then_pairs_are_formed_from_each():
    scale = StarScale(aspects={"help": StarScale(1.0, 2.0), "safe": StarScale()})
    answers = (Answer("a", aspects={"help": 5.0}), Answer("b", aspects={"safe": 1.0, "help": 1.0}))
    labels = make([RatedPrompt("q", answers)], scale)
    assert labels.aspects_NA[:, 0].tolist() == [2.0, 0.0]
    assert pairs_of(labels.of_aspect(0)) == {(0, 1): 1.0}
    assert pairs_of(labels.of_aspect(1)) == {}
    assert pairs_of(labels) == {}


def test_labels_when_empty_then_tensors_are_empty():
    labels = LabelMaker([], StarScale())([])
    assert labels.pairs_K2.shape == (0, 2)
    assert labels.stars_N.shape == (0,)


def test_collator_when_lengths_differ_then_chunks_cover_the_batch_in_its_order():
    items = [Item([7] * n, 0, a) for a, n in enumerate([300, 4, 5, 290])]
    maker = LabelMaker([prompt(1.0, 2.0, 3.0, 4.0)], StarScale())
    batch = Collator(maker, lambda sequences: padded(sequences, pad_id=0))(items)
    assert [chunk["place"].tolist() for chunk in batch["chunks"]] == [[1, 2], [3, 0]]
    assert [tuple(chunk["inputs"]["input_ids"].shape) for chunk in batch["chunks"]] == [(2, 5), (2, 300)]
    assert int(batch["tokens"]) == 599
    assert Labels.of(batch["labels"]).to("cpu").stars_N.tolist() == [1.0, 2.0, 3.0, 4.0]
    together = Collator(maker, lambda sequences: padded(sequences, pad_id=0), together=True)(items)
    assert [chunk["place"].tolist() for chunk in together["chunks"]] == [[0, 1, 2, 3]]
