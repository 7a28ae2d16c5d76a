"""Progress reaches everyone who watches, with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hybridret.base.bars import Bars
from hybridret.base.progress import Advance, Both, Quiet


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None, int, str]] = []

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        def advance(count: int = 1, note: str = "") -> None:
            self.seen.append((description, total, count, note))

        yield advance


def test_both_hear_the_same() -> None:
    one, other = Recorder(), Recorder()
    with Both(one, Quiet(), Bars(), other).task("train", 10) as advance:
        advance(4)
        advance(note="loss 1.0")
    assert one.seen == other.seen == [("train", 10, 4, ""), ("train", 10, 1, "loss 1.0")]
