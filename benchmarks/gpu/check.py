"""Runs cases in their order, and writes all results after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpu.budget import GRACE, Budget, Queue, Turn
from gpu.case import KINDS, Case, Row
from gpu.page import page, table
from gpu.results import identity_of, measured_before, with_row, write
from gpu.verdicts import derived, verdicts

Measure = Callable[[Turn], Row]


class Check:
    """`measure` runs the way of a turn; `rows` are those of earlier calls; files go into `folder`."""

    def __init__(
        self,
        measure: Measure,
        budget: Budget,
        machine: dict[str, Any],
        folder: Path,
        rows: Sequence[Row],
        grace: float = GRACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure, self._budget, self._machine, self._folder = measure, budget, machine, folder
        self._identity = identity_of(machine, machine["sources"])
        self._grace, self._clock = grace, clock
        self._tried: set[str] = set()  # in this call: a case that failed is not tried again in it
        self.rows = list(rows)
        self.left_out: dict[str, str] = {}

    def run(self, cases: Sequence[Case], show: Callable[[str], object] = print) -> None:
        """Measure what was not measured before with the same code, card and versions, until the seconds are spent."""
        before = measured_before(self.rows, self._identity)
        queue = Queue(cases, {*before, *self._tried}, self._budget, self._grace)
        for waiting in queue:
            turn = with_best(waiting, self.rows)
            begin = self._clock()
            self._tried.add(turn.case.name)
            found = self._measure(turn)
            seconds = self._clock() - begin
            queue.took(turn.case, turn.way, seconds, found)
            row = derived(turn.case, turn.way, found, self._peaks())
            row |= {"expected_seconds": turn.way.seconds, "seconds_in_all": round(seconds, 1)}
            row |= {"commit": self._machine["commit"], "identity": self._identity}
            self.rows = with_row(self.rows, row)
            self._write(queue)
            show(f"{self._budget.spent():6.0f} s  {line(row)}")
        self._write(queue)

    def _peaks(self) -> Row:
        return next((row for row in self.rows if row["kind"] == "peak" and "failed" not in row), {})

    def _write(self, queue: Queue) -> None:
        self.left_out = queue.left_out()
        goals = verdicts(self.rows)
        content = {"machine": self._machine, "goals": goals, "cases": self.rows, "left_out": self.left_out}
        write(self._folder, content, page(content))


def with_best(turn: Turn, rows: Sequence[Row]) -> Turn:
    """The attention `best` is the one that was the fastest in the cases that this one comes after."""
    if turn.way.options.get("attention") != "best":
        return turn
    reached = [row for row in rows if row["case"] in turn.case.after and "pairs_per_second" in row]
    best = max(reached, key=lambda row: float(row["pairs_per_second"]), default={"attention": KINDS[0]})
    return replace(turn, way=replace(turn.way, options={**turn.way.options, "attention": best["attention"]}))


def line(row: Row) -> str:
    """One case for the terminal."""
    if "failed" in row:
        return f"{row['case']}: FAILED: {row['failed']}"
    if "bounds" in row:
        wrong = [f"{one['what']}: {one['value']:.3g}" for one in row["bounds"] if not one["holds"]]
        return f"{row['case']}: " + ("; ".join(wrong) or f"all {len(row['bounds'])} bounds hold")
    head, cells = table([row])
    shown = ", ".join(f"{cell} {name}" for name, cell in zip(head[1:], cells[1:], strict=True) if cell)
    return f"{cells[0]}: {shown or 'done'}"
