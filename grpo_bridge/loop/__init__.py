"""A GRPO loop of its own, to read and to change: `loss` and `train`; `tiny` makes a model to try it on."""
