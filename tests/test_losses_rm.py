"""Every loss against numbers worked by hand, its gradient, and labels that are not there."""

import math

import pytest

torch = pytest.importorskip("torch")

from reward_models.batching.cutpoints import Cutpoints  # noqa: E402
from reward_models.batching.labels import LabelMaker, Labels  # noqa: E402
from reward_models.batching.scale import StarScale  # noqa: E402
from reward_models.data.labels import relabelled  # noqa: E402
from reward_models.data.raters import Raters  # noqa: E402
from reward_models.losses.base import Loss  # noqa: E402
from reward_models.losses.ordinal import Ordinal  # noqa: E402
from reward_models.losses.registry import LOSSES, build_loss, candidates, check_fits, fitting  # noqa: E402
from reward_models.losses.wrappers import Centred, MultiAspect  # noqa: E402
from reward_models.training.building import shares  # noqa: E402
from reward_models.training.material import Material  # noqa: E402
from reward_models.types import Answer, Preference, RatedPrompt, Rating  # noqa: E402
from verifiers.errors import UsageError  # noqa: E402

pytestmark = pytest.mark.trainers

UNIT = StarScale(0.0, 1.0, (0.0, 1.0, 2.0))


def log1pexp(x: float) -> float:
    return math.log1p(math.exp(x))


def labels_of(*prompts: RatedPrompt, scale: StarScale = UNIT) -> Labels:
    answers = [(p, a) for p, prompt in enumerate(prompts) for a in range(len(prompt.answers))]
    return LabelMaker(prompts, scale)(answers)


def rated(*stars: float | None) -> RatedPrompt:
    return RatedPrompt("q", tuple(Answer("a", stars=s) for s in stars))


def preferred(*preferences: Preference, answers: int = 2) -> RatedPrompt:
    return RatedPrompt("q", tuple(Answer("a") for _ in range(answers)), preferences)


def value(name: str, scores: list[float], labels: Labels) -> float:
    outputs = torch.tensor(scores, dtype=torch.float32)[:, None]
    return float(build_loss(name, UNIT)(outputs, labels).loss)


# Scores 2, 1; stars 2, 0.5: d = 1, margin 1.5.
ONE_PAIR = [
    ("bt", log1pexp(-1.0)),
    ("margin", log1pexp(-1.0 + 1.5)),
    ("scaled", 1.5 * log1pexp(-1.0)),
    ("soft", log1pexp(-1.0)),
    ("mse", (0.0**2 + 0.5**2) / 2),
    ("huber", (0.0 + 0.5 * 0.25) / 2),
    ("cross", log1pexp(-1.0)),
    ("joint", log1pexp(-1.0) + 0.5 * 0.125),
]


@pytest.mark.parametrize(("name", "expected"), ONE_PAIR)
def test_loss_when_one_pair_then_as_worked_by_hand(name: str, expected: float):
    assert value(name, [2.0, 1.0], labels_of(rated(2.0, 0.5))) == pytest.approx(expected, rel=1e-6)


# Equal stars: only losses that know ties say something. d = 1.
TIE = [
    ("bt", 0.0),
    ("margin", 0.0),
    ("scaled", 0.0),
    ("soft", 0.5 * log1pexp(-1.0) + 0.5 * log1pexp(1.0)),
    ("cross", 0.5 * log1pexp(-1.0) + 0.5 * log1pexp(1.0)),
]


@pytest.mark.parametrize(("name", "expected"), TIE)
def test_loss_when_tied_then_only_soft_ones_use_it(name: str, expected: float):
    assert value(name, [2.0, 1.0], labels_of(rated(1.0, 1.0))) == pytest.approx(expected, rel=1e-6)


def test_soft_when_two_of_three_votes_then_cross_entropy_of_the_share():
    labels = labels_of(preferred(Preference(1, 0, probability=2 / 3)))
    expected = 2 / 3 * log1pexp(-0.4) + 1 / 3 * log1pexp(0.4)
    assert value("soft", [0.1, 0.5], labels) == pytest.approx(expected, rel=1e-6)
    # Hard losses take the majority.
    assert value("bt", [0.1, 0.5], labels) == pytest.approx(log1pexp(-0.4), rel=1e-6)


def test_margin_when_not_told_then_plain_bradley_terry():
    labels = labels_of(preferred(Preference(0, 1)))
    plain = value("bt", [0.3, 0.1], labels)
    assert value("margin", [0.3, 0.1], labels) == pytest.approx(plain)
    assert value("scaled", [0.3, 0.1], labels) == pytest.approx(plain)


def test_huber_when_far_off_then_linear():
    assert value("huber", [3.5], labels_of(rated(0.0))) == pytest.approx(3.5 - 0.5)


def test_cross_when_prompts_differ_then_all_pairs_count():
    # Scores 2, 1, 0 for stars 2, 0, 1 of three prompts: d = 1 right, 2 right, 1 wrong.
    expected = (log1pexp(-1.0) + log1pexp(-2.0) + log1pexp(1.0)) / 3
    labels = labels_of(rated(2.0), rated(0.0), rated(1.0))
    assert value("cross", [2.0, 1.0, 0.0], labels) == pytest.approx(expected, rel=1e-6)
    assert value("bt", [2.0, 1.0, 0.0], labels) == 0.0


def test_ordinal_when_three_levels_then_as_worked_by_hand():
    loss = Ordinal(3)
    # Untrained cutpoints: evenly over a width of 4, at -1 and 1.
    assert loss.cutpoints().tolist() == pytest.approx([-1.0, 1.0], abs=1e-5)
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    probabilities = [1 - sigmoid(1.5), sigmoid(1.5) - sigmoid(-0.5), sigmoid(-0.5)]
    outputs = torch.tensor([[0.5]])
    assert loss.probabilities(outputs)[0].tolist() == pytest.approx(probabilities, rel=1e-4)
    assert loss(outputs, labels_of(rated(1.0))).loss.item() == pytest.approx(-math.log(probabilities[1]), rel=1e-4)
    # Halfway between two levels: half of each.
    halves = -0.5 * math.log(probabilities[1]) - 0.5 * math.log(probabilities[2])
    assert loss(outputs, labels_of(rated(1.5))).loss.item() == pytest.approx(halves, rel=1e-4)


def test_ordinal_when_scores_are_extreme_then_loss_and_gradient_are_finite():
    outputs = torch.tensor([[200.0], [-200.0], [90.0]], requires_grad=True)
    result = Ordinal(3)(outputs, labels_of(rated(0.0, 2.0, 1.0)))
    result.loss.backward()
    # -log P(level 0 | 200) is 200 - cut_0 = 201; level 1 at 90 is 90 - 1; so nothing is clipped.
    assert result.loss.item() == pytest.approx((201 + 201 + 89 - math.log(1 - math.exp(-2))) / 3, rel=1e-3)
    assert outputs.grad[:, 0].tolist() == pytest.approx([1 / 3, -1 / 3, 1 / 3], rel=1e-3)


def test_ordinal_when_trained_alone_then_cutpoints_give_the_shares_of_the_levels():
    loss, labels = Ordinal(3), labels_of(*[rated(0.0)] * 5, *[rated(1.0)] * 3, *[rated(2.0)] * 2)
    optimizer = torch.optim.LBFGS(loss.parameters(), max_iter=100)
    outputs = torch.zeros(10, 1)

    def closure():
        optimizer.zero_grad()
        result = loss(outputs, labels).loss
        result.backward()
        return result

    optimizer.step(closure)
    assert loss.probabilities(outputs)[0].tolist() == pytest.approx([0.5, 0.3, 0.2], abs=1e-3)


@pytest.mark.parametrize("centring", [0.0, 0.1])
def test_cutpoints_when_scores_are_rescaled_then_give_the_losss_own_probabilities(centring: float):
    loss = build_loss("ordinal", UNIT, centring=centring)
    cuts = loss.cutpoints()
    assert cuts is not None
    scores = torch.tensor([[-40.0], [-0.7], [0.3], [2.0]])
    card = Cutpoints(UNIT.levels, tuple(cuts.tolist())).rescaled(mean=0.5, std=3.0)
    for score, expected in zip(scores[:, 0].tolist(), loss.probabilities(scores).tolist(), strict=True):
        found = card.probabilities((score - 0.5) / 3.0)
        assert list(found) == ["p_0", "p_1", "p_2"]
        assert list(found.values()) == pytest.approx(expected, abs=1e-6)
        assert sum(found.values()) == pytest.approx(1.0)
    assert build_loss("joint", UNIT, centring=centring).cutpoints() is None


@pytest.mark.parametrize("cuts", [(0.0,), (0.0, math.nan)])
def test_cutpoints_when_they_do_not_fit_the_stars_then_are_refused(cuts: tuple[float, ...]):
    with pytest.raises(ValueError, match="one fewer than the stars"):
        Cutpoints(UNIT.levels, cuts)


def test_centred_when_pairs_then_as_trl_adds_it():
    result = Centred(build_loss("bt", UNIT), 0.01)(torch.tensor([[2.0], [1.0]]), labels_of(rated(2.0, 0.5)))
    assert result.loss.item() == pytest.approx(log1pexp(-1.0) + 0.01 * 9.0, rel=1e-6)
    assert float(result.terms["centring"].mean()) == pytest.approx(9.0)
    alone = Centred(build_loss("mse", UNIT), 0.1)(torch.tensor([[2.0]]), labels_of(rated(2.0)))
    assert alone.loss.item() == pytest.approx(0.1 * 16.0)


def test_aspects_when_weighted_then_each_output_learns_its_own():
    scale = StarScale(0.0, 1.0, (), {"help": StarScale(), "safe": StarScale()})
    prompt = RatedPrompt("q", (Answer("a", aspects={"help": 2.0, "safe": 1.0}), Answer("b", aspects={"help": 0.0})))
    labels = labels_of(prompt, scale=scale)
    loss = build_loss("joint", scale, aspects={"help": 0.75, "safe": 0.25})
    outputs = torch.tensor([[1.0, 1.0], [0.0, 5.0]], requires_grad=True)
    result = loss(outputs, labels)
    # help: pair d = 1, errors (1, 0); safe: one answer only, error 0; no overall stars.
    assert result.loss.item() == pytest.approx(0.75 * (log1pexp(-1.0) + 0.5 * 0.5), rel=1e-6)
    assert loss.scores(outputs).tolist() == pytest.approx([1.0, 1.25])
    result.loss.backward()
    assert outputs.grad[1, 1] == 0.0


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("labels", [labels_of(rated(None, None)), labels_of(preferred(Preference(0, 1)))])
def test_loss_when_labels_are_absent_then_finite_with_finite_gradient(name: str, labels: Labels):
    outputs = torch.tensor([[300.0], [-300.0]], requires_grad=True)
    result = build_loss(name, UNIT, centring=0.0)(outputs, labels)
    result.loss.backward()
    assert math.isfinite(result.loss.item())
    assert bool(outputs.grad.isfinite().all())


@pytest.mark.parametrize("name", LOSSES)
def test_loss_when_descended_then_order_and_stars_are_learned(name: str):
    labels = labels_of(rated(2.0, 0.0, 1.0), rated(1.0, 2.0, None))
    outputs, loss = torch.zeros(6, 1, requires_grad=True), build_loss(name, UNIT)
    optimizer = torch.optim.Adam([outputs, *loss.parameters()], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss(outputs, labels).loss.backward()
        optimizer.step()
    scores = loss.scores(outputs).tolist()
    assert scores[0] > scores[2] > scores[1]
    assert scores[4] > scores[3]
    assert scores[5] == 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_loss_when_the_batch_is_shuffled_then_the_same(name: str):
    prompts = [rated(2.0, 0.0, 1.0), rated(1.0, 2.0), preferred(Preference(1, 0, 0.7))]
    order = [(1, 0), (0, 2), (2, 1), (0, 0), (1, 1), (2, 0), (0, 1)]
    score = {answer: 0.3 * n - 1 for n, answer in enumerate(sorted(order))}
    maker, loss = LabelMaker(prompts, UNIT), build_loss(name, UNIT)
    first, second = (
        loss(torch.tensor([[score[answer]] for answer in answers]), maker(answers)).loss
        for answers in (order, sorted(order))
    )
    assert first.item() == pytest.approx(second.item(), rel=1e-5)


def uneven() -> list[RatedPrompt]:
    """Prompts with one answer and with several, ties, unlike weights, aspects, preferences, and no labels at all."""
    weighed = [
        Answer("a", stars=s, weight=w, aspects={"help": s, "safe": 2.0 - s / 3}) for s, w in ((2.0, 0.1), (0.0, 9.0))
    ]
    return [
        RatedPrompt("p", (*weighed, Answer("b", stars=0.0, weight=3.0))),
        rated(1.0),
        preferred(Preference(1, 0, 0.7, weight=4.0)),
        rated(1.0, 1.0, 2.0, 0.0),
        rated(None),
        rated(2.0),
    ]


ADDING = sorted(LOSSES.keys() - {"cross"})
WITH_ASPECTS = [(name, {"help": 0.75, "safe": 0.25}) for name in ADDING if name != "ordinal"]


@pytest.mark.parametrize("centring", [0.0, 0.1])
@pytest.mark.parametrize(("name", "aspects"), [*((name, {}) for name in ADDING), *WITH_ASPECTS])
def test_loss_when_a_batch_is_cut_between_prompts_then_its_parts_add_up_to_the_whole(
    name: str, centring: float, aspects: dict[str, float]
):
    prompts = uneven()
    scale = StarScale(0.0, 1.0, (0.0, 1.0, 2.0), {each: StarScale() for each in aspects})
    answers = [(p, a) for p, prompt in enumerate(prompts) for a in range(len(prompt.answers))]
    maker, loss = LabelMaker(prompts, scale), build_loss(name, scale, centring=centring, aspects=aspects)
    outputs = torch.linspace(-2, 2, len(answers) * loss.num_outputs).reshape(len(answers), -1).requires_grad_()
    whole = loss(outputs, maker(answers))
    weights = {each: term.weight for each, term in whole.terms.items()}
    gradient = torch.autograd.grad(whole.loss, outputs)[0]
    for parts in ([range(3), range(3, 12)], [range(6), range(6, 10), range(10, 12)]):
        found = [loss(outputs[list(part)], maker([answers[n] for n in part])) for part in parts]
        total = sum(each.part_of(weights) for each in found)
        assert total.item() == pytest.approx(whole.loss.item(), rel=1e-5)
        assert torch.allclose(torch.autograd.grad(total, outputs)[0], gradient, atol=1e-6)
        assert all(sum(e.terms[t].weight.item() for e in found) == pytest.approx(weights[t].item()) for t in weights)


def test_aspects_when_each_output_is_its_own_stars_then_the_score_is_the_label_whatever_the_scales():
    rows = [(0.0, 60.0), (4.0, 100.0), (1.0, 0.0), (3.0, 20.0)]
    weights = {"help": 0.75, "safe": 0.25}
    answers = [Answer("a", ratings=(Rating(h, aspect="help"), Rating(s, aspect="safe"))) for h, s in rows]
    prompts = relabelled([RatedPrompt("q", tuple(answers))], weights, {})
    scale = StarScale.fit(prompts)
    labels = labels_of(*prompts, scale=scale)
    factors = shares(Material(prompts, [], weights, "", "", Raters()), scale)
    loss = build_loss("mse", scale, aspects=factors)
    assert loss(labels.aspects_NA, labels).loss.item() == pytest.approx(0.0, abs=1e-10)
    assert loss.scores(labels.aspects_NA).tolist() == pytest.approx(labels.stars_N.tolist(), abs=1e-6)


def test_of_aspect_when_answers_weigh_then_so_do_their_pairs():
    scale = StarScale(aspects={"help": StarScale()})
    answers = [Answer("a", stars=s, aspects={"help": s}, weight=w) for s, w in ((1.0, 100.0), (2.0, 1.0), (3.0, 4.0))]
    labels = labels_of(RatedPrompt("q", tuple(answers)), scale=scale)
    assert labels.of_aspect(0).weight_K.tolist() == pytest.approx(labels.weight_K.tolist())
    assert sorted(labels.weight_K.tolist()) == pytest.approx([1.0, 5.0, 10.0])


CANDIDATES = [
    ([rated(1.0, 2.0), rated(3.0)], ("joint",)),
    ([rated(1.0), rated(3.0, None)], ("mse", "ordinal")),
    ([preferred(Preference(0, 1))], ("soft",)),
    ([rated(1.0), preferred(Preference(0, 1))], ("joint",)),
]


@pytest.mark.parametrize(("prompts", "expected"), CANDIDATES)
def test_candidates_when_auto_then_by_what_the_data_holds(prompts: list[RatedPrompt], expected: tuple[str, ...]):
    assert candidates(prompts) == expected


@pytest.mark.parametrize(
    "prompts",
    [
        [rated(1.0, 2.0), rated(3.0)],
        [rated(1.0), rated(3.0)],
        [rated(1.0, 1.0), rated(3.0, None)],
        [rated(2.0, 2.0), rated(2.0)],
        [rated(2.0, 2.0), preferred(Preference(0, 1))],
        [preferred(Preference(0, 1))],
        [preferred(Preference(0, 1, probability=0.5))],
    ],
)
def test_fitting_when_asked_then_names_the_losses_that_move_equal_scores_apart(prompts: list[RatedPrompt]):
    scale = StarScale.fit(prompts)
    learns = []
    for name in LOSSES:
        if name == "ordinal" and len(scale.levels) < 2:
            continue
        labels = labels_of(*prompts, scale=scale)
        outputs_N1 = torch.zeros(len(labels.stars_N), 1, requires_grad=True)
        build_loss(name, scale)(outputs_N1, labels).loss.backward()
        if float(outputs_N1.grad.max() - outputs_N1.grad.min()) > 1e-6:
            learns.append(name)
    assert fitting(prompts) == tuple(learns)


@pytest.mark.parametrize(
    ("name", "prompts", "told"),
    [
        ("mse", [preferred(Preference(0, 1))], "no two ratings differ. Allowed: bt, margin, scaled, soft, joint, auto"),
        ("bt", [rated(1.0), rated(3.0)], "no prompt has two .* Allowed: mse, huber, ordinal, cross, joint, auto"),
        ("auto", [rated(2.0, 2.0), rated(2.0)], "nothing to learn from: of 3 answers, no two differ in rating"),
    ],
)
def test_check_fits_when_a_loss_would_learn_a_constant_then_refuses_and_names_others(
    name: str, prompts: list[RatedPrompt], told: str
):
    with pytest.raises(UsageError, match=told):
        check_fits(name, prompts)
    check_fits("auto", [*prompts, rated(1.0, 2.0)])


@pytest.mark.parametrize(
    ("name", "aspects", "told"),
    [
        ("hinge", None, "bt, margin"),
        ("ordinal", None, "2 levels"),
        ("joint", {"safe": 1.0}, "the data has"),
        ("ordinal", {"safe": 1.0}, "one scale"),
    ],
)
def test_build_when_it_cannot_be_then_says_what_is_allowed(name: str, aspects: dict | None, told: str):
    scale = UNIT if aspects and name == "ordinal" else StarScale()
    with pytest.raises(UsageError, match=told):
        build_loss(name, scale, aspects=aspects)


def test_aspects_when_weights_are_negative_then_refused():
    with pytest.raises(UsageError, match="above 0"):
        MultiAspect(build_loss("mse", UNIT), ["a"], [-1.0])


def test_base_when_not_filled_in_then_cannot_be_built():
    with pytest.raises(TypeError, match="abstract"):
        Loss()
