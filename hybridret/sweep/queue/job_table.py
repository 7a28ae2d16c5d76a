"""The table of a sweep that was submitted: which job computes which run, and what it asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TextIO

from hybridret.base.markup import printable
from hybridret.sweep.engines.engine import Resources
from hybridret.sweep.point import Point


def print_jobs(points: Sequence[Point], asked: Mapping[int, Resources], stream: TextIO) -> None:
    """A row for each point, then how many are in which state and where to look next."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("run", "state", "job", "asked for", "reason", title="sweep")
    for point in points:
        reason = point.reason if point.same_as is None else f"the same run as #{point.same_as}"
        mine = asked.get(point.number) if point.job is not None and point.reason is None else None
        cells = [point.label, str(point.state), point.job or "", "" if mine is None else in_words(mine), reason or ""]
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in cells))
    console = Console(file=stream)
    if not console.is_terminal:
        console = Console(file=stream, width=160)
    console.print(table)
    counts = Counter(str(point.state) for point in points)
    folder = next((point.run.path.parent for point in points if point.run is not None), None)
    look = "" if folder is None else f" To look: python -m hybridret.status {folder}"
    line = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    console.print(printable(f"{line}.{look}"), markup=False, highlight=False, soft_wrap=True)


def in_words(asked: Resources) -> str:
    """`2 nodes, 8 GPUs, 32 cores, 64 GiB, 12 h` of each node, without what is left to the engine."""
    parts = [
        f"{asked.nodes} nodes, each" if asked.nodes > 1 else "",
        f"{asked.gpus} GPU{'s' if asked.gpus > 1 else ''}" if asked.gpus else "",
        f"{asked.cores} core{'s' if asked.cores > 1 else ''}",
        "" if asked.memory is None else f"{asked.memory:.3g} GiB",
        "" if asked.minutes is None else duration(asked.minutes),
    ]
    return ", ".join(part for part in parts if part).replace("each,", "each")


def duration(minutes: int) -> str:
    """`45 min`, `12 h`, `30 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
