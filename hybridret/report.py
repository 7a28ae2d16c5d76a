"""`python -m hybridret.report multirun/SWEEP`: tables, figures and one HTML page from the files of a sweep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import DONE, UserError
from hybridret.base.files import check_writable
from hybridret.base.interruption import interruptible, refuse, work_begins
from hybridret.base.markup import printable

if TYPE_CHECKING:
    from hybridret.base.settings import LoggerSettings
    from hybridret.reporting.answers.answer import Answer, Findings
    from hybridret.reporting.collect import Sweep


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
    parser.add_argument("--wandb", action="store_true", help="also as a run of W&B in the sweep's group")
    parser.add_argument("--wandb-workspace", action="store_true", help="save a workspace of the sweep at W&B (online)")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        check_writable(options.output or options.sweep / "report")
        report(
            options.sweep,
            options.output,
            options.dataset,
            options.compare,
            wandb=options.wandb,
            workspace=options.wandb_workspace,
        )
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    return DONE


def _ask_for_jobs(sweep: Path) -> None:
    """Correct runs without a result whose job ended before a process of it could write so: it was cancelled while it
    waited, or killed. A queue that does not answer changes nothing."""
    if any(not job.with_name("result.json").is_file() for job in sweep.glob("*/job.json")):
        from hybridret.sweep.overview.survey import survey

        with suppress(UserError):
            survey(sweep)


def report(
    sweep: Path,
    output: Path | None = None,
    datasets: Sequence[str] = (),
    compare: Path | None = None,
    *,
    wandb: bool = False,
    workspace: bool = False,
) -> Path:
    """Write the report of the folder `sweep`, print a summary per dataset and the path of the page; return this path.
    The page shows the sweep in the folder `compare` beside it.

    wandb: write it as a run of W&B, too, as the runs of the sweep were logged. workspace: save a workspace at W&B.
    Raises UserError on broken files, an unknown dataset, when no run of a sweep is finished, and where W&B cannot be
    asked.
    """
    from rich.console import Console

    from hybridret.base.bars import Bars
    from hybridret.reporting.answers.registry import find_answers
    from hybridret.reporting.collect import collect
    from hybridret.reporting.distinct_names import distinct_names
    from hybridret.reporting.evidence import Evidence
    from hybridret.reporting.summary import summary_table
    from hybridret.reporting.write import write_report

    _ask_for_jobs(sweep)
    found = collect(sweep)
    if datasets:
        found = found.only(list(datasets))
    logger = _logger(found, workspace) if wandb or workspace else None
    bars = Bars()
    shown, beside, other = found, None, None
    if compare is not None:
        other = collect(compare)
        if datasets:
            other = other.only([name for name in datasets if name in other.datasets] or list(datasets))
        shown, other = distinct_names([found, other])
    answers = find_answers(Evidence([shown], progress=bars))
    if other is not None:
        beside = (other, find_answers(Evidence([other], progress=bars)))
    page = write_report(shown, output or sweep / "report", bars, answers, beside)
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
    if logger is not None:
        _show_in_wandb(found, answers, logger, page.parent if wandb else None, workspace)
    return page


def _logger(found: Sweep, workspace: bool) -> LoggerSettings:
    """How the runs were logged. Checked before any work; saving a workspace needs the server."""
    from hybridret.export.tracking import check_tracker
    from hybridret.reporting.mirror import logger_of

    logger = logger_of(found)
    check_tracker(replace(logger, mode="online") if workspace else logger)
    if workspace and logger.entity is None:
        raise UserError(
            "--wandb-workspace needs to know whose workspace it is: no run of the sweep names logger.entity. Run one "
            "point of it with logger.entity=NAME."
        )
    return logger


def _show_in_wandb(
    found: Sweep,
    answers: Mapping[Answer, Findings],
    logger: LoggerSettings,
    folder: Path | None,
    workspace: bool,
) -> None:
    from hybridret.export import wandb_report, wandb_workspace
    from hybridret.reporting.answers.files import findings_frame
    from hybridret.reporting.mirror import metric_names, trade_off_frame

    if folder is not None:
        frames = findings_frame(answers), trade_off_frame(found)
        wandb_report.write_wandb_report(folder, logger, found.name, *frames)
    if workspace:
        assert logger.entity is not None
        made = wandb_workspace.workspace(logger.entity, logger.project, found.name, metric_names(found))
        print(f"Workspace: {wandb_workspace.save_workspace(made)}")


if __name__ == "__main__":
    sys.exit(interruptible(main))
