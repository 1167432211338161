"""One look into the vocabulary for all chunks of an update: cheaper, and the same numbers."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from rm_tiny import CONFIGS, texts, tiny_base

from reward_models.models.layout import padded
from reward_models.models.lookup import one_lookup
from reward_models.models.reward_model import RewardModel

pytestmark = pytest.mark.trainers


def lookups(output: torch.Tensor, weight: torch.nn.Parameter) -> int:
    """Count the nodes of a graph that hand a gradient to the parameter."""
    todo, seen, found = [output.grad_fn], set(), 0
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            following = [each for each, _ in node.next_functions]
            found += sum(getattr(each, "variable", None) is weight for each in following)
            todo += following
    return found


@pytest.mark.parametrize("kind", CONFIGS)
def test_one_lookup_when_chunks_share_a_backward_pass_then_scores_and_gradients_stay(tmp_path: Path, kind: str):
    model = RewardModel.from_base(tiny_base(tmp_path, kind))
    encoded = sorted((each.ids for each in model.encode(*texts(9))), key=len)
    chunks = [padded(part, model.pad_id) for part in (encoded[:3], encoded[3:5], encoded[5:])]
    weight = model.net.get_input_embeddings().weight

    def run(announced: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, int]:
        model.net.zero_grad()
        with one_lookup(model.net, announced):
            scores = torch.cat([model.outputs(chunk) for chunk in chunks])
        looked = lookups(scores, weight)
        scores.square().sum().backward()
        gradients = [p.grad.flatten() for p in model.net.parameters() if p.grad is not None]
        return scores.detach(), torch.cat(gradients), looked

    scores, gradients, looked = run([])
    scores_once, gradients_once, looked_once = run([chunk["input_ids"] for chunk in chunks])
    assert (looked, looked_once) == (3, 1)
    assert torch.equal(scores, scores_once)
    assert float(gradients.abs().max()) > 0.01
    assert torch.allclose(gradients, gradients_once, atol=1e-5)
    assert not model.net.get_input_embeddings()._forward_hooks


def test_one_lookup_when_the_vocabulary_is_frozen_or_nothing_learns_then_does_nothing(tmp_path: Path):
    model = RewardModel.from_base(tiny_base(tmp_path, "bert"))
    table = model.net.get_input_embeddings()
    batches = [torch.tensor([[1, 2]]), torch.tensor([[3]])]
    with torch.no_grad(), one_lookup(model.net, batches):
        assert not table._forward_hooks
    with one_lookup(model.net, batches):
        assert table._forward_hooks
    table.weight.requires_grad_(False)
    with one_lookup(model.net, batches):
        assert not table._forward_hooks
