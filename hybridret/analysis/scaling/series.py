"""One measure of one configuration at several sizes, with a value for each seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybridret.analysis.scaling.laws import FloatArray

PRIOR = 4.0  # seeds' worth of belief that the spread is the same at all sizes


@dataclass(frozen=True)
class Series:
    """Values [n] of runs on the scale of a fit, such as log L; runs of one size ("cell") differ in their seed alone.

    variables: [k, v] in their own units, of each cell; cell: [n], the row of `variables` that a run belongs to.
    Series of the same runs (the settings of one configuration) have the same runs in the same order.
    """

    variables: FloatArray
    values: FloatArray
    cell: NDArray[np.int64]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Seeds of each cell [k]."""
        return np.bincount(self.cell, minlength=len(self.variables))

    @cached_property
    def means(self) -> FloatArray:
        """[k]"""
        means: FloatArray = np.bincount(self.cell, weights=self.values, minlength=len(self.variables)) / self.counts
        return means

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the spread of seeds: runs less cells."""
        return len(self.values) - len(self.variables)

    @cached_property
    def spread(self) -> FloatArray:
        """Standard deviation of one run in each cell [k], as an average of the cell's own variance and that of all
        cells, the latter weighing as `PRIOR` seeds more: two or three seeds alone would give weights at random (the
        moderated variance of Smyth 2004, with a fixed prior). Ones where there is no spread to see.
        """
        own = np.bincount(self.cell, weights=self._deviations**2, minlength=len(self.variables))
        if self.freedom == 0 or own.sum() <= 1e-24:
            return np.ones(len(self.variables))
        every = own.sum() / self.freedom
        spread: FloatArray = np.sqrt((PRIOR * every + own) / (PRIOR + self.counts - 1))
        return spread

    @cached_property
    def errors(self) -> FloatArray:
        """Standard deviation of the mean of each cell [k]."""
        errors: FloatArray = self.spread / np.sqrt(self.counts)
        return errors

    @cached_property
    def standardised(self) -> FloatArray:
        """Deviations of runs from the mean of their cell in units of `spread`, of cells with two seeds or more. Each is
        enlarged so that their mean square estimates the variance (a deviation from an own mean of n is too short)."""
        several = self.counts[self.cell] > 1
        count = self.counts[self.cell][several]
        found: FloatArray = (self._deviations / self.spread[self.cell])[several] * np.sqrt(count / (count - 1))
        return found

    @property
    def _deviations(self) -> FloatArray:
        return self.values - self.means[self.cell]

    def without(self, cell: int) -> Series:
        """The series without one of its cells."""
        kept = self.cell != cell
        cells = self.cell[kept]
        return Series(np.delete(self.variables, cell, axis=0), self.values[kept], cells - (cells > cell))


def series(variables: ArrayLike, values: ArrayLike) -> Series:
    """A series from the variables of each run, [n] or [n, v], and its values [n]. Cells come in ascending order.

    Raises ValueError where the lengths differ, nothing is there, a value is not finite, or a variable not above 0.
    """
    own = np.asarray(variables, dtype=np.float64)
    own = own[:, None] if own.ndim == 1 else own
    found = np.asarray(values, dtype=np.float64)
    if own.ndim != 2 or found.shape != (len(own),) or not len(own):
        raise ValueError(f"one value for each row of variables is needed, not {own.shape} and {found.shape}")
    if not (np.isfinite(found).all() and np.isfinite(own).all() and (own > 0).all()):
        raise ValueError("values must be finite, variables finite and above 0")
    cells, cell = np.unique(own, axis=0, return_inverse=True)
    return Series(cells, found, cell.reshape(-1).astype(np.int64))
