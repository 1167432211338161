"""The teacher `reward_model` on tiny real models: layouts, servers, ensembles, scales, memory, TRL."""

import json
import pickle
import shutil
import subprocess
import sys
import weakref
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from rm_saved import LONG, calibrated_card, groups, rewards, saved  # noqa: E402
from rm_servers import Served, serving  # noqa: E402
from rm_tiny import CHAT, WORDS, tiny_base  # noqa: E402

from reward_models.models.reward_model import RewardModel  # noqa: E402
from reward_models.serving.engine import Ask, Marked  # noqa: E402
from reward_models.serving.local import LocalEngine, LocalSettings  # noqa: E402
from reward_models.serving.remote import remote_rm  # noqa: E402
from reward_models.serving.teacher import Options, reward_model  # noqa: E402
from verifiers.errors import OptionError  # noqa: E402
from verifiers.scoring import score  # noqa: E402
from verifiers.types import Json, Sample, Status  # noqa: E402

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("llama"), "llama", chat=CHAT)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("bert"), "bert")


def alone(path: str, samples: Sequence[Sample]) -> list[float]:
    """Score each by itself, by the stock class and nothing of ours but the tokens."""
    from transformers import AutoModelForSequenceClassification

    model = RewardModel.from_checkpoint(path)
    stock = AutoModelForSequenceClassification.from_pretrained(path).eval()
    found = []
    for each in model.encode([s.prompt for s in samples], [s.completion for s in samples]):
        with torch.no_grad():
            found.append(float(stock(input_ids=torch.tensor([each.ids])).logits[0, 0]))
    return found


@pytest.mark.parametrize("kind", ["llama", "qwen2", "mistral", "gemma", "gpt2", "bert", "modernbert", "deberta-v2"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "padded"])
def test_score_when_any_layout_then_as_the_stock_class_alone(kind: str, share: bool, tmp_path: Path):
    path = saved(tmp_path, kind)
    samples = groups()
    found = rewards(score(samples, reward_model, options={"model": path, "share_prompts": share, "max_tokens": 512}))
    assert found == pytest.approx(alone(path, samples), abs=TOLERANCE)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "mistral", "gemma"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "packed"])
def test_score_when_rows_are_packed_then_as_the_stock_class_alone(kind: str, share: bool, tmp_path: Path):
    path = saved(tmp_path, kind)
    samples = groups()
    options: dict[str, Json] = {"model": path, "share_prompts": share, "attention": "varlen", "max_tokens": 512}
    found = rewards(score(samples, reward_model, options=options))
    assert found == pytest.approx(alone(path, samples), abs=TOLERANCE)


def test_plan_when_prompts_are_long_then_a_decoder_shares_them_and_an_encoder_does_not(llama: str, bert: str):
    asks = [Ask(LONG, f"answer {n}") for n in range(8)] + [Ask("why", f"short {n}") for n in range(8)]
    for path, shares in ((llama, True), (bert, False)):
        engine = LocalEngine(path, LocalSettings())
        items = engine.prepare(asks)
        batches = engine.plan(items)
        assert sorted(index for batch in batches for index in batch) == list(range(16))
        assert (sorted(batches[0]) == list(range(8))) is shares


def test_plan_when_a_shared_row_is_too_long_then_is_cut(llama: str):
    engine = LocalEngine(llama, LocalSettings(max_tokens=64))
    asks = [Ask(LONG, " ".join(WORDS[:5])) for _ in range(9)]
    batches = engine.plan(engine.prepare(asks))
    assert sorted(index for batch in batches for index in batch) == list(range(9))
    assert len(batches) > 1


@pytest.mark.parametrize("rows_that_fit", [1, 3])
def test_run_when_memory_runs_out_then_halves_the_budget_and_says_so(
    rows_that_fit: int, bert: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    engine = LocalEngine(bert, LocalSettings())
    items = engine.prepare([Ask("why", f"answer {n}") for n in range(8)])
    real, expected = engine._outputs, engine.run(0, items)

    def tight(lane: int, items: Sequence[Any]) -> Any:
        if len(items) > rows_that_fit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(lane, items)

    monkeypatch.setattr(engine, "_outputs", tight)
    budget = engine.max_tokens
    found = engine.run(0, items)
    assert [each.outputs for each in found if isinstance(each, Marked)] == [
        pytest.approx(each.outputs, abs=TOLERANCE) for each in expected if isinstance(each, Marked)
    ]
    assert engine.max_tokens < budget
    assert "out of memory" in caplog.text


def test_run_when_memory_runs_out_then_nothing_of_a_failed_pass_is_held(bert: str, monkeypatch: pytest.MonkeyPatch):
    engine = LocalEngine(bert, LocalSettings())
    held: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def full(lane: int, items: Sequence[Any]) -> Any:
        alive.append(sum(each() is not None for each in held))
        activations = torch.zeros(4)
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(engine, "_outputs", full)
    engine.run(0, engine.prepare([Ask("why", f"answer {n}") for n in range(8)]))
    assert len(alive) == 15
    assert not any(alive)


def test_run_when_one_answer_does_not_fit_then_only_it_is_not_judged(bert: str, monkeypatch: pytest.MonkeyPatch):
    engine = LocalEngine(bert, LocalSettings())
    items = engine.prepare([Ask("why", "a"), Ask("why", LONG), Ask("why", "b")])
    real = engine._outputs

    def tight(lane: int, items: Sequence[Any]) -> Any:
        if any(len(item.encoded) > 30 for item in items):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(lane, items)

    monkeypatch.setattr(engine, "_outputs", tight)
    found = engine.run(0, items)
    assert [isinstance(each, Marked) for each in found] == [True, False, True]
    assert "max_length" in str(found[1])


def test_score_when_a_message_is_no_text_then_only_it_is_not_judged(llama: str):
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]
    found = score([Sample("a", prompt="why"), Sample("a", prompt=picture)], reward_model, options={"model": llama})
    assert found[0].reward is not None
    assert (found[1].reward, found[1].status) == (None, Status.BAD_ROW)


def test_score_when_the_prompt_is_too_long_then_is_cut_and_told(llama: str):
    (verdict,) = score([Sample("light", prompt=LONG * 9)], reward_model, options={"model": llama})
    assert verdict.parts[0].details["truncated"] is True
    assert "prompt cut to fit" in verdict.reason
    (verdict,) = score([Sample(LONG * 9, prompt="light")], reward_model, options={"model": llama})
    assert verdict.parts[0].details["response_truncated"] is True
    assert "answer's middle not read" in verdict.reason


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "model=FOLDER"),
        ({"model": "./nowhere"}, "there is no folder"),
        ({"model": "a,a"}, "each model once"),
        ({"model": "x/y", "max_tokens": -1}, "from 0"),
    ],
)
def test_options_when_they_cannot_work_then_are_refused_before_anything_is_loaded(options: dict[str, Json], told: str):
    with pytest.raises(OptionError, match=told):
        score([Sample("a")], reward_model, options=options)


def test_score_when_the_head_was_never_trained_then_is_unavailable(tmp_path: Path):
    base = tiny_base(tmp_path, "bert")
    (verdict,) = score([Sample("a", prompt="b")], reward_model, options={"model": base})
    assert (verdict.reward, verdict.status) == (None, Status.UNAVAILABLE)
    assert "not a trained reward model" in verdict.reason


def test_scores_when_raw_centred_or_calibrated_then_as_the_card_says(tmp_path: Path):
    path = saved(tmp_path, "llama")
    card = calibrated_card(path).card
    assert card is not None
    samples = groups()
    raw, centred, stars = (
        rewards(score(samples, reward_model, options={"model": path, "scores": kind}))
        for kind in ("raw", "centred", "calibrated")
    )
    assert centred == pytest.approx([(each - card.mean) / card.std for each in raw])
    assert all(1 <= each <= 5 for each in stars)
    ranked = sorted(range(len(raw)), key=raw.__getitem__)
    assert all(stars[a] <= stars[b] + 1e-9 for a, b in pairwise(ranked))


def test_scores_when_the_card_has_no_calibration_then_says_what_to_run(llama: str):
    (verdict,) = score([Sample("a", prompt="b")], reward_model, options={"model": llama, "scores": "calibrated"})
    assert verdict.reward is None
    assert "verify rm eval" in verdict.reason


def test_ensemble_when_members_differ_then_disagreement_is_in_the_parts(tmp_path: Path):
    one, two = saved(tmp_path, "bert", seed=1), saved(tmp_path, "bert", seed=2)
    samples = groups(size=2)
    singles = [rewards(score(samples, reward_model, options={"model": path})) for path in (one, two)]
    options: dict[str, Json] = {"model": f"{one},{two}", "penalty": 2.0}
    mean, least, lower = (
        score(samples, reward_model, options={**options, "combine": how}) for how in ("mean", "min", "lower")
    )
    for index, (a, b) in enumerate(zip(*singles, strict=True)):
        spread = abs(a - b) / 2**0.5
        assert mean[index].reward == pytest.approx((a + b) / 2, abs=TOLERANCE)
        assert least[index].reward == pytest.approx(min(a, b), abs=TOLERANCE)
        assert lower[index].reward == pytest.approx((a + b) / 2 - 2 * spread, abs=TOLERANCE)
        assert [part.name for part in mean[index].parts] == ["bert-1", "bert-2", "disagreement"]
        assert mean[index].parts[2].reward == pytest.approx(spread, abs=TOLERANCE)


def test_compose_when_rules_gate_a_reward_model_then_both_count(llama: str):
    plan = {
        "how": "weighted",
        "total": "sum",
        "teachers": [
            {"teacher": "format", "gate": 1.0},
            {"teacher": "reward_model", "weight": 1.0, "set": {"model": llama}},
            {"teacher": "numeric", "weight": 2.0},
        ],
    }
    good = "<think>12 and 30 make 42, since 12 + 30 = 42.</think>\n<answer>42</answer>"
    samples = [Sample(good, prompt="12+30", reference="42"), Sample("42", prompt="12+30", reference="42")]
    both, shut = score(samples, "compose", options={"compose": json.dumps(plan)})
    assert shut.reward == 0.0
    model = next(part for part in both.parts if part.name == "reward_model")
    assert both.reward == pytest.approx((model.reward or 0.0) + 2.0, abs=TOLERANCE)


@pytest.mark.parametrize("kind", ["vllm", "sglang", "tei", "openrlhf"])
@pytest.mark.parametrize("body", ["llama", "bert"])
def test_remote_when_the_server_runs_the_checkpoint_then_agrees_with_the_teacher(kind: str, body: str, tmp_path: Path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    path = saved(tmp_path, body, chat=CHAT if body == "llama" else "")
    stock = AutoModelForSequenceClassification.from_pretrained(path).eval()
    tokenizer = AutoTokenizer.from_pretrained(path)

    def of_ids(ids: Sequence[int]) -> float:
        with torch.no_grad():
            return float(stock(input_ids=torch.tensor([list(ids)])).logits[0, 0])

    def of_text(text: str) -> float:
        return of_ids(tokenizer(text)["input_ids"])

    samples = groups(size=2)
    with serving(Served(kind, of_text, of_ids if kind in ("vllm", "sglang") else None)) as served:
        found = score(samples, remote_rm, options={"url": served.url, "model": path, "batch": 4})
        assert rewards(found) == pytest.approx(alone(path, samples), abs=TOLERANCE)
        with_sigmoid = Served(kind, of_text, of_ids, after=lambda x: float(torch.sigmoid(torch.tensor(x))))
    with serving(with_sigmoid) as served:
        (refused,) = score(samples[:1], remote_rm, options={"url": served.url, "model": path})
    assert refused.reward is None
    assert "sigmoid" in refused.reason


def verify(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "verifiers", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_command_when_a_file_is_scored_then_rows_have_rewards(llama: str, tmp_path: Path):
    rows = [{"prompt": sample.prompt, "completion": sample.completion} for sample in groups(size=2)]
    source = tmp_path / "answers.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = verify("score", "--task", "reward_model", "--set", f"model={llama}", source, "-o", "-", "-q")
    found = [json.loads(line)["reward"] for line in out.splitlines()]
    assert found == pytest.approx(alone(llama, groups(size=2)), abs=TOLERANCE)


@pytest.mark.parametrize("shape", ["pairs", "scored"])
def test_loop_when_scores_of_a_teacher_train_a_model_then_it_scores_as_that_teacher(shape: str, tmp_path: Path):
    answers = tmp_path / "answers.jsonl"
    right, wrong = "birds sing at dawn", "water runs down to sea"
    rows = [
        {"prompt": f"why {WORDS[n]}", "completion": one, "answer": right} for n in range(12) for one in (right, wrong)
    ]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    scored, pairs, model = tmp_path / "scored.jsonl", tmp_path / "pairs.jsonl", tmp_path / "my-rm"
    verify("score", "--task", "qa", answers, "-o", scored, "-q")
    verify("pairs", scored, "-o", pairs)
    base = tiny_base(tmp_path, "llama", CHAT)
    verify("rm", "train", pairs if shape == "pairs" else scored, "--base", base, "-o", model, "-q")
    found = score(
        [Sample(one, prompt="why not") for one in (right, wrong)], reward_model, options={"model": str(model)}
    )
    better, worse = rewards(found)
    assert better > worse


def test_teacher_when_pickled_then_the_copy_scores_the_same(bert: str):
    teacher = reward_model.build(Options(model=(bert,)))
    sample = Sample("light", prompt="why")
    first = teacher.score([sample])[0].reward
    assert pickle.loads(pickle.dumps(teacher)).score([sample])[0].reward == first


def test_score_when_a_message_has_no_role_then_only_that_row_is_bad(llama: str):
    samples = [Sample("a", prompt="p"), Sample("b", prompt=[{"content": "p"}]), Sample("c", prompt=[{"role": 5}])]
    found = [each.status for each in score([*samples, Sample("d", prompt="p")], reward_model, options={"model": llama})]
    assert found == [Status.PARTIAL, Status.BAD_ROW, Status.BAD_ROW, Status.PARTIAL]


def replaced(path: Path, by: str) -> None:
    """Put another model where one is, as training in the same folder does."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(by, path)


@pytest.mark.parametrize("task", ["reward_model", "compose"])
def test_score_when_a_model_is_trained_anew_in_its_folder_then_the_new_one_scores(bert: str, tmp_path: Path, task: str):
    other, mine = saved(tmp_path, "bert", seed=1), tmp_path / "my-rm"
    sample = Sample("light scatters", prompt="why")

    def one(model: str) -> float | None:
        plan = json.dumps({"how": "max", "teachers": [{"teacher": "reward_model", "set": {"model": model}}]})
        return score([sample], task, options={"compose": plan} if task == "compose" else {"model": model})[0].reward

    replaced(mine, bert)
    assert one(str(mine)) == one(bert)
    replaced(mine, other)
    assert one(str(mine)) == one(other) not in (None, one(bert))


def test_resume_when_a_model_is_trained_anew_in_its_folder_then_refused(bert: str, tmp_path: Path):
    other, mine = saved(tmp_path, "bert", seed=1), tmp_path / "my-rm"
    source, output = tmp_path / "answers.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"prompt": "why", "completion": word}) + "\n" for word in WORDS[:4]))
    arguments = ("score", "--task", "reward_model", "--set", f"model={mine}", source, "-o", output, "-q", "--resume")
    replaced(mine, bert)
    verify(*arguments)
    output.write_bytes(b"".join(output.read_bytes().splitlines(keepends=True)[:2]))
    replaced(mine, other)
    command = [sys.executable, "-m", "verifiers", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, len(output.read_bytes().splitlines())) == (2, 2)
    assert f"{mine} has changed since" in done.stderr


def test_stamp_when_models_are_folders_then_each_is_in_it(bert: str, llama: str, tmp_path: Path):
    both = reward_model.build(Options(model=(bert, llama, "org/name")))
    first = both.stamp()
    assert [line.rpartition(" ")[0] for line in first.splitlines()] == [bert, llama]
    mine = tmp_path / "mine"
    replaced(mine, bert)
    server = remote_rm.build(remote_rm.options(url="http://127.0.0.1:1", model=str(mine)))
    whole = reward_model.build(Options(model=(str(mine),)))
    before = server.stamp(), whole.stamp()
    weights = mine / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b"0")
    assert (server.stamp(), whole.stamp() == before[1]) == (before[0], False)
    (mine / "rm_card.json").write_text("{}")
    assert server.stamp() != before[0]
    assert remote_rm.build(remote_rm.options(url="http://127.0.0.1:1")).stamp() == ""
    assert both.stamp() == first


def test_stamp_when_adapters_stand_on_a_base_in_a_folder_then_the_base_is_in_it(bert: str, tmp_path: Path):
    base, adapters = tmp_path / "base", tmp_path / "adapters"
    adapters.mkdir()
    (adapters / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    found = []
    for wanted in (bert, saved(tmp_path, "bert", seed=1)):
        replaced(base, wanted)
        found.append(reward_model.build(Options(model=(str(adapters),))).stamp())
    assert found[0] != found[1]
