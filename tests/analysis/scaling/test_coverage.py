"""Intervals hold the truth about as often as they promise, with 1, 2, 3 and 5 seeds, on simulated sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.analysis.scaling.bands import band
from hybridret.analysis.scaling.exponents import exponent
from hybridret.analysis.scaling.gap import gap
from hybridret.analysis.scaling.laws import OFFSET, POWER, Law
from hybridret.analysis.scaling.noise import draws
from hybridret.analysis.scaling.prediction import held_out
from hybridret.analysis.scaling.series import Series, series

SIZES = np.array([5e5, 2e6, 8e6, 3.2e7, 8.2e7])
SEEDS = (1, 2, 3, 5)


def simulated(law: Law, a: float, seeds: int, random: np.random.Generator, noise: float = 0.03) -> Series:
    """The size law of arXiv 2403.18684 on MS MARCO, with this exponent."""
    x = np.repeat(SIZES, seeds)
    loss = (3.2e4 / x) ** a + (0.04 if law is OFFSET else 0.0)
    return series(x, np.log(loss) + random.normal(0, noise, len(x)))


def share_within(repetitions: int, wanted: float = 0.95) -> tuple[float, float]:
    """What chance leaves of a coverage of 95 +- 2 % in so many repetitions: three standard errors more."""
    error = 3 * np.sqrt(wanted * (1 - wanted) / repetitions)
    return wanted - 0.02 - error, wanted + 0.02 + error


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS)
def test_exponents_and_predictions_of_the_power_law(seeds: int) -> None:
    held, predicted, repetitions = 0, 0, 200
    for i in range(repetitions):
        random = np.random.default_rng([1, i, seeds])
        one = simulated(POWER, 0.3, seeds, random)
        own = draws(len(one.values), 300, random)
        low, high = band(POWER, one, own).intervals()["a"]
        held += low <= 0.3 <= high
        found = held_out(POWER, one, own)
        assert found is not None
        predicted += bool(found.covered)
    low, high = share_within(repetitions)
    assert low <= held / repetitions <= high
    assert low <= predicted / repetitions <= high


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS)
def test_exponents_of_the_law_with_offset(seeds: int) -> None:
    held, repetitions = 0, 100
    for i in range(repetitions):
        random = np.random.default_rng([2, i, seeds])
        one = simulated(OFFSET, 0.53, seeds, random)
        low, high = band(OFFSET, one, draws(len(one.values), 200, random)).intervals()["a"]
        held += low <= 0.53 <= high
    assert held / repetitions >= share_within(repetitions)[0]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS)
def test_noise_alone_is_decided_as_seldom_as_promised(seeds: int) -> None:
    """Neither an exponent nor a gap where there is none."""
    falling, growing, repetitions = 0, 0, 200
    for i in range(repetitions):
        random = np.random.default_rng([3, i, seeds])
        own, other = (simulated(POWER, 0.0, seeds, random) for _ in range(2))
        both = [draws(len(own.values), 300, random) for _ in range(2)]
        falling += exponent(POWER, own, both[0]).judged.decided
        growing += gap(own, [other], 1, both).slope.decided
    most = 1 - share_within(repetitions)[0]
    assert falling / repetitions <= most
    assert growing / repetitions <= most
