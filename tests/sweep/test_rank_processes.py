"""Points of two ranks: the first rank that ends badly says what came of the point, and the other is not left alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from hybridret.runs import RunDirectory, State
from hybridret.sweep import rank_processes
from hybridret.sweep.exit_status import settle
from hybridret.sweep.point import Point
from hybridret.sweep.rank_processes import Ending, RankProcesses

#: The ranks tell when they are ready through a FIFO of their own; a program sees `rank` and `ready()`.
START = """
import os, signal, sys
rank = os.environ.get("RANK", "alone")
def ready():
    open(f"ready-{rank}", "w").close()
def wait():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
    ready()
    while True:
        signal.pause()
"""


class Started:
    def __init__(self, folder: Path, programs: Sequence[str]) -> None:
        for rank in range(len(programs)):
            os.mkfifo(folder / f"ready-{rank}")
        choice = "\n".join(f"if rank == '{rank}':\n    {text}" for rank, text in enumerate(programs))
        command = [sys.executable, "-c", f"{START}\nos.chdir({str(folder)!r})\n{choice}"]
        self._folder, self._over = folder, Event()
        logs = [folder / f"{rank}.txt" for rank in range(len(programs))]
        logs[0].write_text("Error: of an earlier attempt\n")
        self.processes = RankProcesses(command, logs, os.environ, self._over.set)

    def ready(self, rank: int) -> None:
        (self._folder / f"ready-{rank}").read_text()

    def ending(self) -> Ending:
        assert self._over.wait(60)
        return self.processes.ending()


FAIL = "ready(); print('Error: data.path=x: no such folder.'); sys.exit(2)"


@pytest.mark.parametrize("culprit", [0, 1])
@pytest.mark.parametrize(
    ("program", "code", "state", "reason"),
    [
        ("ready(); os.kill(os.getpid(), 9)", -9, "failed", "rank {} was killed by signal 9 (out of memory?)"),
        (FAIL, 2, "failed", "data.path=x: no such folder."),
        ("ready(); sys.exit(75)", 75, "interrupted", "stopped by a signal after saving its state"),
    ],
)
def test_the_first_bad_end_is_the_reason(
    tmp_path: Path, culprit: int, program: str, code: int, state: str, reason: str
) -> None:
    """The other one waits for ever, until it is told; what it then leaves with does not count."""
    programs = ["wait()", "wait()"]
    programs[culprit] = program
    started = Started(tmp_path, programs)
    started.ready(1 - culprit)
    started.ready(culprit)
    ending = started.ending()
    assert (ending.rank, ending.processes, ending.code) == (culprit, 2, code)
    point = Point(0, (), run=RunDirectory(tmp_path))
    assert point.run is not None
    point.run.write_status(State.RUNNING, "h", None)
    written = point.run.read_status() or {}
    here = Ending(ending.rank, 2, code, ending.log, ending.start, (*ending.pids, written["pid"]))
    settle(point, here, stopping=False)
    said = f"rank 1: {reason}" if program == FAIL and culprit else reason.format(culprit)
    assert (str(point.state), point.reason) == (state, said)
    mended = point.run.read_status() or {}
    assert (mended["state"], mended["reason"]) == (state, said)


def test_every_rank_gets_a_signal(tmp_path: Path) -> None:
    started = Started(tmp_path, ["wait()", "wait()", "wait()"])
    for rank in range(3):
        started.ready(rank)
    started.processes.send(signal.SIGUSR1)
    assert started.ending().code == 75


def test_a_rank_that_listens_to_nothing_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_processes, "LEAVING", 0.0)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); signal.pause()"
    started = Started(tmp_path, [deaf, "ready(); sys.exit(3)"])
    started.ready(0)
    started.ready(1)
    ending = started.ending()
    assert (ending.rank, ending.code) == (1, 3)
    for pid in ending.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_ranks_that_end_well_are_told_their_places(tmp_path: Path) -> None:
    told = "print(*(os.environ[k] for k in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'LOCAL_WORLD_SIZE')))"
    started = Started(tmp_path, [told, told])
    assert started.ending().code == 0
    assert [(tmp_path / f"{rank}.txt").read_text().splitlines()[-1] for rank in range(2)] == ["0 0 2 2", "1 1 2 2"]


def test_one_process_is_told_nothing(tmp_path: Path) -> None:
    over = Event()
    log = tmp_path / "log.txt"
    command = [sys.executable, "-c", "import os; print('RANK' in os.environ)"]
    environment = {key: value for key, value in os.environ.items() if key != "RANK"}
    RankProcesses(command, [log], environment, over.set)
    assert over.wait(60)
    assert log.read_text() == "False\n"
