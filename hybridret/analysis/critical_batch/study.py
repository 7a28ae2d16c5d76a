"""A study of batch sizes as tables: from curves of runs to steps, laws and exponents.

A series is a set of runs whose step holds ever more pairs: `with the batch`, every pair brings a negative, or a fixed
number of negatives, where several losses of that size are accumulated for one step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hybridret.analysis.critical_batch.batch_law import OVERHEAD, fit_batch_law, law_draws
from hybridret.analysis.critical_batch.crossing import BEFORE, NOT_REACHED, common_target, crossing
from hybridret.analysis.critical_batch.growth import exponents

WITH_THE_BATCH = "with the batch"
GROUP = ("strategy", "negatives", "size", "data")
STEPS = ["setting", *GROUP, "batch", "seed", "run", "target", "steps", "state", "last"]
FITS = ["setting", *GROUP, "parameters", "target", "batches", "runs", "censored", "left_out", "critical", "low", "high",
        "least_steps", "scale", "smallest", "largest", "reason"]  # fmt: skip
EXPONENTS = ["setting", "strategy", "negatives", "of", "exponent", "low", "high", "levels"]


def series(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` (run, loss_batch, accumulate, ...) with the columns `batch`, pairs of a step, and `negatives`.

    A run stands once for each series that it belongs to. Series without two batch sizes are left out.
    """
    whole = runs.assign(batch=runs["loss_batch"] * runs["accumulate"])
    parts = [whole[whole["accumulate"] == 1].assign(negatives=WITH_THE_BATCH)]
    for size in sorted(set(whole["loss_batch"].tolist())):
        own = whole[whole["loss_batch"] == size]
        if own["accumulate"].nunique() > 1:
            parts.append(own.assign(negatives=str(size - 1)))
    found = pd.concat(parts, ignore_index=True)
    counted = found.groupby(list(GROUP), dropna=False)["batch"].transform("nunique")
    return found[counted > 1].reset_index(drop=True)


def steps_to_target(runs: pd.DataFrame, curves: pd.DataFrame, setting: str) -> pd.DataFrame:
    """A row of `STEPS` for each row of `runs` (a result of `series`) whose run has a curve.

    curves: run, step, value; the values of one setting. The target is common to all sizes and data of a strategy in a
    series, so that their steps compare: the lowest value that nine of ten of the runs reach.
    """
    own = {str(run): one.sort_values("step") for run, one in curves.dropna(subset="value").groupby("run")}
    runs = runs[runs["run"].isin(list(own))]
    rows = []
    for _, group in runs.groupby(["strategy", "negatives"], sort=False):
        target = common_target([own[run]["value"].to_numpy(float) for run in group["run"]])
        for row in group.to_dict("records"):
            curve = own[row["run"]]
            found = crossing(curve["step"].to_numpy(float), curve["value"].to_numpy(float), target)
            rows.append(
                {
                    **row,
                    "setting": setting,
                    "target": target,
                    "steps": found.steps,
                    "state": found.state,
                    "last": float(curve["step"].iloc[-1]),
                }
            )
    return pd.DataFrame(rows, columns=[*STEPS, *(name for name in runs if name not in STEPS)])


def fits(steps: pd.DataFrame, resamples: int, seed: int, level: float = 0.95) -> tuple[pd.DataFrame, np.ndarray]:
    """A row of `FITS` for each group of `steps_to_target`, and B* of repetitions [rows, resamples], NaN without a fit.

    `reason` says why there is no fit or no interval; "" where there are both. Runs below the target at their first
    measurement are `left_out`: nothing is known of them but that they took fewer steps.
    """
    rows, draws = [], []
    keys = ["setting", *GROUP]
    for number, (key, group) in enumerate(steps.groupby(keys, sort=False, dropna=False)):
        used = group[group["state"] != BEFORE]
        late = (used["state"] == NOT_REACHED).to_numpy()
        batch, taken = used["batch"].to_numpy(float), used["steps"].to_numpy(float)
        row = dict(zip(keys, key, strict=True)) | {
            "parameters": float(group["parameters"].iloc[0]), "target": float(group["target"].iloc[0]),
            "batches": int(used["batch"].nunique()), "runs": len(used), "censored": int(late.sum()),
            "left_out": len(group) - len(used), "smallest": float(group["batch"].min()),
            "largest": float(group["batch"].max()), "reason": "",
        }  # fmt: skip
        drawn = np.full(resamples, np.nan)
        try:
            law = fit_batch_law(batch, taken, late)
            row |= {"critical": law.critical(), "least_steps": law.least_steps, "scale": law.scale}
            random = np.random.default_rng([seed, number])
            drawn = OVERHEAD * law_draws(law, batch, used["last"].to_numpy(float), resamples, random)
            row["low"], row["high"] = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        except ValueError as error:
            row["reason"] = str(error)
        rows.append(row)
        draws.append(drawn)
    return pd.DataFrame(rows, columns=FITS), np.array(draws).reshape(len(rows), resamples)


def growth(found: pd.DataFrame, draws: np.ndarray, names: Sequence[str] = ("parameters", "data")) -> pd.DataFrame:
    """A row of `EXPONENTS` for each of `names` that varies among the groups of a strategy with an interval."""
    rows = []
    usable = found[found["low"].notna()]
    for key, group in usable.groupby(["setting", "strategy", "negatives"], sort=False):
        where = group.index.to_numpy()
        by = {name: group[name].to_numpy(float) for name in names}
        for name, one in exponents(group["critical"].to_numpy(float), draws[where], by).items():
            rows.append([*key, name, one.value, one.low, one.high, one.levels])
    return pd.DataFrame(rows, columns=EXPONENTS)
