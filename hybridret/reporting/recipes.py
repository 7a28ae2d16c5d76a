"""Config values of trainings that differ among runs although no configuration is named by them: they follow from
the strategy or the size, as a learning rate that was searched for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

RECIPE = ("adapter.", "loss.", "optim.", "schedule.", "training.", "trainer.precision")  # of a config, flat


def recipes(
    runs: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]], extra: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """By config key and run, where trained `runs` differ in a key of `RECIPE` that is not in `extra`.

    `settings`: flat configs by run. Runs without a key, such as a merge, are left out of it.
    """
    trained = [str(run) for run in runs.loc[runs["trained"], "run"]]
    found: dict[str, dict[str, str]] = {}
    for key in sorted({key for run in trained for key in settings.get(run, {}) if key.startswith(RECIPE)}):
        values = {run: _text(settings[run][key]) for run in trained if settings.get(run, {}).get(key) is not None}
        if key not in extra and len(set(values.values())) > 1:
            found[key] = values
    return found


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
