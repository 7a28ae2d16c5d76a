"""Progress of long work as one small interface, so that a terminal bar and a status file show the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called after each piece of work: `count` units more are done; `note` replaces the text after the bar."""

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


class Both:
    """Reports to several at once."""

    def __init__(self, *parts: Progress) -> None:
        self._parts = parts

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        with ExitStack() as stack:
            advances = [stack.enter_context(part.task(description, total)) for part in self._parts]

            def advance(count: int = 1, note: str = "") -> None:
                for one in advances:
                    one(count, note)

            yield advance
