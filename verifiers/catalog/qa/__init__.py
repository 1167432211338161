"""Short answers in words: exact match, F1, aliases, sets, yes and no."""
