"""What a search makes as large or as small as it can, read from the files of a finished run.

    cross_mrr                              a quantity of the validations, at the step of the encoder that was kept
    cross_mrr:best, cross_mrr:last         the best value of any validation; that of the last one
    mono_mrr+cross_mrr                     the mean of both, at one step
    xquad_r/cross-lingual/mrr@10           a value of result.json, as its `metrics` name it

Best values of two quantities may come from two steps, and no saved encoder has both: so the kept encoder's is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hybridret.base.errors import UserError, nearest
from hybridret.base.settings import Monitor
from hybridret.metrics.metric import SETTINGS
from hybridret.metrics.registry import known_metrics
from hybridret.runs import RunDirectory
from hybridret.runs.pruning import curve
from hybridret.training.monitor import LOSSES, LOWER

QUANTITIES: tuple[str, ...] = get_args(Monitor)
KEPT, BEST, LAST, RESULT = "kept", "best", "last", "result"
_DIRECTIONS = {"min": True, "minimize": True, "max": False, "maximize": False}


@dataclass(frozen=True)
class Objective:
    """name: as the user wrote it; quantity: of validations (with a plus: the mean of several), or a key of result.json;
    which: at which validation, or `result`; lower: whether lower is better."""

    name: str
    quantity: str
    which: str
    lower: bool

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """The word that Optuna has for it."""
        return "minimize" if self.lower else "maximize"

    @property
    def parts(self) -> tuple[str, ...]:
        """The quantities of validations that it takes; none where it is a value of result.json."""
        return () if self.which == RESULT else tuple(self.quantity.split("+"))

    def value(self, run: RunDirectory) -> float:
        """Its value in a finished run. Raises UserError where the files do not hold it, or no finite number."""
        result = run.read_result() or {}
        found = self._of_result(result) if self.which == RESULT else self._of_history(run, result)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise UserError(f"{self.name} is {found} in {run.path}, not a finite number")
        return float(found)

    def _of_result(self, result: Mapping[str, Any]) -> Any:
        metrics = result.get("metrics")
        metrics = metrics if isinstance(metrics, Mapping) else {}
        if self.quantity not in metrics:
            raise UserError(f"result.json has no {self.quantity}. {nearest(self.quantity, map(str, metrics))}")
        return metrics[self.quantity]

    def _of_history(self, run: RunDirectory, result: Mapping[str, Any]) -> Any:
        rows = run.read_history()
        curves = [dict(curve(rows, part)) for part in self.parts]
        steps = [step for step in curves[0] if all(step in one for one in curves)]
        values = {step: sum(one[step] for one in curves) / len(curves) for step in steps}
        if not values:
            raise UserError(f"no validation measured {self.quantity}")
        if self.which == LAST:
            return values[max(values)]
        if self.which == BEST:
            return min(values.values()) if self.lower else max(values.values())
        step = (result.get("training") or {}).get("best_step")
        if step not in values:
            raise UserError(f"no validation at step {step}, whose encoder was kept, measured {self.quantity}")
        return values[step]


def read_objectives(names: Sequence[str], directions: Sequence[str] | None) -> tuple[Objective, ...]:
    """The objectives of `names`, one or two; `directions`: `min` or `max` for each, None: by the quantity. Raises
    UserError for unknown names and directions."""
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        raise UserError(
            f"hydra.sweeper.objectives=[{','.join(names)}]: give one name or two different ones, such as "
            f"[mono_mrr,cross_mrr]."
        )
    if directions is not None and len(directions) != len(names):
        raise UserError(
            f"hydra.sweeper.directions=[{','.join(directions)}]: give one for each of the {len(names)} objectives, min "
            f"or max."
        )
    return tuple(_read(name, directions[i] if directions else None) for i, name in enumerate(names))


def quantity_of_validation(name: str, key: str) -> str:
    """`name` if validations measure it. Raises UserError naming `key`."""
    if name not in QUANTITIES:
        raise UserError(f"{key}={name}: no validation measures that. {nearest(name, QUANTITIES)}")
    return name


def missing_in(config_value: Any, quantity: str) -> str | None:
    """What a config must set for its validations to measure `quantity`; None where they do. `config_value(key)`: of
    the config."""
    wanted = config_value("training.validate_retrieval")
    if quantity in LOSSES:
        if config_value("training.validation_batches") == 0:
            return "training.validation_batches=10"
        return None
    return "training.validate_retrieval=200" if wanted == 0 else None


def _read(name: str, direction: str | None) -> Objective:
    if direction is not None and direction not in _DIRECTIONS:
        raise UserError(f"hydra.sweeper.directions: {direction!r} is neither min nor max.")
    named = _DIRECTIONS[direction] if direction is not None else None
    if "/" in name:
        return Objective(name, name, RESULT, _lower_metric(name) if named is None else named)
    quantity, _, which = name.partition(":")
    lower = {quantity_of_validation(part, "hydra.sweeper.objectives") in LOWER for part in quantity.split("+")}
    if len(lower) > 1:
        raise UserError(f"hydra.sweeper.objectives={name}: of one part lower is better, of another higher. Take two.")
    if which and which not in (KEPT, BEST, LAST):
        raise UserError(f"hydra.sweeper.objectives={name}: behind the colon stands kept, best or last.")
    return Objective(name, quantity, which or KEPT, lower.pop() if named is None else named)


def _lower_metric(name: str) -> bool:
    """Whether lower values of the metric in DATASET/SETTING/METRIC@CUTOFF are better."""
    *dataset, setting, metric = name.split("/")
    metrics = {row: one.better for one in known_metrics() for row in (one.name, *(part.name for part in one.summaries))}
    metric = metric.partition("@")[0]
    if not "".join(dataset) or setting not in SETTINGS or metric not in metrics:
        known, wrong = (SETTINGS, setting) if setting not in SETTINGS else (tuple(metrics), metric)
        raise UserError(
            f"hydra.sweeper.objectives={name}: expected DATASET/SETTING/METRIC@CUTOFF, such as "
            f"xquad_r/cross-lingual/mrr@10. {nearest(wrong, known)}"
        )
    return metrics[metric] < 0
