"""GPUs go from points that ended to points that wait; the processes are stand-ins that end as they start."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from hybridret.base.interruption import Stop
from hybridret.runs import RunDirectory, State
from hybridret.sweep import point_runner
from hybridret.sweep.display import Display
from hybridret.sweep.point import Point
from hybridret.sweep.rank_processes import Ending


class Ended:
    """A process that has ended well before anybody looks; the pool hears of it as of any other."""

    started: list[tuple[int, tuple[str, ...]]]

    def __init__(
        self, point: Point, module: str, threads: int | None, gpus: Sequence[str], on_end: Callable[[Ended], None]
    ) -> None:
        assert point.run is not None
        self.point, self.gpus = point, tuple(gpus)
        self.started.append((point.number, self.gpus))
        point.run.path.mkdir(parents=True)
        point.run.write_result({"config_hash": "h"})
        on_end(self)

    def ending(self) -> Ending:
        assert self.point.run is not None
        return Ending(rank=0, processes=1, code=0, log=self.point.run.log, start=0, pids=(1,))

    def kill(self) -> None: ...


class Impatient(Display):
    """Is refreshed only when half a second went by without an event: nothing would ever come."""

    def refresh(self, points: Iterable[Point]) -> None:
        raise AssertionError("the pool waits for an end that it has heard of")


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, needed: Sequence[int]) -> list[Point]:
    Ended.started = []
    monkeypatch.setattr(point_runner, "PointProcess", Ended)
    points = [
        Point(number, (f"n={number}",), run=RunDirectory(folder / f"n-{number}"), config_hash="h", gpus=gpus)
        for number, gpus in enumerate(needed)
    ]
    machine = point_runner.PointRunner(jobs=len(points), module="none", threads=1, gpus=["4", "6"], grace=1.0)
    with Impatient(len(points), io.StringIO()) as display:
        assert machine.run(points, display, lambda: None, Stop()) is None
    return points


def test_a_third_point_gets_the_gpu_of_one_that_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = run(tmp_path, monkeypatch, [1, 1, 1])
    assert [point.state for point in points] == [State.FINISHED] * 3
    assert Ended.started == [(0, ("4",)), (1, ("6",)), (2, ("4",))]


def test_a_point_of_two_gpus_waits_for_both_and_none_overtakes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = run(tmp_path, monkeypatch, [1, 2, 1, 8])
    assert [point.state for point in points] == [State.FINISHED] * 4
    assert Ended.started == [(0, ("4",)), (1, ("6", "4")), (2, ("6",)), (3, ("4", "6"))]
