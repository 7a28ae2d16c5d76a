"""One measure of one test set as joint draws, and what follows from them for a group of configurations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.trade_off.common_shift import without_common_shift
from hybridret.analysis.trade_off.front_probability import front_probability
from hybridret.analysis.trade_off.hypervolume import contributions, hypervolume, reference_and_best
from hybridret.analysis.trade_off.knee import knee_probability
from hybridret.analysis.trade_off.resamples import Resamples, resample
from hybridret.reporting.answers.trade_off.groups import Group, groups
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.select import title_of

MONO, CROSS, BIAS = "monolingual", "cross-lingual", "rank distance"


@dataclass(frozen=True)
class Volume:
    """Hypervolume as a share of the box between `reference` [goals, in their units] and the best values.

    whole: (value, low, high) of 95 % of draws. parts: what each configuration adds [configurations, 3].
    """

    reference: NDArray[np.float64]
    whole: NDArray[np.float64]
    parts: NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """draws: of Mo. and Cr.; biased: of these and the rank distance, None where it was not measured."""

    dataset: str
    metric: str
    cutoff: int
    draws: Resamples
    biased: Resamples | None
    groups: tuple[Group, ...]

    @property
    def quality(self) -> str:
        """`mAP`, `R@10`."""
        return title_of(self.metric, self.cutoff)

    @property
    def one_seed(self) -> bool:
        """Whether no configuration has a second seed: then the spread over seeds is not known."""
        return max(self.draws.seeds) == 1


@dataclass(frozen=True)
class GroupResult:
    """What the draws say of one group. Probabilities are shares of draws [configurations]; that of the knee has one
    more, for none. `with_bias`, `volume_with_bias`: of three goals; None where configurations lack the third."""

    group: Group
    draws: Resamples
    on_front: NDArray[np.float64]
    with_bias: NDArray[np.float64] | None
    distance: NDArray[np.float64] | None
    knee: NDArray[np.float64]
    volume: Volume
    volume_with_bias: Volume | None


def measures(evidence: Evidence, dataset: str) -> Iterator[Measure]:
    """Each metric of quality that has monolingual and cross-lingual values of two trained configurations or more."""
    values = evidence.values(dataset)
    trained = set(evidence.runs.loc[evidence.runs["trained"], "configuration"])
    for metric, cutoff in evidence.measures(dataset):
        goals = {goal: values.get((goal, metric, cutoff)) for goal in (MONO, CROSS)}
        own = {goal: part.only([*trained]) for goal, part in goals.items() if part is not None}
        if len(own) < 2 or not set(own[MONO].runs) & set(own[CROSS].runs):
            continue
        draws = resample(own, evidence.resamples, evidence.seed)
        found = tuple(groups(evidence.runs, draws.configurations))
        bias = values.get(("multilingual", "rank_distance", 0))
        biased = None
        if bias is not None and set(bias.only(draws.configurations).configurations) == set(draws.configurations):
            three = resample({**own, BIAS: bias.only([*trained])}, evidence.resamples, evidence.seed)
            biased = three if three.configurations == draws.configurations else None
        if found:
            yield Measure(dataset, metric, cutoff, draws, biased, found)


def group_result(measure: Measure, group: Group) -> GroupResult:
    """Everything that tables and sentences say of one group."""
    draws = measure.draws.only(group.configurations)
    biased = measure.biased.only(group.configurations) if measure.biased else None
    return GroupResult(
        group=group,
        draws=draws,
        on_front=front_probability(draws.oriented),
        with_bias=front_probability(biased.oriented) if biased else None,
        distance=biased.observed[:, -1] if biased else None,
        knee=knee_probability(draws.oriented),
        volume=_volume(draws),
        volume_with_bias=_volume(biased) if biased else None,
    )


def _volume(draws: Resamples) -> Volume:
    """Distances in logarithms, since they differ by orders of magnitude."""
    own = without_common_shift(draws)
    factor = (np.asarray(own.better) < 0) & (own.values > 0).all(axis=(0, 1)) & (own.observed > 0).all(axis=0)
    values, observed = (
        np.where(factor, np.log(np.where(factor, one, 1.0)), one) * own.better for one in (own.values, own.observed)
    )
    reference, best = reference_and_best(observed)
    shown = reference * draws.better
    shown = np.where(factor, np.exp(np.where(factor, shown, 0.0)), shown)
    box = float(np.prod(best - reference))
    if box <= 0:  # all are equal in one goal
        return Volume(shown, np.full(3, np.nan), np.full((len(draws.configurations), 3), np.nan))
    # What is never on the front adds nothing, and takes most of the time.
    ever = np.flatnonzero(front_probability(np.concatenate([values, observed[None]])) > 0)
    values, observed = values[:, ever], observed[ever]
    whole, parts = hypervolume(values, reference), contributions(values, reference)
    found = np.zeros((len(draws.configurations), 3))
    found[ever] = np.column_stack(
        [contributions(observed, reference), *np.quantile(parts, [0.025, 0.975], axis=0).tolist()]
    )
    ends = [float(hypervolume(observed, reference)), *np.quantile(whole, [0.025, 0.975])]
    return Volume(shown, np.array(ends) / box, found / box)
