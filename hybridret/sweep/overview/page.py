"""`status.html`: an overview as one file that needs nothing else, for a browser on a desktop or a phone."""

from __future__ import annotations

from pathlib import Path

from hybridret.base.files import write_text
from hybridret.reporting.templates import render
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.overview.columns import counts, summary, texts
from hybridret.sweep.overview.survey import Engines, Survey, survey

FILE = "status.html"
AGAIN = 30  # seconds until an open page reads its file anew, while the sweep is not over


def page(found: Survey) -> str:
    """The page of one sweep. All that files say is text in it, whatever they say."""
    shown = texts(found.rows, found.at)
    return render(
        "status.html",
        name=found.folder.resolve().name,
        at=f"{found.at.astimezone():%Y-%m-%d %H:%M:%S}",
        again=None if found.totals.over else AGAIN,
        counts=counts(found.totals),
        summary=summary(found.totals, found.at),
        done=found.totals.finished,
        runs=found.totals.runs,
        faults=found.faults,
        columns=list(shown),
        rows=list(zip(*shown.values(), strict=True)),
    )


def write_page(found: Survey) -> Path:
    """Write the page into the folder of the sweep, atomically. Raises CannotWrite where that cannot be done."""
    path = found.folder / FILE
    write_text(path, page(found) + "\n")
    return path


def write_status_page(folder: Path, engines: Engines = engine) -> Path:
    """Look at the sweep `folder` and write its page, for a launcher. Raises as `survey` and `write_page`."""
    return write_page(survey(folder, engines))
