"""What a sweep shows and concludes: bars on a terminal, reasons from logs, exit codes, GPUs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hybridret.base.machine import visible_gpus
from hybridret.runs import RunDirectory, State, StatusProgress, StatusWriter
from hybridret.sweep.display import Display, print_summary
from hybridret.sweep.exit_status import last_words
from hybridret.sweep.point import Point, stopped_exit_code, sweep_exit_code


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_follow_the_status_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    point = Point(0, ("alpha=1",), run=RunDirectory(tmp_path / "alpha-1_seed-1"))
    assert point.run is not None
    stream = Terminal()
    status = StatusWriter(point.run.status, "h")
    with Display(2, stream) as display:
        point.begin()
        display.started(point)
        with StatusProgress(status).task("train", 1200) as advance:
            advance(300)
            advance(0, "loss 2.31 [red]")
        display.refresh([point])
        display._bars.refresh()
        shown = stream.getvalue()
        point.end(State.FAILED, "it [broke]", 1)
        display.ended(point)
    assert "alpha-1_seed-1" in shown
    assert "300/1200" in shown
    assert "train loss 2.31 [red]" in shown
    assert "it [broke]" in stream.getvalue()
    assert "1/2" in stream.getvalue()


def test_without_a_terminal_a_line_for_each_running_point_every_thirty_seconds(tmp_path: Path) -> None:
    point, stream, now = Point(0, (), run=RunDirectory(tmp_path / "mono_seed-1")), io.StringIO(), [100.0]
    assert point.run is not None
    status = StatusWriter(point.run.status, "h")
    with Display(2, stream, clock=lambda: now[0]) as display:
        display.started(point)
        with StatusProgress(status).task("train", 1200) as advance:
            advance(300)
            advance(0, "loss 2.31 [red]")
        for seconds in (20, 10, 10):
            now[0] += seconds
            status.set(State.RUNNING)
            display.refresh([point])
    assert stream.getvalue().splitlines() == [
        "started   mono_seed-1",
        "running   mono_seed-1: train loss 2.31 [red], 300 of 1,200",
    ]


def test_the_summary_names_the_reasons() -> None:
    points = [Point(0, ("a=1",), state=State.FINISHED), Point(1, ("a=2",), state=State.FAILED, reason="why [not]")]
    stream = io.StringIO()
    print_summary(points, stream)
    assert "a=1" in stream.getvalue()
    assert "why [not]" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("warm up\n\nError: data.path=x: no such\nfolder.\n", "data.path=x: no such folder."),
        ("some library\nError: it is full.\n", "it is full."),
        (
            'a\nTraceback (most recent call last):\n  File "x"\n    f()\nRuntimeError: two\nlines\n',
            "RuntimeError: two lines",
        ),
        ("", ""),
        ("just words", "just words"),
    ],
)
def test_last_words(tmp_path: Path, text: str, words: str) -> None:
    log = tmp_path / "log.txt"
    earlier = "Error: of an earlier attempt\n"
    log.write_text(earlier + text)
    assert last_words(log, len(earlier)) == words
    assert last_words(tmp_path / "none", 0) == ""


@pytest.mark.parametrize(
    ("states", "code", "stopped"),
    [
        (["finished", "skipped"], 0, 0),
        (["finished", "failed", "interrupted"], 1, 130),
        (["finished", "failed"], 1, 1),
        (["finished", "interrupted"], 75, 130),
        (["finished", "queued"], 75, 130),
    ],
)
def test_exit_codes(states: list[str], code: int, stopped: int) -> None:
    points = [Point(number, (), state=State(state)) for number, state in enumerate(states)]
    assert sweep_exit_code(points) == code
    assert stopped_exit_code(points, 130) == stopped


def test_visible_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == ["0", "2", "10"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, GPU-ab,")
    assert visible_gpus(tmp_path) == ["1", "GPU-ab"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus(tmp_path) == []
