"""What a sweep shows while it runs: bars on a terminal; elsewhere a line for each change of state, and every 30 s one
for each running point."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TextIO

from hybridret.base.errors import UserError
from hybridret.base.markup import printable
from hybridret.base.progress_lines import INTERVAL
from hybridret.runs import State
from hybridret.sweep.point import Point

_MARKS = {State.FINISHED: "green", State.FAILED: "red", State.SKIPPED: "yellow", State.INTERRUPTED: "yellow"}


class Display:
    """A bar for the sweep and one for each running point, from its `status.json`. A context manager."""

    def __init__(self, total: int, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(file=stream)
        self._stream = stream
        self._total = total
        self._ended = 0
        self._rows: dict[int, Any] = {}
        self._clock, self._shown = clock, clock()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            refresh_per_second=4,
            disable=not self._console.is_terminal,
        )
        self._sweep = self._bars.add_task("sweep", total=total, note="")

    def __enter__(self) -> Display:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show_line(self, text: str) -> None:
        """A line above the bars."""
        if self._console.is_terminal:
            self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        else:
            self._stream.write(f"{printable(text)}\n")
            self._stream.flush()

    def started(self, point: Point) -> None:
        self._rows[point.number] = self._bars.add_task(point.label, total=None, note="starting")
        if not self._console.is_terminal:
            self.show_line(f"started   {point.label}")

    def ended(self, point: Point) -> None:
        """A point has its final state."""
        if point.state is State.QUEUED:
            return
        self._ended += 1
        if (row := self._rows.pop(point.number, None)) is not None:
            self._bars.remove_task(row)
        self._bars.update(self._sweep, completed=self._ended)
        reason = f": {point.reason}" if point.reason else ""
        self.show_line(f"{point.state:<11} {point.label} ({self._ended}/{self._total}, {point.seconds:.0f} s){reason}")

    def refresh(self, running: Iterable[Point]) -> None:
        """Read how far the running points are."""
        if not self._console.is_terminal:
            if self._clock() - self._shown < INTERVAL:
                return
            self._shown = self._clock()
        for point in running:
            try:
                status = (point.run.read_status() if point.run is not None else None) or {}
            except UserError:
                continue  # read again at the next refresh; the outcome is determined elsewhere
            done, total = status.get("done") or 0, status.get("total")
            note = printable(" ".join(str(status.get(key) or "") for key in ("phase", "note")).strip())
            if self._console.is_terminal:
                self._bars.update(self._rows[point.number], completed=done, total=total, note=note)
            else:
                count = f", {done:,} of {total:,}" if total else ""
                self.show_line(f"running   {point.label}: {note or 'starting'}{count}")


def print_summary(points: Iterable[Point], stream: TextIO) -> None:
    """A table of all points with their states and, of those that did not finish, the reasons."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("run", "state", "time", "reason", title="sweep")
    for point in points:
        reason = point.reason if point.same_as is None else f"the same run as #{point.same_as}"
        state = Text(str(point.state), style=_MARKS.get(point.state, ""))
        table.add_row(
            Text(printable(point.label), overflow="fold"),
            state,
            f"{point.seconds:.0f} s",
            Text(printable(reason or "")),
        )
    console = Console(file=stream)
    if not console.is_terminal:
        console = Console(file=stream, width=160)
    console.print(table)
