"""`pruning.json` of a run directory: when the training of a search's trial gives up.

    {"version": VERSION, "quantity": "cross_mrr", "lower": false, "bounds": {"100": 0.21, "200": 0.34}, "trials": 5}

The rule is that of Optuna's MedianPruner: at a validation, the best value so far is compared with the median of what
earlier trials had at the same step. Whoever starts the training writes the bounds beforehand, so the training knows no
sampler and no storage, runs anywhere, and gives up at the same step each time. The last step has no bound: what is
trained to its end is also evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import DONE, UserError

FILE = "pruning.json"
VERSION = 1
PRUNED = "pruned at step"  # how the reason of a pruned run begins


class Pruned(UserError):
    """A training gave up by its rule: neither a failure nor an interruption."""

    exit_code = DONE


@dataclass(frozen=True)
class PruningRule:
    """quantity: of a validation; lower: whether lower is better; bounds: step -> the value that the best one so far
    must reach there; trials: how many earlier ones they come from."""

    quantity: str
    lower: bool
    bounds: Mapping[int, float]
    trials: int

    def verdict(self, rows: Iterable[Mapping[str, Any]], steps: int) -> str | None:
        """Why a training of `steps` steps gives up, by the rows of its history so far; None: it goes on."""
        best: float | None = None
        for step, value in curve(rows, self.quantity):
            best = value if best is None else min(best, value) if self.lower else max(best, value)
            bound = self.bounds.get(step)
            if step < steps and bound is not None and (best > bound if self.lower else best < bound):
                side = "above" if self.lower else "below"
                return (
                    f"{PRUNED} {step}: {self.quantity} {best:.4g} is {side} {bound:.4g}, the median of {self.trials} "
                    f"earlier trials. To train it to the end, delete {FILE} in its directory and run it alone."
                )
        return None


def curve(rows: Iterable[Mapping[str, Any]], quantity: str) -> list[tuple[int, float]]:
    """(step, value) of each validation in the rows of a history that measured `quantity`."""
    measured = [row for row in rows if row.get("split") == "validation"]
    return [(int(row["step"]), float(row[quantity])) for row in measured if isinstance(row.get(quantity), int | float)]


def median_rule(
    quantity: str, lower: bool, curves: Sequence[Sequence[tuple[int, float]]], first_step: int = 0
) -> PruningRule:
    """The rule that follows from the curves of earlier trials, with bounds from `first_step` on."""
    values: dict[int, list[float]] = {}
    for one in curves:
        for step, value in dict(one).items():
            values.setdefault(step, []).append(value)
    bounds = {step: float(np.median(found)) for step, found in sorted(values.items()) if step >= first_step}
    return PruningRule(quantity, lower, bounds, len(curves))


def read_rule(folder: Path) -> PruningRule | None:
    """The rule in a run directory, None where there is none. Raises UserError on a damaged file."""
    path = folder / FILE
    if not path.is_file():
        return None
    found = read_sealed(path, "the rule by which a training gives up", "delete it to train to the end")
    try:
        bounds = {int(step): float(value) for step, value in found["bounds"].items()}
        return PruningRule(str(found["quantity"]), bool(found["lower"]), bounds, int(found["trials"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: not a rule of pruning ({error}). Delete it to train to the end.") from error


def write_rule(folder: Path, rule: PruningRule) -> None:
    """Write the rule, atomically. Raises UserError when it cannot be written."""
    bounds = {str(step): value for step, value in rule.bounds.items()}
    head = {"version": VERSION, "quantity": rule.quantity, "lower": rule.lower}
    write_sealed(folder / FILE, {**head, "bounds": bounds, "trials": rule.trials})
