"""Progress of long work as one small interface, so that a terminal bar and a status file show the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from hybridret.lines import Lines
from hybridret.markup import printable


class Advance(Protocol):
    """Called after each piece of work: `count` units more are done; `note` replaces the text behind the bar."""

    def __call__(self, count: int = 1, note: str = "") -> None: ...


class Progress(Protocol):
    """Shows tasks, one after another or nested.

    >>> with progress.task("encode passages", 13014) as advance:
    ...     advance(64)
    """

    def task(self, description: str, total: int | None) -> AbstractContextManager[Advance]: ...


class Quiet:
    """Shows nothing: for libraries and tests."""

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        def advance(count: int = 1, note: str = "") -> None:
            return None

        yield advance


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


class Both:
    """Reports to several at once."""

    def __init__(self, *parts: Progress) -> None:
        self._parts = parts

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        from contextlib import ExitStack

        with ExitStack() as stack:
            advances = [stack.enter_context(part.task(description, total)) for part in self._parts]

            def advance(count: int = 1, note: str = "") -> None:
                for one in advances:
                    one(count, note)

            yield advance
