"""Batches for reward models: labels, length-sorted batches that keep a prompt's answers together, and packing."""
