"""Progress on a terminal: bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hybridret.base.markup import printable
from hybridret.base.progress import Advance
from hybridret.base.progress_lines import Lines


class Bars:
    """Bars on the terminal with rate, elapsed and remaining time (rich). Elsewhere a line every 30 s (`Lines`)."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._lines = Lines()

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        if not self._console.is_terminal:
            with self._lines.task(description, total) as advance_line:
                yield advance_line
            return
        with RichProgress(*columns, console=self._console, refresh_per_second=5) as bars:
            task = bars.add_task(printable(description), total=total, note="")

            def advance(count: int = 1, note: str = "") -> None:
                if note:
                    bars.update(task, advance=count, note=printable(note))
                else:
                    bars.update(task, advance=count)

            yield advance
