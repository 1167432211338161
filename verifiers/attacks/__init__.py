"""Reward-hacking completions, to run against any teacher."""
