"""Monolingual against cross-lingual quality, and language bias: fronts, what they are worth, which alpha to take."""
