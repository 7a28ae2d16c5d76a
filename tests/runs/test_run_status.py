"""`status.json`: throttled, whole, and telling what the innermost task does."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import State, StatusProgress, StatusWriter


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_fields_and_states(tmp_path: Path) -> None:
    path = tmp_path / "run" / "status.json"
    status = StatusWriter(path, "abc")
    status.set(State.RUNNING)
    assert _read(path).keys() == {
        "state", "phase", "done", "total", "note", "heartbeat", "pid", "host", "reason", "config_hash", "checksum",
    }  # fmt: skip
    status.set(State.FAILED, "no luck")
    assert (_read(path)["state"], _read(path)["reason"], _read(path)["config_hash"]) == ("failed", "no luck", "abc")


def test_progress_is_written_once_per_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "status.json", Clock()
    status = StatusWriter(path, "abc", clock=clock)
    status.set(State.RUNNING)
    with StatusProgress(status).task("train", 1200) as advance:
        assert (_read(path)["phase"], _read(path)["done"], _read(path)["total"]) == ("train", 0, 1200)
        clock.now += 0.5
        advance(3, "loss 2.5")
        assert _read(path)["done"] == 0
        clock.now += 0.6
        advance(2)
        assert (_read(path)["done"], _read(path)["note"]) == (5, "loss 2.5")
        clock.now += 0.1
        with StatusProgress(status).task("validate", None) as inner:
            clock.now += 2
            inner(1)
            assert (_read(path)["phase"], _read(path)["done"], _read(path)["total"]) == ("validate", 1, None)
        clock.now += 2
        advance(1)
        assert (_read(path)["phase"], _read(path)["done"]) == ("train", 6)
    status.set(State.FINISHED)
    assert (_read(path)["state"], _read(path)["done"]) == ("finished", 6)


def test_a_heartbeat_that_cannot_be_written_does_not_end_the_work_but_a_state_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UserError("the disk is full")

    status = StatusWriter(tmp_path / "status.json", "abc", interval=0)
    monkeypatch.setattr("hybridret.runs.status.write_sealed", full)
    with StatusProgress(status).task("train", 2) as advance:
        advance(1)
    with pytest.raises(UserError, match="full"):
        status.set(State.RUNNING)


def test_the_heart_beats_while_one_step_lasts_but_not_behind_the_end(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status = StatusWriter(path, "abc")
    status.set(State.RUNNING)
    with StatusProgress(status).task("index passages", 10):
        path.unlink()
        status.beat()
        assert _read(path)["phase"] == "index passages"
    status.set(State.FINISHED)
    path.unlink()
    status.beat()
    assert not path.exists()


def test_a_run_that_never_advances_shows_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()
    monkeypatch.setattr("hybridret.runs.status.HEARTBEAT", 0.001)
    beat = StatusWriter._heartbeat

    def told(self: StatusWriter, force: bool = False) -> None:
        beat(self, force)
        if threading.current_thread() is not threading.main_thread():
            heard.set()

    monkeypatch.setattr(StatusWriter, "_heartbeat", told)
    status = StatusWriter(tmp_path / "status.json", "abc")
    status.set(State.RUNNING)
    assert heard.wait(60)
    status.set(State.FINISHED)
    assert _read(tmp_path / "status.json")["state"] == "finished"


def test_rate_of_the_phase_and_time_left_of_the_whole(tmp_path: Path) -> None:
    """A resumed run counts what was done before in its first advance, which is no work of now."""
    path, clock = tmp_path / "status.json", Clock()
    status = StatusWriter(path, "abc", interval=0, clock=clock)
    with StatusProgress(status).task("train", 1200) as advance:
        clock.now += 50  # start-up
        advance(300)
        assert (_read(path)["rate"], _read(path)["left"]) == (None, None)
        clock.now += 10
        advance(30)
        assert (_read(path)["rate"], _read(path)["left"]) == (3.0, 290)
        with StatusProgress(status).task("validate", 10) as inner:
            inner(1)
            clock.now += 2
            inner(1)
            assert (_read(path)["phase"], _read(path)["rate"], _read(path)["left"]) == ("validate", 0.5, 290)
        advance(0)
        assert _read(path)["rate"] == 2.5  # validations are part of a training's time
    status.set(State.FINISHED)
    assert "left" not in _read(path)
