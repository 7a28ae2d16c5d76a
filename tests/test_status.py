"""`python -m hybridret.status`: one look says what is true of every run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridret.reporting.run_states import counts, run_states
from hybridret.runs import RunDirectory, State
from hybridret.runs.environment import environment
from hybridret.runs.look import LOST
from hybridret.runs.status import write_status
from hybridret.status import main


def a_run(sweep: Path, name: str, state: State, **more: object) -> RunDirectory:
    run = RunDirectory(sweep / name)
    run.path.mkdir(parents=True)
    write_status(run.status, state, "h", **more)  # type: ignore[arg-type]
    return run


def test_every_state_with_what_a_kill_left_and_what_never_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = tmp_path / "s"
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    killed = a_run(sweep, "killed", State.RUNNING, phase="train", done=40, total=1200)
    a_run(sweep, "bad", State.FAILED, reason="out of [memory]")
    finished = a_run(sweep, "done", State.RUNNING)
    finished.result.write_text("{}")
    live = a_run(sweep, "live", State.RUNNING, phase="encode", done=7, total=None, note="12.0 rows/s")
    points = [{"run": "never", "state": "queued", "overrides": []}, {"run": "live", "state": "running"}]
    (sweep / "sweep.json").write_text(json.dumps({"points": points}))
    with live.lock():
        assert main([str(sweep)]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert main([str(live.path)]) == 0
        alone = capsys.readouterr().out
    assert f"killed interrupted train 40/1,200 {LOST}" in shown
    assert "bad failed out of [memory]" in shown
    assert "live running encode 12.0 rows/s" in shown
    assert "job 4711" in shown
    assert "never queued" in shown
    assert f"{sweep}: 1 queued, 1 running, 1 finished, 1 failed, 1 interrupted" in shown
    assert json.loads(killed.status.read_text())["state"] == "interrupted"
    assert "live" in alone
    assert "killed" not in alone


@pytest.mark.parametrize("there", ["nothing", "file", "empty"])
def test_what_is_no_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / there)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path / there) in told
    assert "multirun/" in told


def test_a_heartbeat_that_is_no_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(tmp_path, "r", State.RUNNING)
    with run.lock():
        for heartbeat in (None, 5, "yesterday", "2026-11-27T00:00:00"):
            run.status.write_text(json.dumps({"state": "running", "heartbeat": heartbeat, "done": "x", "total": 3}))
            assert main([str(tmp_path)]) == 0
        old = (datetime.now(UTC) - timedelta(minutes=7, seconds=1)).isoformat()
        run.status.write_text(json.dumps({"state": "running", "heartbeat": old}))
        capsys.readouterr()
        assert main([str(tmp_path)]) == 0
    assert "7 min ago" in capsys.readouterr().out


def test_the_job_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_JOB_NODELIST", "SLURM_ARRAY_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    run = a_run(tmp_path, "outside", State.QUEUED)
    assert "job" not in json.loads(run.status.read_text())
    assert "slurm" not in environment()
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "3")
    write_status(run.status, State.QUEUED, "h")
    assert json.loads(run.status.read_text())["job"] == "12"
    assert environment()["slurm"] == {"job": "12", "restarts": "3"}
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "10")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    write_status(run.status, State.QUEUED, "h")
    assert json.loads(run.status.read_text())["job"] == "10_2"


def test_states_are_counted_in_the_order_of_a_life() -> None:
    rows = [{"state": word} for word in ("failed", "strange", "queued", "finished", "finished")]
    assert counts(rows) == "1 queued, 2 finished, 1 failed, 1 strange"


def test_rows_hold_the_whole_status(tmp_path: Path) -> None:
    run = a_run(tmp_path, "r", State.FAILED, reason="why")
    assert run_states(tmp_path) == [{**(run.read_status() or {}), "run": "r"}]
