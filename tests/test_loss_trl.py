"""The own loop's loss and steps against TRL's: the same inputs, the same loss, and the same weights after ten steps."""

from pathlib import Path
from typing import Any

import pytest
from trl_runs import QUIET

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

PARITY = 2e-7
REPLAY = 1e-8
PROMPTS = ["1 + 1 =", "2 + 3 =", "4 + 4 =", "15 - 9 ="]
G, TOKENS = 4, 6
TEMPERATURE = 0.7

CONFIGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # TRL's options, ours.
    "grpo": ({"loss_type": "grpo"}, {"aggregation": "grpo"}),
    "grpo, kl": ({"loss_type": "grpo", "beta": 0.04}, {"aggregation": "grpo", "beta": 0.04}),
    "bnpo": ({"loss_type": "bnpo"}, {"aggregation": "bnpo"}),
    "bnpo, kl": ({"loss_type": "bnpo", "beta": 0.1}, {"aggregation": "bnpo", "beta": 0.1}),
    "dr_grpo": ({"loss_type": "dr_grpo"}, {"aggregation": "dr_grpo", "max_tokens": TOKENS}),
    "dr_grpo, kl": (
        {"loss_type": "dr_grpo", "beta": 0.04},
        {"aggregation": "dr_grpo", "max_tokens": TOKENS, "beta": 0.04},
    ),
    "plain kl": (
        {"loss_type": "grpo", "beta": 0.04, "use_bias_correction_kl": False},
        {"aggregation": "grpo", "beta": 0.04, "kl_by_ratio": False},
    ),
    "dapo": ({"loss_type": "dapo"}, {"aggregation": "dapo"}),
    "dapo, clip higher": ({"loss_type": "dapo", "epsilon_high": 0.28}, {"aggregation": "dapo", "clip_high": 0.28}),
    "dapo, kl": ({"loss_type": "dapo", "beta": 0.04}, {"aggregation": "dapo", "beta": 0.04}),
    "two-sided": ({"loss_type": "grpo", "delta": 1.05}, {"aggregation": "grpo", "clip_ratio_at": 1.05}),
    "tight clip": (
        {"loss_type": "bnpo", "epsilon": 0.01, "epsilon_high": 0.02},
        {"aggregation": "bnpo", "clip_low": 0.01, "clip_high": 0.02},
    ),
    "gspo": (
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 3e-4, "epsilon_high": 4e-4},
        {"aggregation": "grpo", "level": "sequence", "clip_low": 3e-4, "clip_high": 4e-4},
    ),
    "gspo, kl": (
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "beta": 0.04},
        {"aggregation": "grpo", "level": "sequence", "beta": 0.04},
    ),
    "cispo": ({"loss_type": "cispo", "epsilon_high": 5.0}, {"aggregation": "dapo", "cispo": True, "clip_high": 5.0}),
}


def reward_some(completions: list[str], **_: Any) -> list[float | None]:
    """Give what depends on the text alone; now and then nothing."""
    values = [sum(map(ord, text)) % 7 for text in completions]
    return [None if value == 6 else value / 4 for value in values]


def trainer_with(tmp_path: Path, **options: Any) -> Any:
    import torch
    import trl
    from datasets import Dataset

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(PROMPTS)
    tiny_model(tokenizer, seed=1).save_pretrained(tmp_path / "model")  # the trainer loads its reference from there
    model = loaded(tmp_path)
    arguments = trl.GRPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=len(PROMPTS) * G,
        num_generations=G,
        max_completion_length=TOKENS,
        temperature=TEMPERATURE,
        **QUIET,
        **options,
    )
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=reward_some,
        args=arguments,
        train_dataset=Dataset.from_dict({"prompt": PROMPTS}),
        processing_class=tokenizer,
        optimizers=(torch.optim.SGD(model.parameters(), lr=arguments.learning_rate), None),
    )
    trainer.model.train()
    return trainer


def loaded(tmp_path: Path) -> Any:
    """Return the model as saved: a copy of the trainer's own would share the forward that TRL puts into it."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tmp_path / "model").train()


def our_loss(model: Any, inputs: dict[str, Any], config: Any, step_tokens: Any) -> Any:
    import torch

    from grpo_bridge.loop.loss import policy_loss, token_logps

    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    new = token_logps(model, ids, mask, inputs["completion_ids"].shape[1], TEMPERATURE)
    old = inputs.get("old_per_token_logps")
    return policy_loss(
        new,
        new.detach() if old is None else old,
        inputs["advantages"],
        inputs["completion_mask"],
        config,
        reference=inputs.get("ref_per_token_logps"),
        step_tokens=step_tokens,
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_loss_and_gradient_are_those_of_trl(name: str, tmp_path: Path) -> None:
    import torch

    from grpo_bridge.loop.settings import LossConfig

    theirs, ours = CONFIGS[name]
    trainer = trainer_with(tmp_path, **theirs)
    trainer.current_gradient_accumulation_steps = 1
    inputs = trainer._generate_and_score_completions([{"prompt": p} for p in PROMPTS for _ in range(G)])
    # As after some steps: the policy has moved from the one that sampled, and from the reference.
    torch.manual_seed(3)
    logps = trainer._get_per_token_logps_and_entropies(
        trainer.model,
        torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1),
        torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1),
        inputs["completion_ids"].shape[1],
    )[0].detach()
    inputs["old_per_token_logps"] = logps + 0.2 * torch.randn_like(logps)
    if "ref_per_token_logps" in inputs:
        inputs["ref_per_token_logps"] = logps + 0.3 * torch.randn_like(logps)
    model = loaded(tmp_path)
    expected = trainer._compute_loss(trainer.model, inputs)
    expected.backward()
    found = our_loss(model, inputs, LossConfig(**ours), inputs["num_items_in_batch"])
    found.backward()
    assert found.item() == pytest.approx(expected.item(), abs=PARITY, rel=0)
    assert abs(expected.item()) > 1e-4  # else the comparison would say nothing
    for mine, other in zip(model.parameters(), trainer.model.parameters(), strict=True):
        assert torch.allclose(mine.grad, other.grad, atol=1e-6, rtol=1e-4)


def test_ten_steps_replayed_lead_to_the_same_weights(tmp_path: Path) -> None:
    """TRL samples, scores and steps; we take its batches and advantages and step by ourselves from the same start."""
    import torch

    from grpo_bridge.loop.settings import LossConfig

    options = {"loss_type": "dapo", "beta": 0.04, "num_iterations": 2, "max_steps": 10, "learning_rate": 1e-2}
    trainer = trainer_with(tmp_path, **options, max_grad_norm=1.0, lr_scheduler_type="constant")
    mine = loaded(tmp_path)
    start = [parameter.detach().clone() for parameter in mine.parameters()]
    seen: list[dict[str, Any]] = []
    compute = trainer._compute_loss

    def recorded(model: Any, inputs: dict[str, Any]) -> Any:
        seen.append({key: value.clone() for key, value in inputs.items() if hasattr(value, "clone")})
        return compute(model, inputs)

    trainer._compute_loss = recorded
    trainer.train()
    assert len(seen) == 10
    optimizer = torch.optim.SGD(mine.parameters(), lr=1e-2)
    for inputs in seen:
        our_loss(mine, inputs, LossConfig(beta=0.04), inputs["num_items_in_batch"]).backward()
        torch.nn.utils.clip_grad_norm_(mine.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    pairs = list(zip(mine.parameters(), trainer.model.parameters(), start, strict=True))
    assert max((theirs - began).abs().max().item() for _, theirs, began in pairs) > 1e-4
    assert max((ours - theirs).abs().max().item() for ours, theirs, _ in pairs) <= REPLAY
