"""Average precision: trec_eval's `map` over the full pool, and over a ranking that is cut."""

from __future__ import annotations

import numpy as np

from hybridret.metrics.hits import NOT_FOUND
from hybridret.metrics.metric import WholeMetric
from hybridret.metrics.ranks import RankedRelevant, Values


def average_precision(relevant: RankedRelevant, cutoff: int | None = None) -> Values:
    """[n]: the mean, over the R relevant passages of a query, of the precision at the rank of each.

    A passage ranked below `cutoff`, or not found, adds nothing, as in trec_eval's `map_cut`. None: no cutoff.
    """
    last = NOT_FOUND - 1 if cutoff is None else cutoff
    precision = np.where(relevant.ranks <= last, relevant.ordinals / relevant.ranks, 0.0)
    return relevant.total(precision) / relevant.counts


METRIC = WholeMetric(
    name="map",
    title="mAP",
    position=10,
    values=average_precision,
    table="quality",
    overview=True,
    card=True,
    ending=(0,),
)
