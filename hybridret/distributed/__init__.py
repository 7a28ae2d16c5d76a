"""Processes and their ranks: which process this is, where processes meet, how they share an evaluation."""
