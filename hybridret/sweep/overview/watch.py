"""Look again and again, until nothing runs and nothing waits or somebody has seen enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybridret.sweep.overview.survey import Survey


def watch(
    look: Callable[[], Sequence[Survey]], show: Callable[[Sequence[Survey]], None], pause: Callable[[], None]
) -> None:
    """`show` what `look` returns, with a `pause` before each further look. Returns when all sweeps are over."""
    while True:
        found = look()
        show(found)
        if all(one.totals.over for one in found):
            return
        pause()
