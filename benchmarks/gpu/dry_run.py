"""The order of cases on a card if each takes what is expected of it, without a card."""

from __future__ import annotations

from collections.abc import Sequence

from gpu.budget import Budget, Queue, Turn
from gpu.case import Case

STARTED = 20.0  # seconds until the first case runs


def dry_run(cases: Sequence[Case], seconds: float) -> list[list[str]]:
    """Head and lines: when each case would begin, and what would be left out."""
    clock = [0.0]
    budget = Budget(seconds, lambda: clock[0])
    clock[0] = STARTED
    queue = Queue(cases, (), budget)
    lines = [["at s", "takes s", "case", "size", "GiB", "recipe"]]
    for turn in queue:
        lines.append([f"{clock[0]:.0f}", f"{turn.way.seconds:.1f}", *_described(turn)])
        clock[0] += turn.way.seconds
    return [*lines, *(["-", "-", name, "", "", reason] for name, reason in queue.left_out().items())]


def _described(turn: Turn) -> list[str]:
    """Name, pairs or passages, GiB of the plan, and how it is trained."""
    options, bytes_planned = turn.way.options, turn.way.expected.get("planned_bytes")
    size = options.get("batch_size") if turn.case.kind in ("train", "shard") else None
    recipe = f"chunks of {options['chunk_size']}" if options.get("chunk_size") else ""
    recipe += ", layers computed again" if options.get("recompute_layers") else ""
    count = size or options.get("passages") or options.get("count") or ""
    return [turn.case.name, str(count), f"{bytes_planned / 2**30:.1f}" if bytes_planned else "", recipe]
