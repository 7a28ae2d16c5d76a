"""The objects of one run, built from its settings."""
