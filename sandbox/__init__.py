"""Run untrusted programs. Knows nothing of rewards: a program's outcome is a fact, what it is worth is for others."""
