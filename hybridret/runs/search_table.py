"""`OUTPUT/SWEEP/search.csv`: the trials of the searches in a sweep folder, one row each.

    search, trial, state, reason, front, run, per_KEY ..., params_KEY ..., values_OBJECTIVE ..., command

`search` numbers the combinations that are searched apart, `per_` are their values. `params_` and `values_` are named as
Optuna's own tables. `front`: whether no other trial of the same search is better in one objective and at least as good
in the others; of one objective, the best trial.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.files import write_text

FILE = "search.csv"
COMMAND = "command"  # how to train with the values of a trial
HEAD = ("search", "trial", "state", "reason", "front", "run")
PER, PARAMS, VALUES = "per_", "params_", "values_"
COMPLETE, PRUNED, FAILED, OPEN = "complete", "pruned", "failed", "running"
STATES = (COMPLETE, PRUNED, FAILED, OPEN)


def write_search(folder: Path, frame: pd.DataFrame) -> None:
    """Write the table, atomically. Raises UserError when it cannot be written."""
    write_text(folder / FILE, frame.to_csv(index=False))


def read_search(folder: Path) -> pd.DataFrame | None:
    """The table of a sweep folder, None where nothing was searched. `front` is bool, `values_` are floats (NaN: none),
    all else is text. Raises UserError where the file is no such table."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise UserError(
            f"{path}: cannot be read as a table ({error}). Run the search again: it is rewritten."
        ) from error
    values = columns(frame, VALUES)
    wrong = [name for name in HEAD if name not in frame] or sorted(set(frame["state"]) - set(STATES))
    if wrong or not values:
        what = f"{wrong[0]!r} is missing or unknown" if wrong else "it has no column of an objective"
        raise UserError(f"{path}: not a table of trials ({what}). Run the search again: it is rewritten.")
    for name in values:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame.assign(front=frame["front"] == "True")


def columns(frame: pd.DataFrame, prefix: str) -> list[str]:
    """The columns of `frame` that begin with `prefix`, in their order."""
    return [str(name) for name in frame.columns if str(name).startswith(prefix)]
