"""The Tinker cookbook's own group rollout, with our builder; what samples is a stand-in of a few lines."""

import asyncio
import pickle
from typing import Any

import pytest

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


class Renderer:
    """Renders letters as their numbers, so that neither a tokenizer nor a model is needed."""

    def build_generation_prompt(self, chat: list[dict[str, Any]]) -> Any:
        import tinker

        return tinker.ModelInput.from_ints([ord(char) for char in chat[-1]["content"]])

    def get_stop_sequences(self) -> list[str]:
        return ["\n"]

    def parse_response(self, tokens: list[int]) -> tuple[dict[str, str], None]:
        return {"role": "assistant", "content": "".join(map(chr, tokens))}, None


def policy(texts: list[str]) -> Any:
    from tinker_cookbook.completers import TokensWithLogprobs

    left = iter(texts)

    async def sample(_observation: Any, _stop: Any, *_args: Any, **_others: Any) -> Any:
        text = next(left)
        return TokensWithLogprobs(tokens=[ord(char) for char in text], maybe_logprobs=[0.0] * len(text))

    return sample


def rolled_out(builder: Any, texts: list[str]) -> Any:
    from tinker_cookbook.rl.rollouts import do_group_rollout

    return asyncio.run(do_group_rollout(builder, policy(texts)))


def builder(**settings: Any) -> Any:
    from grpo_bridge.tinker import VerifyGroupBuilder

    return VerifyGroupBuilder(Renderer(), "2+3?", "5", num_envs=3, **settings)


def test_a_group_rollout_has_a_teachers_rewards() -> None:
    group = rolled_out(builder(task="math"), ["The answer is 5", "6", "5.0"])
    assert group.get_total_rewards() == [1.0, 0.0, 1.0]
    assert [metrics["judged"] for metrics in group.metrics_G] == [1.0, 1.0, 1.0]


def test_builders_travel_to_workers() -> None:
    group = rolled_out(pickle.loads(pickle.dumps(builder(task="numeric"))), ["5", "6", "7"])
    assert group.get_total_rewards() == [1.0, 0.0, 0.0]


def test_what_was_not_judged_gets_its_groups_mean() -> None:
    from grpo_bridge.per_batch import BatchScorer
    from grpo_bridge.tinker import group_rewards

    texts = [[{"role": "assistant", "content": text}] for text in ("5", "6")]
    found = asyncio.run(group_rewards(BatchScorer("math"), [*texts, 7], "5"))  # type: ignore[list-item]
    assert [reward for reward, _ in found] == [1.0, 0.0, 0.5]
    assert [metrics["judged"] for _, metrics in found] == [1.0, 1.0, 0.0]


def test_tags_name_the_teacher_and_no_token() -> None:
    assert builder(task="numeric").logging_tags() == ["numeric"]
    assert builder(task="http://:a-token-of-some-length@127.0.0.1:9").logging_tags() == ["remote"]
