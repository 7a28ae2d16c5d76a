"""Average precision over the full pool: trec_eval's `map` without a cut."""

from __future__ import annotations

from hybridret.metrics.ranks import RankedRelevant, Values


def average_precision(relevant: RankedRelevant) -> Values:
    """[n]: the mean, over the R relevant passages of a query, of the precision at the rank of each."""
    return relevant.total(relevant.ordinals / relevant.ranks) / relevant.counts
