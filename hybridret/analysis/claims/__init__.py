"""Falsifiable statements about a sweep, and how each is judged: supported, refuted or undecided."""
