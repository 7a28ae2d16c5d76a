"""`python -m hybridret.report multirun/SWEEP`: tables, figures and one HTML page from the files of a sweep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import DONE, UserError
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the report, print the summary and the path; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.report", description=__doc__)
    parser.add_argument("sweep", type=Path, help="folder of a sweep, such as multirun/default")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: SWEEP/report)")
    parser.add_argument(
        "--dataset", action="append", default=[], metavar="NAME", help="only this test set; may be repeated"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="OTHER", help="folder of a second sweep, shown beside the first"
    )
    options = parser.parse_args(arguments)
    try:
        work_begins()
        report(options.sweep, options.output, options.dataset, options.compare)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    return DONE


def report(sweep: Path, output: Path | None = None, datasets: Sequence[str] = (), compare: Path | None = None) -> Path:
    """Write the report of the folder `sweep`, print a summary per dataset and the path of the page; return this path.
    The page shows the sweep in the folder `compare` beside it.

    Raises UserError on broken files, an unknown dataset, or when no run of a sweep is finished.
    """
    from rich.console import Console

    from hybridret.base.bars import Bars
    from hybridret.reporting.answers.registry import find_answers
    from hybridret.reporting.collect import collect
    from hybridret.reporting.evidence import Evidence
    from hybridret.reporting.summary import summary_table
    from hybridret.reporting.write import write_report

    found = collect(sweep)
    if datasets:
        found = found.only(list(datasets))
    bars = Bars()
    answers = find_answers(Evidence([found], progress=bars))
    beside = None
    if compare is not None:
        other = collect(compare)
        if datasets:
            other = other.only([name for name in datasets if name in other.datasets] or list(datasets))
        beside = (other, find_answers(Evidence([other], progress=bars)))
    page = write_report(found, output or sweep / "report", bars, answers, beside)
    # A file or a pipe gets the whole table instead of one cut at 80 columns.
    console = Console() if sys.stdout.isatty() else Console(width=160)
    for name in found.datasets:
        console.print(summary_table(found, name))
    for row in found.failures.to_dict("records"):
        console.print(
            printable(f"{row['run']}: {row['state']}" + (f" ({row['reason']})" if row["reason"] else "")),
            markup=False,
            highlight=False,
        )
    print(f"Report: {page}")
    return page


if __name__ == "__main__":
    sys.exit(interruptible(main))
