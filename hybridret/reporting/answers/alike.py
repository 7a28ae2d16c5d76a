"""Which configurations may be compared with each other: all is equal but strategy and alpha, and batches are plain."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hybridret.reporting.evidence import Evidence

_BATCHES = "batching."


def varied(evidence: Evidence) -> list[str]:
    """The config keys that vary in some sweep, besides strategy, alpha, backbone and size."""
    return list(dict.fromkeys(name for sweep in evidence.sweeps for name in sweep.extra))


def conditions(evidence: Evidence) -> list[str]:
    """Those of `varied` that are no options of the batches, as learning rates and mined negatives."""
    return [name for name in varied(evidence) if not name.startswith(_BATCHES)]


def alike(evidence: Evidence, runs: pd.DataFrame, by: Sequence[str]) -> list[pd.DataFrame]:
    """The configurations of `runs`, one row each, in groups that are equal in the columns `by` and in `conditions`; of
    each strategy the `plain` ones. A key that a sweep does not vary is "" in its rows.

    Groups over several sweeps (`by` without `sweep`) must be equal in what all of them vary: of the rest a sweep does
    not say which value it has.
    """
    kept = runs.drop_duplicates("configuration")
    known = [name for name in varied(evidence) if name in kept]
    kept = kept.assign(**{name: kept[name].fillna("").astype(str) for name in known})
    equal = [name for name in conditions(evidence) if name in known]
    if "sweep" not in by:
        equal = [name for name in equal if all(name in sweep.extra for sweep in evidence.sweeps)]
    options = [name for name in known if name.startswith(_BATCHES)]
    keys = [name for name in (*by, *equal) if name in kept]
    groups = kept.groupby(keys, dropna=False, sort=False)
    return [plain(own, options).reset_index(drop=True) for _, own in groups]


def plain(configurations: pd.DataFrame, options: Sequence[str]) -> pd.DataFrame:
    """Of each strategy the rows with the fewest of `options` (columns of texts) that are set: what is asked of hybrid
    batches is not asked of hybrid batches with other language pairs, at no alpha."""
    used = (configurations[list(options)] != "").sum(axis=1)
    return configurations[used == used.groupby(configurations["strategy"]).transform("min")]
