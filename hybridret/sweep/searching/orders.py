"""What a command asks of a search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchOrder:
    """The keys of `hydra.sweeper`, see `hybridret.sweep.optuna_sweeper`. `trials`: of each search; `together`: how many
    are launched at a time, over all searches."""

    trials: int
    objectives: tuple[str, ...]
    directions: tuple[str, ...] | None
    per: str | tuple[str, ...]
    sampler: str
    seed: int
    prune: str | None
    prune_after: int
    prune_from: int
    together: int
