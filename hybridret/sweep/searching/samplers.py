"""Samplers whose draws depend on the seed, the number of the trial and the trials that ended before, on nothing else.

Optuna's samplers keep a random state in memory, so a search that is killed and resumed would draw other values than one
that nothing disturbed, and its first trials again. Here each trial has a sampler of its own, seeded by its number.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hybridret.base.errors import UserError, nearest
from hybridret.sweep.searching.search_space import Dimension

DIGITS = 4  # significant ones of a drawn number: names of runs stay readable, and close draws are one run
GRID = "grid"
_SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
}
SAMPLERS = (*_SAMPLERS, GRID)


def distributions(dimensions: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Optuna's description of each dimension, by its key."""
    return {one.key: _distribution(one) for one in dimensions}


def sampler(name: str, seed: int, dimensions: Sequence[Dimension], trials: int) -> tuple[BaseSampler, int]:
    """The sampler of that name, and how many different trials it has at most `trials` of. Raises UserError for unknown
    names, and for a grid over several intervals."""
    if name == GRID:
        points = _grid(dimensions, trials)
        return GridSampler(points), min(trials, len(points))
    if name not in _SAMPLERS:
        raise UserError(f"hydra.sweeper.sampler={name}: there is no such sampler. {nearest(name, SAMPLERS)}")
    return NumberedSampler(name, seed), trials


class NumberedSampler(BaseSampler):
    """One of Optuna's samplers, made anew and seeded for each trial."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = name, seed

    def _of(self, trial: FrozenTrial, parameter: str = "") -> BaseSampler:
        digest = hashlib.sha256(f"{self._seed}/{trial.number}/{parameter}".encode()).digest()
        return _SAMPLERS[self._name](int.from_bytes(digest[:4], "big"))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        drawn = self._of(trial).sample_relative(study, trial, search_space)
        return {name: _rounded(value, search_space[name]) for name, value in drawn.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        drawn = self._of(trial, param_name).sample_independent(study, trial, param_name, param_distribution)
        return _rounded(drawn, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._of(trial).before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._of(trial).after_trial(study, trial, state, values)


class GridSampler(BaseSampler):
    """Trial number i has the i-th of `points`. Optuna's own visits its grid in a random order."""

    def __init__(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._points = points

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._points[trial.number][param_name]


def _distribution(one: Dimension) -> BaseDistribution:
    if one.choices is not None:
        return CategoricalDistribution(one.choices)
    if one.integer:
        return IntDistribution(int(one.low), int(one.high), log=one.log, step=int(one.step or 1))
    return FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def _rounded(value: Any, distribution: BaseDistribution) -> Any:
    if not isinstance(distribution, FloatDistribution) or distribution.step is not None:
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), distribution.low), distribution.high)


def _grid(dimensions: Sequence[Dimension], trials: int) -> list[dict[str, Any]]:
    """All combinations; an interval is divided evenly, both ends included, so that there are `trials` in all."""
    sizes = [_listed(one) for one in dimensions]
    free = [one.key for one, values in zip(dimensions, sizes, strict=True) if values is None]
    if len(free) > 1:
        raise UserError(
            f"hydra.sweeper.sampler=grid: {' and '.join(free)} are intervals, and a grid divides only one. Give the "
            f"others as values or as a range, or take hydra.sweeper.sampler=tpe."
        )
    others = math.prod(len(values) for values in sizes if values is not None)
    if free and trials // others < 2:
        raise UserError(f"hydra.sweeper.n_trials={trials}: a grid with {free[0]} needs at least {2 * others} trials.")
    points: list[dict[str, Any]] = [{}]
    for one, values in zip(dimensions, sizes, strict=True):
        listed = values if values is not None else _divided(one, trials // others)
        points = [{**point, one.key: value} for point in points for value in listed]
    return points


def _listed(one: Dimension) -> list[Any] | None:
    if one.choices is not None:
        return list(one.choices)
    if one.step is None or (one.integer and one.high - one.low >= 1000):
        return None
    count = round((one.high - one.low) / one.step) + 1
    values = [one.low + i * one.step for i in range(count)]
    return [int(value) for value in values] if one.integer else values


def _divided(one: Dimension, count: int) -> list[Any]:
    shares = [i / (count - 1) for i in range(count)]
    if one.log:
        numbers = [one.low * (one.high / one.low) ** share for share in shares]
    else:
        numbers = [one.low + (one.high - one.low) * share for share in shares]
    if one.integer:
        return list(dict.fromkeys(round(number) for number in numbers))
    return [min(max(float(f"{number:.{DIGITS}g}"), one.low), one.high) for number in numbers]
