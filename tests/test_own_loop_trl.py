"""The own loop on a tiny model: it learns, stops in time, trains an adapter, and leaves alone what was not judged."""

import ast
from pathlib import Path
from typing import Any

import pytest

from verifiers.errors import UsageError

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

ROWS = [{"prompt": f"{a}{b}=", "reference": str(a)} for a in range(4) for b in range(4)]
MAX_TORCH_LINES = 150


def setting(**more: Any) -> tuple[Any, Any, Any]:
    import torch

    from grpo_bridge.loop.settings import LoopConfig
    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    torch.set_num_threads(1)
    tokenizer = tiny_tokenizer([row["prompt"] for row in ROWS], 8)
    fields = {"steps": 5, "prompts": 4, "group": 8, "max_tokens": 1, "learning_rate": 3e-3, **more}
    return tiny_model(tokenizer), tokenizer, LoopConfig(**fields)


def copied(completions: list[str], reference: list[str], **_: Any) -> list[float | None]:
    return [float(text == right) for text, right in zip(completions, reference, strict=True)]


def weights(model: Any) -> list[Any]:
    return [weight.detach().clone() for weight in model.parameters()]


def moved(model: Any, before: list[Any]) -> bool:
    return any((now != then).any() for now, then in zip(model.parameters(), before, strict=True))


def test_train_on_a_task_it_can_learn_raises_the_reward() -> None:
    from grpo_bridge.loop.train import train

    model, tokenizer, config = setting(steps=60, prompts=8)
    rewards = [step.reward for step in train(model, tokenizer, ROWS, copied, config)]
    assert sum(rewards[-10:]) / 10 > sum(rewards[:10]) / 10 + 0.3


def test_train_twice_with_one_seed_is_the_same() -> None:
    from grpo_bridge.loop.train import train

    runs = [train(*setting()[:2], ROWS, copied, setting()[2]) for _ in range(2)]
    assert runs[0] == runs[1]


def test_train_on_rewards_that_are_all_the_same_or_not_judged_moves_nothing() -> None:
    from grpo_bridge.loop.train import train

    def hardly(completions: list[str], **_: Any) -> list[float | None]:
        return [None if i % 2 else 0.3 for i in range(len(completions))]

    model, tokenizer, config = setting()
    before = weights(model)
    history = train(model, tokenizer, ROWS, hardly, config)
    assert not moved(model, before)
    assert (history[0].judged, history[0].contrast, history[0].reward) == (0.5, 0.0, pytest.approx(0.3))


def test_train_that_strays_from_the_reference_stops() -> None:
    from grpo_bridge.loop.train import train

    model, tokenizer, config = setting(steps=50, max_kl=0.01, patience=2)
    history = train(model, tokenizer, ROWS, copied, config)
    assert len(history) < 50
    assert all(step.kl > 0.01 for step in history[-2:])
    assert history[0].kl == pytest.approx(0, abs=1e-6)


def test_train_whose_kl_is_no_number_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    from grpo_bridge.loop import train as loop

    monkeypatch.setattr(loop, "k3", lambda new, reference: new * float("nan"))
    model, tokenizer, config = setting(steps=9, max_kl=0.01, patience=2)
    assert len(loop.train(model, tokenizer, ROWS, copied, config)) == 2


def test_train_on_rewards_that_are_no_numbers_counts_them_as_not_judged() -> None:
    from grpo_bridge.loop.train import train

    model, tokenizer, config = setting(steps=1)
    (step,) = train(model, tokenizer, ROWS, lambda completions, **_: [float("nan")] * len(completions), config)
    assert (step.reward, step.judged) == (None, 0.0)


def test_padding_has_no_part_in_loss_and_kl_however_unlikely_it_is() -> None:
    import torch

    from grpo_bridge.loop.loss import k3, policy_loss, token_logps
    from grpo_bridge.loop.settings import LossConfig

    ids = torch.tensor([[1, 2, 0]])
    mask = torch.tensor([[1, 1, 0]])

    def logps(padding: float) -> Any:
        logits = torch.zeros(1, 3, 3)
        logits[0, 1, 0] = padding  # what stands before the padding predicts it
        made = logits.requires_grad_()
        answer = type("Output", (), {"logits": made})
        return made, token_logps(lambda **_: answer, ids, mask, 2, 1.0)  # type: ignore[arg-type]

    (logits, new), (_, reference) = logps(-500.0), logps(0.0)
    assert torch.isfinite((k3(new, reference) * mask[:, 1:]).sum())
    config = LossConfig(beta=0.1)
    loss = policy_loss(new, reference.detach(), torch.ones(1), mask[:, 1:], config, reference=reference.detach())
    loss.backward()
    assert torch.isfinite(logits.grad).all()


def test_train_with_kl_and_several_epochs_keeps_near_the_reference() -> None:
    from grpo_bridge.loop.settings import LossConfig
    from grpo_bridge.loop.train import train

    last = {}
    for beta in (1e-6, 5.0):
        model, tokenizer, config = setting(steps=25, epochs=2, minibatches=2, loss=LossConfig(beta=beta))
        last[beta] = train(model, tokenizer, ROWS, copied, config)[-1].kl
    assert last[5.0] < last[1e-6] / 2


def test_train_of_an_adapter_leaves_the_weights_alone() -> None:
    from grpo_bridge.loop.train import train

    model, tokenizer, config = setting(steps=6, lora_rank=2, learning_rate=1e-2, max_kl=100.0)
    base = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    history = train(model, tokenizer, ROWS, copied, config)
    after = {name.replace(".base_layer", ""): weight for name, weight in model.named_parameters()}
    assert all((after[name] == weight).all() for name, weight in base.items())
    assert any("lora_B" in name and weight.any() for name, weight in after.items())
    assert history[-1].kl > 0


def test_train_on_chats_gives_the_reward_messages() -> None:
    from grpo_bridge.loop.train import train

    seen: list[Any] = []

    def reward(completions: list[Any], prompts: list[Any], **_: Any) -> list[float | None]:
        seen.append((prompts[0], completions[0]))
        return [0.0] * len(completions)

    model, tokenizer, config = setting(steps=1)
    rows = [{"prompt": [{"role": "user", "content": row["prompt"]}]} for row in ROWS]
    train(model, tokenizer, rows, reward, config)
    ((prompt, completion),) = seen
    assert prompt[0]["role"] == "user"
    assert completion[0]["role"] == "assistant"


def test_sample_masks_what_follows_the_end_mark() -> None:
    import torch

    from grpo_bridge.loop.sampling import sample

    model, tokenizer, config = setting(max_tokens=6)
    rollout = sample(model, tokenizer, ["12=", "3="], config)
    end = tokenizer.eos_token_id
    for ids, mask in zip(rollout.completion_ids.tolist(), rollout.completion_mask.tolist(), strict=True):
        stop = ids.index(end) + 1 if end in ids else len(ids)
        assert mask == [1] * stop + [0] * (len(ids) - stop)
    assert torch.equal(rollout.mask[:, -rollout.completion_mask.shape[1] :], rollout.completion_mask)
    assert [len(tokens) for tokens in rollout.token_lists] == rollout.completion_mask.sum(1).tolist()


@pytest.mark.parametrize(
    ("fields", "told"), [({"group": 1}, "at least 2"), ({"steps": 0}, "at least 1")], ids=["group", "steps"]
)
def test_config_that_teaches_nothing_is_refused(fields: dict[str, int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        setting(**fields)


def test_train_with_too_few_rewards_says_so() -> None:
    from grpo_bridge.loop.train import train

    model, tokenizer, config = setting()
    with pytest.raises(UsageError, match="1 rewards for 32 completions"):
        train(model, tokenizer, ROWS, lambda **_: [1.0], config)
    with pytest.raises(UsageError, match="at least one prompt"):
        train(model, tokenizer, [], copied, config)


def test_the_loop_stays_short_enough_to_read(root: Path) -> None:
    """Lines of code of the files that import torch, less docstrings and imports."""
    files = [root / "grpo_bridge" / "loop" / name for name in ("loss.py", "sampling.py", "train.py")]
    assert sum(map(code_lines, files)) < MAX_TORCH_LINES


def code_lines(file: Path) -> int:
    text = file.read_text()
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(1 for number, line in lines if line.strip() and number not in left_out)
