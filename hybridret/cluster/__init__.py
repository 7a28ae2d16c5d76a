"""Sweeps: the processes of their points, what they show, the summary, and signals."""
