"""Batch strategies: which pairs and languages a step trains on, as a pure function of (seed, step)."""
