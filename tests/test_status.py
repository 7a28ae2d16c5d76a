"""`python -m hybridret.status`: one look says what is true of every run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridret.runs import RunDirectory, State
from hybridret.runs.environment import environment
from hybridret.runs.look import LOST
from hybridret.runs.status import write_status
from hybridret.status import main
from hybridret.sweep.overview.columns import counts
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.totals import totals


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
    assert "1 of 5 done" in shown
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


def test_the_job_of_slurm_or_of_another_cluster_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_JOB_NODELIST", "SLURM_ARRAY_JOB_ID", "HYBRIDRET_JOB"):
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
    monkeypatch.setenv("HYBRIDRET_JOB", "s-0@head:8265")
    write_status(run.status, State.QUEUED, "h")
    assert json.loads(run.status.read_text())["job"] == "s-0@head:8265"


def test_states_are_counted_in_the_order_of_a_life() -> None:
    rows = [Row(word, word, "") for word in ("failed", "strange", "queued", "finished", "finished")]
    assert counts(totals(rows, datetime.now(UTC))) == "1 queued, 2 finished, 1 failed, 1 strange"


KEYS = {
    "run", "state", "reason", "phase", "done", "total", "rate", "left", "note", "heartbeat", "node", "process",
    "engine", "job", "requeues", "best", "seconds", "gpu_hours", "planned_gpu_hours", "faults",
}  # fmt: skip


def test_json_of_several_folders_has_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path / "s", "r", State.FAILED, reason="why", phase="train", done=3, total=9)
    a_run(tmp_path / "t", "q", State.QUEUED)
    assert main([str(tmp_path / "s"), str(tmp_path / "t"), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) == {"version", "folder", "at", "over", "totals", "faults", "runs"}
    assert set(first["runs"][0]) == KEYS
    assert (first["runs"][0]["reason"], first["runs"][0]["done"], first["over"]) == ("why", 3, True)
    assert (second["folder"], second["over"]) == (str(tmp_path / "t"), False)
    page = (Path(__file__).resolve().parent.parent / "docs" / "clusters" / "status.md").read_text(encoding="utf-8")
    assert [key for key in (*first, *first["totals"], *KEYS) if f"`{key}`" not in page] == []


@pytest.mark.parametrize("more", [["--json"], []])
def test_watching_what_is_over_ends_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    a_run(tmp_path / "s", "r", State.FAILED, reason="why")
    assert main([str(tmp_path / "s"), "--watch", *more]) == 0
    assert "why" in capsys.readouterr().out


@pytest.mark.parametrize("every", ["0", "-1", "nan", "many", "1e9"])
def test_how_often_it_looks_is_checked(tmp_path: Path, every: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(tmp_path), "--every", every])
    assert left.value.code == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 75)])
def test_ctrl_c_is_how_watching_ends(
    tmp_path: Path, started: Callable[..., subprocess.Popen[str]], number: int, code: int
) -> None:
    a_run(tmp_path / "s", "r", State.QUEUED)
    line = [sys.executable, "-m", "hybridret.status", str(tmp_path / "s"), "--watch", "--json", "--every", "9000"]
    watching = started(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    assert '"queued"' in watching.stdout.readline()
    watching.send_signal(number)
    _, errors = watching.communicate()
    assert (watching.returncode, errors.count("\n")) == (code, 1 if code else 0)


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "<script>alert(1)</script>"
    a_run(tmp_path / "s", f"r{hostile[:8]}", State.FAILED, reason=f"{hostile}\x1b[2J")
    a_run(tmp_path / "s", "q", State.QUEUED)
    points = [{"run": hostile, "state": '" onclick="x', "overrides": []}]
    (tmp_path / "s" / "sweep.json").write_text(json.dumps({"points": points}))
    assert main([str(tmp_path / "s"), "--html"]) == 0
    page = (tmp_path / "s" / "status.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert '" onclick="x"' not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "default-src 'none'" in page
    assert 'http-equiv="refresh"' in page
    (tmp_path / "s" / "q" / "result.json").write_text("{}")
    (tmp_path / "s" / "sweep.json").unlink()
    assert main([str(tmp_path / "s"), "--html"]) == 0
    assert 'http-equiv="refresh"' not in (tmp_path / "s" / "status.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["text", "whole", "far"])
def test_a_rate_and_the_time_left(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    rate = {"text": "3/s", "whole": 10**400, "far": 2.5}[kind]
    run = a_run(tmp_path / "s", "r", State.RUNNING, phase="train", done=3, total=9, rate=rate, left=90)
    with run.lock():
        assert main([str(tmp_path / "s")]) == 0
    shown = capsys.readouterr().out
    assert "90 s" in shown
    assert ("2.5/s" in shown) == (kind == "far")
    assert "expected end" in shown
