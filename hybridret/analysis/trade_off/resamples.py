"""Joint bootstrap of the macro averages of all configurations in several goals.

What is compared was measured on the same questions, so one draw of questions holds for all configurations, settings and
metrics of a dataset. Seeds are drawn apart for each configuration (`seed_draws`). Macro averages are linear in the
values, so both parts are added: drawn questions of the mean over seeds, plus drawn deviations of the seeds. Drawing
questions within drawn seeds instead would count the noise of (seed, question) three times, not twice (Owen, "The
pigeonhole bootstrap", 2007). Goals of which less is better (distances, entropies) differ by orders of magnitude among
configurations, and so do their spreads: deviations of seeds are factors there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.trade_off.question_draws import drawn_macros, question_counts
from hybridret.analysis.trade_off.seed_draws import seed_draws


@dataclass(frozen=True)
class Resamples:
    """values: [draws, configurations, goals], in the units of the goals. observed: [configurations, goals].

    better: +1 or -1 of each goal [goals]. seeds: how many each configuration has [configurations]. questions: how many
    were drawn from. left_out: runs that lack some goal.
    """

    values: NDArray[np.float64]
    observed: NDArray[np.float64]
    configurations: tuple[str, ...]
    goals: tuple[str, ...]
    better: tuple[int, ...]
    seeds: tuple[int, ...]
    questions: int
    left_out: tuple[str, ...] = ()

    @property
    def oriented(self) -> NDArray[np.float64]:
        """`values`, turned so that higher is better in every goal."""
        return self.values * np.asarray(self.better, dtype=np.float64)

    @property
    def oriented_observed(self) -> NDArray[np.float64]:
        """`observed`, turned so that higher is better in every goal."""
        return self.observed * np.asarray(self.better, dtype=np.float64)

    def only(self, configurations: Sequence[str] | None = None, goals: Sequence[str] | None = None) -> Resamples:
        """With these configurations and goals alone, in this order. Raises ValueError for an unknown one."""
        rows = [self.configurations.index(name) for name in configurations or self.configurations]
        columns = [self.goals.index(name) for name in goals or self.goals]
        return replace(
            self,
            values=self.values[:, rows][:, :, columns],
            observed=self.observed[rows][:, columns],
            configurations=tuple(self.configurations[i] for i in rows),
            goals=tuple(self.goals[i] for i in columns),
            better=tuple(self.better[i] for i in columns),
            seeds=tuple(self.seeds[i] for i in rows),
        )


def resample(goals: Mapping[str, QuestionValues], draws: int, seed: int) -> Resamples:
    """Draws of all goals together; runs that lack one are `left_out`. Questions are the same where their names are.

    Raises ValueError when there is no goal, or no run that has all.
    """
    if not goals:
        raise ValueError("there is no goal to resample")
    parts = list(goals.values())
    every = tuple(dict.fromkeys(run for part in parts for run in part.runs))
    runs = [run for run in every if all(run in part.runs for part in parts)]
    if not runs:
        raise ValueError(f"no run has all of {', '.join(goals)}")
    first = parts[0]
    of_run = [first.configurations[first.runs.index(run)] for run in runs]
    names = tuple(dict.fromkeys(of_run))
    group = np.array([names.index(one) for one in of_run])
    questions = sorted({name for part in parts for name in part.questions})
    number = {name: i for i, name in enumerate(questions)}
    counts = question_counts(len(questions), draws, np.random.default_rng([seed, 0]))
    values = np.empty((draws, len(names), len(parts)))
    macros = np.empty((len(runs), len(parts)))
    for j, part in enumerate(parts):
        own = part.values[[part.runs.index(run) for run in runs]]
        macros[:, j] = np.einsum("rqc,qc->r", np.nan_to_num(own), part.weights)
        means = np.stack([own[group == i].mean(axis=0) for i in range(len(names))])
        values[:, :, j] = drawn_macros(means, counts[:, [number[name] for name in part.questions]])
    factor = np.array([part.better < 0 for part in parts]) & (macros > 0).all(axis=0)
    scaled = np.where(factor, np.log(np.where(factor, macros, 1.0)), macros)
    deviation = seed_draws(scaled, group, draws, np.random.default_rng([seed, 1]))
    values = np.where(factor, values * np.exp(np.where(factor, deviation, 0.0)), values + deviation)
    return Resamples(
        values=values,
        observed=np.stack([macros[group == i].mean(axis=0) for i in range(len(names))]),
        configurations=names,
        goals=tuple(goals),
        better=tuple(part.better for part in parts),
        seeds=tuple(int((group == i).sum()) for i in range(len(names))),
        questions=len(questions),
        left_out=tuple(run for run in every if run not in runs),
    )
