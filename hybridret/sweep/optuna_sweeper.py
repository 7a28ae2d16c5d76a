"""Hydra's sweeper on Optuna of today: it asks for trials, launches them through any launcher, and tells their values.

hydra-optuna-sweeper 1.3.0 is not used: it needs Optuna below 3, imports distributions that Optuna 5 has no more, takes
the return value of a job as the objective, which a process cannot give, and forgets a killed search unless a database
is named. Hydra imports this module at every start, so Optuna is imported when a search begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hybridret.base.errors import UserError


class OptunaSweeper(Sweeper):
    """Searches instead of gridding.

    - `n_trials`: of each search; the same command goes on until there are that many.
    - `objectives`: one or two names, see `searching.objectives`; `directions`: `min` or `max` for each, null: by name.
    - `per`: keys whose values are searched apart, one search for each combination; `commas`: all with plain commas.
    - `params`: overrides as on the command line, which wins: `{optim.lr: "tag(log,interval(1e-5,1e-3))"}`.
    - `sampler`: tpe, random, nsga2, or grid; `seed`: of its draws.
    - `prune`: a quantity of validations; a trial stops early where it is worse than the median of earlier ones.
    - `prune_after`: trials that must be complete before; `prune_from`: the first step at which a trial may stop.
    - `batch_size`: trials that are launched together; null: the launcher's `n_jobs`.
    """

    def __init__(
        self,
        n_trials: int = 20,
        objectives: Sequence[str] | str = ("loss",),
        directions: Sequence[str] | str | None = None,
        per: Sequence[str] | str = (),
        params: dict[str, Any] | None = None,
        sampler: str = "tpe",
        seed: int = 1,
        prune: str | None = None,
        prune_after: int = 5,
        prune_from: int = 0,
        batch_size: int | None = None,
    ) -> None:
        if n_trials < 1:
            raise UserError(f"hydra.sweeper.n_trials={n_trials}: a search needs at least one trial.")
        if batch_size is not None and batch_size < 1:
            raise UserError(f"hydra.sweeper.batch_size={batch_size}: launch at least one at a time, or give null.")
        if prune_after < 1 or prune_from < 0:
            raise UserError(
                f"hydra.sweeper.prune_after={prune_after}, prune_from={prune_from}: a median needs at least one trial, "
                f"and steps begin at 0."
            )
        self._trials, self._seed, self._sampler = n_trials, seed, sampler
        self._objectives = _texts(objectives)
        self._directions = None if directions is None else _texts(directions)
        self._per = per if isinstance(per, str) and per == "commas" else _texts(per)
        self._params = {str(key): str(value) for key, value in (params or {}).items()}
        self._prune, self._prune_after, self._prune_from = prune, prune_after, prune_from
        self._batch_size = batch_size

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Search. Raises SystemExit with 1 when a trial failed, 75 when trials have not ended and the same command goes
        on, and UserError for a search that cannot be made."""
        import importlib.util

        if importlib.util.find_spec("optuna") is None:
            raise UserError("hydra/sweeper=optuna needs Optuna: pip install 'hybridret[optuna]'.")
        from hybridret.sweep.searching.orders import SearchOrder
        from hybridret.sweep.searching.search_command import run_search

        assert self.config is not None
        assert self.launcher is not None
        assert self.hydra_context is not None
        order = SearchOrder(
            trials=self._trials,
            objectives=self._objectives,
            directions=self._directions,
            per=self._per,
            sampler=self._sampler,
            seed=self._seed,
            prune=self._prune,
            prune_after=self._prune_after,
            prune_from=self._prune_from,
            together=self._batch_size or _jobs(self.config),
        )
        return run_search(order, self.hydra_context.config_loader, self.config, self.launcher, self._all(arguments))

    def _all(self, arguments: Sequence[str]) -> list[str]:
        given = {text.partition("=")[0].lstrip("+~") for text in arguments}
        return [*(f"{key}={value}" for key, value in self._params.items() if key.lstrip("+") not in given), *arguments]


def _texts(names: Sequence[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(map(str, names))


def _jobs(config: DictConfig) -> int:
    """How many points the launcher runs at once, 1 where it does not say."""
    from omegaconf import OmegaConf

    jobs = OmegaConf.select(config, "hydra.launcher.n_jobs")
    return jobs if isinstance(jobs, int) and jobs > 0 else 1
