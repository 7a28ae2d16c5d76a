"""Alpha at one step, without arrays and without rounding before the end: the slow twin of `AlphaPath`."""

from __future__ import annotations

import math
from fractions import Fraction

from hybridret.batching.alpha_path import AlphaPath


def slow_alpha(path: AlphaPath, step: int) -> float:
    if step >= path.steps:
        return path.start if path.turns % 2 else path.end
    number, progress = divmod(Fraction(step * (path.turns + 1), path.steps), 1)
    if number % 2:
        progress = 1 - progress
    if path.shape == "linear":
        part = float(progress)
    elif path.shape == "cosine":
        part = math.sin(math.pi * progress / 2) ** 2
    else:
        part = float(progress >= Fraction(1, 2))
    return path.start + (path.end - path.start) * part
