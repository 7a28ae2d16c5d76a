"""Before a search begins: its combinations, their spaces, and whether all of it can be composed and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.storages import BaseStorage

from hybridret.base.errors import SizeMissing, UserError
from hybridret.runs.naming import named_overrides
from hybridret.sweep.searching.objectives import Objective, missing_in
from hybridret.sweep.searching.orders import SearchOrder
from hybridret.sweep.searching.samplers import GRID
from hybridret.sweep.searching.search import Search
from hybridret.sweep.searching.search_space import Dimension, SearchSpace
from hybridret.sweep.searching.trial_points import TrialPoints


@dataclass(frozen=True)
class PlannedSearch:
    """A search that can be made: its combination of gridded keys, and its dimensions with their bounds."""

    combination: dict[str, str]
    dimensions: tuple[Dimension, ...]


def planned_searches(
    space: SearchSpace,
    points: TrialPoints,
    objectives: Sequence[Objective],
    prune: str | None,
    check: Callable[[], None],
) -> tuple[list[PlannedSearch], list[str]]:
    """The searches, and why combinations are left out: a family lacks their size. `check` is called before each, and
    may raise. Raises UserError where one cannot be composed or would not measure what it needs, or none is left."""
    found: list[PlannedSearch] = []
    left_out: list[str] = []
    for combination in space.combinations():
        check()
        shared = [*(f"{key}={value}" for key, value in combination.items()), *space.fixed]
        try:
            config = points.point(shared).config
            dimensions = tuple(one.near(_value(config, one.key)) for one in space.searched)
            points.point([*shared, *(_first(one) for one in dimensions)])
        except SizeMissing as error:
            left_out.append(str(error))
            continue
        _check_measured(config, [part for one in objectives for part in one.parts], "objectives")
        _check_measured(config, [prune] if prune else [], "prune")
        found.append(PlannedSearch(combination, dimensions))
    if not found:
        raise UserError(left_out[0])
    return found, left_out


def open_searches(
    storage: BaseStorage,
    planned: Sequence[PlannedSearch],
    space: SearchSpace,
    objectives: Sequence[Objective],
    order: SearchOrder,
) -> list[Search]:
    """The searches in the storage, new or as they stand. Raises UserError as `Search` does."""
    return [
        Search(
            storage,
            one.combination,
            one.dimensions,
            objectives,
            _identity(one, space, objectives, order),
            order.sampler,
            order.seed,
            order.trials,
            space.fixed,
        )
        for one in planned
    ]


def other_searches(storage: BaseStorage, own: Sequence[Search], objectives: Sequence[Objective]) -> list[Search]:
    """The searches of earlier commands in the same folder, for the table alone. Raises UserError where they have other
    objectives: the table has one set of columns."""
    names = {one.name for one in own}
    found = []
    for study in storage.get_all_studies():
        identity = study.user_attrs.get("identity")
        if study.study_name in names or identity is None:
            continue
        if identity["objectives"] != _directions(objectives):
            known = ", ".join(name for name, _ in identity["objectives"])
            raise UserError(
                f"hydra.sweeper.objectives: the searches in this folder have {known}, and their table has one set of "
                f"columns. Give this search a folder of its own with sweep=NAME."
            )
        dimensions = [
            Dimension(**{**one, "choices": None if one["choices"] is None else tuple(one["choices"])})
            for one in identity["space"]
        ]
        combination = study.user_attrs["per"]
        trials = identity["grid"] or 1
        found.append(
            Search(
                storage, combination, dimensions, objectives, identity, identity["sampler"], identity["seed"], trials
            )
        )
    return found


def _identity(
    one: PlannedSearch, space: SearchSpace, objectives: Sequence[Objective], order: SearchOrder
) -> dict[str, Any]:
    """What all trials of a search share."""
    return {
        "space": [dimension.record() for dimension in one.dimensions],
        "objectives": _directions(objectives),
        "fixed": named_overrides(space.fixed),
        "sampler": order.sampler,
        "seed": order.seed,
        "grid": order.trials if order.sampler == GRID else None,
    }


def _directions(objectives: Sequence[Objective]) -> list[list[str]]:
    return [[one.name, one.direction] for one in objectives]


def _first(one: Dimension) -> str:
    if one.choices is not None:
        return f"{one.key}={one.choices[0]}"
    return f"{one.key}={int(one.low) if one.integer else one.low!r}"


def _value(config: DictConfig, key: str) -> object:
    try:
        return OmegaConf.select(config, key.lstrip("+~"))
    except OmegaConfBaseException:
        return None


def _check_measured(config: DictConfig, quantities: Sequence[str], key: str) -> None:
    for quantity in quantities:
        if (needed := missing_in(lambda name: _value(config, name), quantity)) is not None:
            raise UserError(
                f"hydra.sweeper.{key}: {quantity} is not measured by the validations of this config. Add {needed}."
            )
