"""How fast training is and how much of it is padding, measured without validation and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Counts:
    """Sums over steps: question-passage pairs of the global batch, real tokens, tokens with padding, seconds."""

    pairs: int = 0
    tokens: int = 0
    padded: int = 0
    seconds: float = 0.0

    @property
    def pairs_per_second(self) -> float:
        return self.pairs / self.seconds if self.seconds > 0 else 0.0

    @property
    def padding_share(self) -> float:
        return 1 - self.tokens / self.padded if self.padded else 0.0


class Throughput:
    """Counts of the whole training and of the window since the last `take_window`; both survive a resume.

    Tokens are those of this process (the processes' shares differ by less than a row), pairs those of the global batch.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.total = Counts()
        self._window = Counts()
        self._clock = clock
        self._mark = clock()

    def start(self) -> None:
        """Start the clock: earlier work (loading, compiling) is not training."""
        self._mark = self._clock()

    def count(self, pairs: int, tokens: int, padded: int) -> None:
        """A step has ended: it took the time since the last one, including the wait for data."""
        now = self._clock()
        for counts in (self.total, self._window):
            counts.pairs += pairs
            counts.tokens += tokens
            counts.padded += padded
            counts.seconds += now - self._mark
        self._mark = now

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time spent in the block does not count."""
        began = self._clock()
        try:
            yield
        finally:
            self._mark += self._clock() - began

    def take_window(self) -> Counts:
        """The counts since the last call; the next window starts empty."""
        window, self._window = self._window, Counts()
        return window

    def state_dict(self) -> dict[str, dict[str, float]]:
        return {"total": vars(self.total).copy(), "window": vars(self._window).copy()}

    def load_state_dict(self, state: dict[str, dict[str, float]]) -> None:
        self.total, self._window = Counts(**state["total"]), Counts(**state["window"])  # type: ignore[arg-type]
