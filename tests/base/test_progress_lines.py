"""A log without a terminal gets a line at even times: what, done, rate, time left; also where nothing advances."""

from __future__ import annotations

import io
import threading

import pytest

from hybridret.base.bars import Bars
from hybridret.base.progress_lines import INTERVAL, Lines, lasting


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Heard(io.StringIO):
    """A log that tells when a line is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.line = threading.Event()

    def flush(self) -> None:
        self.line.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> Heard:
    return Heard()


@pytest.fixture
def lines(clock: Clock, log: Heard) -> Lines:
    """Lines that come when `beat` is called."""
    return Lines(log, interval=3600, clock=clock)


def test_a_line_says_what_done_rate_and_time_left(lines: Lines, clock: Clock, log: Heard) -> None:
    with lines.task("encode passages", 5000) as advance:
        clock.now += 20  # loading; the rate is that of encoding
        advance(500)
        clock.now += 50
        advance(500, "batch of 64")
        lines.beat()
    assert log.getvalue().splitlines() == [
        "encode passages: 1,000 of 5,000 (20%), 10/s, 7 min left, batch of 64",
        "encode passages: done in 70 s",
    ]


def test_steps_of_an_earlier_process_are_no_rate(lines: Lines, clock: Clock, log: Heard) -> None:
    with lines.task("train", 1200) as advance:
        advance(1000)
        clock.now += 100
        lines.beat()
        advance(10)
        lines.beat()
    printed = log.getvalue().splitlines()
    assert printed[0] == "train: 1,000 of 1,200 (83%), 2 min so far"
    assert printed[1] == "train: 1,010 of 1,200 (84%), 0.1/s, 32 min left"


def test_the_innermost_task_is_told_and_one_that_ended_since(lines: Lines, clock: Clock, log: Heard) -> None:
    with lines.task("read miracl", None) as outer:
        outer(3000)
        with lines.task("index passages", 10):
            clock.now += 30
            lines.beat()
        lines.beat()
    with lines.task("rank", 7) as advance:
        advance(7)
    lines.beat()  # between two tasks
    lines.beat()  # nothing was done since
    assert log.getvalue().splitlines() == [
        "index passages: 0 of 10 (0%), 30 s so far",
        "index passages: done in 30 s",
        "read miracl: 3,000 done, 30 s so far",
        "read miracl: done in 30 s",
        "rank: 7 of 7 (100%), 0 s so far",
    ]


def test_a_step_that_never_ends_is_heard_of(log: Heard) -> None:
    with Lines(log, interval=0.001).task("read data and build the encoder", None):
        assert log.line.wait(60)
    assert "read data and build the encoder: 0 s so far" in log.getvalue()


def test_an_advance_writes_a_line_that_is_due(clock: Clock, log: Heard) -> None:
    lines = Lines(log, interval=30, clock=clock)
    with lines.task("rank", 7) as advance:
        clock.now += 20
        advance(1)
        assert log.getvalue() == ""
        clock.now += 20
        advance(1)
        assert log.getvalue() == "rank: 2 of 7 (29%), 0.05/s, 2 min left\n"
        advance(1)
        assert log.getvalue().count("\n") == 1


def test_bars_are_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hybridret.base.progress_lines.INTERVAL", 0.0)
    with Bars().task("split into words", 4) as advance:
        advance(1)
    assert "split into words: 1 of 4 (25%)" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_does_not_end_the_work(clock: Clock) -> None:
    log = io.StringIO()
    lines = Lines(log, interval=3600, clock=clock)
    log.close()
    with lines.task("train", 3):
        lines.beat()


def test_a_line_is_due_within_thirty_seconds() -> None:
    assert INTERVAL <= 30


@pytest.mark.parametrize(("seconds", "words"), [(8.2, "8 s"), (99, "99 s"), (200, "3 min"), (9000, "2.5 h")])
def test_spans(seconds: float, words: str) -> None:
    assert lasting(seconds) == words
