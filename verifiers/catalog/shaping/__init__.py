"""Shaping rewards: small, bounded corrections that go beside a reward for being right."""
