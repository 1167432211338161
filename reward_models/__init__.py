"""Reward models: from human ratings to a scalar-head model that teaches."""
