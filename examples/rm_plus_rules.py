"""A reward model and verifiers together: a verifier decides what is right, the model what is well put.

python examples/rm_plus_rules.py             with taste.py, a teacher that fits four weights to six preference pairs
python examples/rm_plus_rules.py my-rm       with a model that `verify rm train` wrote (extra rm)
"""

import sys
from pathlib import Path

from grpo_bridge import advantages, pairs
from grpo_bridge.scorer import GroupScorer
from verifiers import Sample
from verifiers.compose import compose, member
from verifiers.errors import VerifyError

TASTE = str(Path(__file__).with_name("taste.py"))
PROMPT, REFERENCE = "How many legs do three cats have?", "12"
COMPLETIONS = [
    "Each cat has 4 legs, and 3 x 4 = 12. The answer is 12.",
    "12!!! OBVIOUSLY 12!!!",
    "I think maybe 12, perhaps. The answer is 12.",
    "Each cat has 4 legs, and 3 x 4 = 14. The answer is 14.",
]


def main(model: str = "") -> None:
    """Score one group, and make advantages and preference pairs of it."""
    taste = member(TASTE, name="taste", weight=1)
    if model:
        taste = member("reward_model", name="taste", weight=1, model=model, scores="calibrated")
    # Taste only counts among right answers: the verifier is a gate, and its own weight keeps right above wrong, since
    # calibrated scores (stars, or a chance) are never below 0. Centred ones may be.
    plan = compose(member("math", weight=3, gate=True), taste)
    scorer = GroupScorer(plan)
    scored = scorer.score([Sample(text, PROMPT, REFERENCE) for text in COMPLETIONS])
    rewards = [one.reward for one in scored]
    for text, one, advantage in zip(COMPLETIONS, scored, advantages([rewards])[0], strict=True):
        parts = ", ".join(f"{part.name} {part.reward:.2f}" for part in one.parts if part.reward is not None)
        print(f"{one.reward:.3f} {advantage:+.2f}  {text}\n             {parts}")
    print("preference pairs, the widest margin first:")
    for row in pairs([PROMPT], [COMPLETIONS], [rewards], max_pairs=3):
        print(f"  {row['chosen']!r} over {row['rejected']!r}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except VerifyError as error:
        sys.exit(f"rm_plus_rules.py: {error}")
