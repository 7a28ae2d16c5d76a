"""Progress of long work as one small interface, so that a terminal bar and a status file show the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")
EVERY = 1 << 12  # items between two calls of `counted`


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


def counted(items: Iterable[T], advance: Callable[[int], object]) -> Iterator[T]:
    """`items` as they are; `advance` gets how many were taken, some thousands at a time."""
    number = 0
    for number, item in enumerate(items, start=1):
        yield item
        if number % EVERY == 0:
            advance(EVERY)
    advance(number % EVERY)


def tracked(items: Sequence[T], description: str, progress: Progress) -> Iterator[T]:
    """`items` as they are, while a task of this name counts those that the caller is done with."""
    with progress.task(description, len(items)) as advance:
        advance(0)  # the time of the first one counts, too
        for item in items:
            yield item
            advance(1)
