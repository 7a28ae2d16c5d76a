"""`python -m hybridret.status multirun/SWEEP`: what each run of a sweep is doing, and where."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import DONE, INTERRUPTED, UserError
from hybridret.base.interruption import StopRequested, interruptible, refuse, work_begins

if TYPE_CHECKING:
    from hybridret.sweep.overview.survey import Survey


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.status", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+", help="folder of a sweep or of a run, such as multirun/default")
    parser.add_argument("--watch", action="store_true", help="look again and again, until all is over or Ctrl-C")
    parser.add_argument("--every", type=_seconds, default=5.0, metavar="SECONDS", help="between two looks (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object for each folder, each on a line")
    parser.add_argument("--html", action="store_true", help="also write SWEEP/status.html")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        if options.watch:
            _watch(options.folder, options)
        else:
            _show(_look(options.folder), options)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    except StopRequested as stop:
        if not options.watch or stop.exit_code != INTERRUPTED:
            raise
    return DONE


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError("between 0.1 and 86400 seconds")
    return seconds


def _look(folders: Sequence[Path]) -> list[Survey]:
    from hybridret.sweep.overview.survey import survey

    return [survey(folder) for folder in folders]


def _show(found: Sequence[Survey], options: argparse.Namespace) -> None:
    if options.html:
        _write_pages(found)
    if options.json:
        _print_json(found)
        return
    from hybridret.sweep.overview.text_table import plain, rendered

    if not sys.stdout.isatty():
        sys.stdout.write("".join(f"{plain(one)}\n" for one in found))
        sys.stdout.flush()
        return
    from rich.console import Console

    for one in found:
        Console().print(rendered(one), highlight=False)


def _watch(folders: Sequence[Path], options: argparse.Namespace) -> None:
    """Refresh the table in the same lines of a terminal; elsewhere print each look."""
    from hybridret.sweep.overview.watch import watch

    def pause() -> None:
        time.sleep(options.every)

    if options.json or not sys.stdout.isatty():
        watch(lambda: _look(folders), lambda found: _show(found, options), pause)
        return
    from rich.console import Console, Group
    from rich.live import Live

    from hybridret.sweep.overview.text_table import rendered

    with Live(console=Console(), auto_refresh=False, vertical_overflow="ellipsis") as live:

        def show(found: Sequence[Survey]) -> None:
            if options.html:
                _write_pages(found)
            live.update(Group(*(rendered(one) for one in found)), refresh=True)

        watch(lambda: _look(folders), show, pause)


def _write_pages(found: Sequence[Survey]) -> None:
    from hybridret.sweep.overview.page import write_page

    for one in found:
        write_page(one)


def _print_json(found: Sequence[Survey]) -> None:
    import json

    from hybridret.sweep.overview.as_json import as_json

    for one in found:
        sys.stdout.write(json.dumps(as_json(one), ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(interruptible(main))
