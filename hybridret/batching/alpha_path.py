"""How alpha changes over the steps of a training: from one value to another, in a given shape, once or repeatedly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray

Shape = Literal["linear", "cosine", "step"]


@dataclass(frozen=True)
class AlphaPath:
    """From `start` to `end` over `steps` steps, with `turns` changes of direction: 1 goes to `end` and back to `start`.

    The `turns` + 1 parts of the path have equally many steps. `linear` changes evenly, `cosine` slowly at both ends of
    a part, `step` at once in the middle of a part. After `steps` steps the last value is kept: `end`, or `start` if the
    number of turns is odd.
    """

    shape: Shape
    start: float
    end: float
    turns: int
    steps: int

    def alphas(self, steps: IntArray) -> NDArray[np.float64]:
        """[n] steps, from 0 -> [n] alphas. If `start` equals `end`, all are exactly that number."""
        # Whole numbers are multiplied first, so that parts end exactly at a step.
        position = np.minimum(steps, self.steps) * (self.turns + 1) / self.steps
        part = np.minimum(np.floor(position), self.turns)
        progress = position - part
        progress = np.where(part % 2 == 1, 1 - progress, progress)
        if self.shape == "cosine":
            progress = (1 - np.cos(np.pi * progress)) / 2
        elif self.shape == "step":
            progress = (progress >= 0.5).astype(np.float64)
        # `end` itself where it is reached: start + (end - start) can differ in the last bit.
        return np.where(progress == 1, self.end, self.start + (self.end - self.start) * progress)

    def shares(self, steps: IntArray) -> NDArray[np.float64]:
        """[n] steps -> [2, n]: the share of mono and that of cross."""
        alphas = self.alphas(steps)
        return np.stack([alphas, 1 - alphas])
