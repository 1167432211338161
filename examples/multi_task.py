"""One reward function for a mixed data set: each row goes to the teacher that its column names.

    python examples/multi_task.py

The same mapping makes a trainer's reward function: `trl_reward(TEACHERS, route_by="data_source")`.
"""

from grpo_bridge import advantages
from grpo_bridge.scorer import GroupScorer

TEACHERS = {"gsm8k": "math", "quiz": "choice", "api": "json_schema"}

SCHEMA = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
ROWS = [
    # data_source, prompt, reference, the group's completions
    ("gsm8k", "What is 3/4 of 16?", "12", [r"\boxed{12}", "#### 11", "The answer is 12.", "I do not know."]),
    ("quiz", "Which gas do plants take in? (A) O2 (B) CO2", "B", ["Answer: B", "(A)", "B or A", "The answer is (B)."]),
    ("api", "Call the weather.", SCHEMA, ['{"city": "Oslo"}', '{"town": "Oslo"}', "{", '{"city": 7}']),
]


def main() -> None:
    """Score a batch as a trainer hands it over: flat lists, the completions of a prompt side by side."""
    scorer = GroupScorer(TEACHERS, route_by="data_source")
    prompts = [prompt for _, prompt, _, group in ROWS for _ in group]
    completions = [completion for *_, group in ROWS for completion in group]
    columns = {
        "data_source": [source for source, _, _, group in ROWS for _ in group],
        "reference": [reference for _, _, reference, group in ROWS for _ in group],
    }
    scored = scorer.score_batch(prompts, completions, columns)
    size = len(ROWS[0][3])
    groups = [scored[start : start + size] for start in range(0, len(scored), size)]
    relative = advantages([[one.reward for one in group] for group in groups])
    for (source, _, _, texts), group, row in zip(ROWS, groups, relative, strict=True):
        for text, one, advantage in zip(texts, group, row, strict=True):
            print(f"{source:6} {one.teacher:12} {one.reward!s:5} {advantage:+.2f}  {text:20} {one.reason}")


if __name__ == "__main__":
    main()
