"""The reward model as a teacher: micro-batches, servers, ensembles, and a watch over its scores."""
