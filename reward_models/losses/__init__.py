"""Losses of reward models, each with its source: order within a prompt, stars, levels, several aspects."""
