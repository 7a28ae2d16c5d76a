"""`python -m hybridret.status multirun/SWEEP`: what each run of a sweep is doing, and where."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import DONE, UserError
from hybridret.base.interruption import interruptible, refuse, work_begins


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.status", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+", help="folder of a sweep or of a run, such as multirun/default")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        for folder in options.folder:
            print_states(folder)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    return DONE


def print_states(folder: Path) -> None:
    """Print a row for each run and the number of runs in each state. Raises UserError as `run_states` does."""
    from rich.console import Console

    from hybridret.reporting.run_states import counts, run_states, state_table

    rows = run_states(folder)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(state_table(rows), highlight=False)
    console.print(f"{folder}: {counts(rows)}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(interruptible(main))
