"""One look at a sweep: its rows, its totals, and what a look mends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory, State
from hybridret.runs.job_record import FILE, Attempt, read_job, write_job
from hybridret.runs.look import LOST
from hybridret.sweep.engines import registry
from hybridret.sweep.engines.engine import Engine, JobLook, JobState
from hybridret.sweep.overview.as_json import as_json
from hybridret.sweep.overview.best_value import BestValue
from hybridret.sweep.overview.columns import summary
from hybridret.sweep.overview.row import Row
from hybridret.sweep.overview.survey import Survey, survey
from hybridret.sweep.overview.text_table import plain, rendered
from hybridret.sweep.overview.totals import totals
from hybridret.sweep.overview.watch import watch

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
Make = Callable[..., RunDirectory]
Engines = Callable[[str], Engine]
GPUS = {"gpus": 4, "nodes": 2, "minutes": 90}


def rows_of(found: Survey) -> dict[str, Row]:
    return {row.run: row for row in found.rows}


def attempt(job: str, began: str, ended: str | None, step: int = 0) -> Attempt:
    return Attempt(job, "node1", f"2026-11-30T{began}:00+00:00", step, ended and f"2026-11-30T{ended}:00+00:00")


def test_one_call_asks_for_all_jobs(make_run: Make, stand_in: Any, engines: Engines, tmp_path: Path) -> None:
    make_run("a", State.QUEUED, job="1")
    make_run("b", State.QUEUED, job="2_0")
    make_run("c", State.QUEUED, job="2_1")
    make_run("d", State.QUEUED)
    stand_in.jobs = {"1": JobLook(JobState.PENDING, "Resources"), "2_0": JobLook(JobState.RUNNING, node="node9")}
    rows = rows_of(survey(tmp_path / "s", engines))
    assert stand_in.asked == [["1", "2_0", "2_1"]]
    shown = {name: (row.state, row.reason, row.job) for name, row in rows.items()}
    assert shown == {
        "a": ("queued", "Resources", "1"),
        "b": ("running", "its job runs, and has written nothing yet", "2_0"),
        "c": ("interrupted", "stand_in knows its job 2_1 no more", "2_1"),
        "d": ("queued", "", None),
    }
    assert (rows["b"].node, rows["b"].engine) == ("node9", "stand_in")


def test_an_engine_that_does_not_answer_leaves_states_as_they_were(
    make_run: Make, stand_in: Any, engines: Engines, tmp_path: Path
) -> None:
    make_run("a", State.QUEUED, job="1")
    stand_in.silent = True
    found = survey(tmp_path / "s", engines)
    assert [row.state for row in found.rows] == ["queued"]
    assert found.faults == (
        "stand_in was not asked, so states are those of the files: its client is not there. Install it.",
    )
    with pytest.raises(UserError, match="no engine called 'abacus'"):
        registry.engine("abacus")


def test_how_a_job_ended_is_written_where_its_process_could_not(
    make_run: Make, stand_in: Any, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    run = make_run("a", State.RUNNING, job="1", phase="train", done=40, total=100)
    stand_in.jobs = {"1": JobLook(JobState.ENDED, "OUT_OF_MEMORY", "node1", 60.0)}
    survey(tmp_path / "s", engines)
    status = run.read_status() or {}
    assert (status["state"], status["reason"]) == ("failed", "stand_in: OUT_OF_MEMORY")
    assert (status["phase"], status["done"], status["config_hash"]) == ("train", 40, "h")
    stand_in.jobs = {"1": JobLook(JobState.GONE)}  # long after
    assert rows_of(survey(tmp_path / "s", engines))["a"].reason == "stand_in: OUT_OF_MEMORY"


def test_an_engine_that_knows_no_job_mends_nothing(
    make_run: Make, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the engine of another cluster."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    run = make_run("a", State.RUNNING, job="1")
    with run.lock():
        assert rows_of(survey(tmp_path / "s", engines))["a"].state == "interrupted"
        assert (run.read_status() or {})["state"] == "running"
    assert rows_of(survey(tmp_path / "s", engines))["a"].reason == "stand_in knows its job 1 no more"
    assert (run.read_status() or {})["reason"] == LOST


def test_a_live_run_is_not_overwritten_by_what_an_engine_says(
    make_run: Make, stand_in: Any, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    run = make_run("a", State.RUNNING, job="1")
    stand_in.jobs = {"1": JobLook(JobState.ENDED, "TIMEOUT")}
    with run.lock():  # it still saves
        assert rows_of(survey(tmp_path / "s", engines))["a"].reason == "stand_in: TIMEOUT"
        assert (run.read_status() or {})["state"] == "running"


@pytest.mark.parametrize("name", ["status.json", FILE, "history.jsonl", "result.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"state": 5, "attempts": 3}', '{"split": "validation"\n', "\x00\xff"])
def test_a_damaged_file_is_a_row_that_says_so(
    make_run: Make, engines: Engines, tmp_path: Path, name: str, text: str
) -> None:
    run = make_run("a", State.FAILED, reason="no data")
    make_run("b", State.QUEUED)
    (run.path / name).write_bytes(text.encode("latin-1"))
    found = survey(tmp_path / "s", engines)
    row = rows_of(found)["a"]
    harmless = {("history.jsonl", "{"), ("history.jsonl", "[]"), ("history.jsonl", "\x00\xff")}
    harmless |= {("history.jsonl", '{"state": 5, "attempts": 3}'), ("status.json", '{"state": 5, "attempts": 3}')}
    harmless |= {("result.json", '{"state": 5, "attempts": 3}')}  # an object without checksum and metrics
    if (name, text) not in harmless:
        assert any(name in fault for fault in row.faults), row
    if name == "status.json" and (name, text) not in harmless:
        assert row.state == "damaged"
        assert name in row.reason
    json.dumps(as_json(found), allow_nan=False)


def test_a_damaged_sweep_file_is_a_fault_of_the_sweep(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    make_run("a", State.QUEUED)
    (tmp_path / "s" / "sweep.json").write_text("{")
    assert "sweep.json" in survey(tmp_path / "s", engines).faults[0]


def test_gpu_hours_count_every_attempt(make_run: Make, stand_in: Any, engines: Engines, tmp_path: Path) -> None:
    """8 GPUs: half an hour that ended, an hour that was killed, and one that runs since 11:00."""
    attempts = (attempt("1", "08:00", "08:30"), attempt("1", "09:00", None), attempt("2", "10:00", None))
    make_run("a", State.QUEUED, job="2", attempts=attempts, resources=GPUS)
    stand_in.jobs = {"2": JobLook(JobState.RUNNING, seconds=3600.0)}
    found = survey(tmp_path / "s", engines, NOW)
    (row,) = found.rows
    assert row.seconds == 1800 + 3600 + 7200  # the engine has not counted what came before its requeue
    assert (row.hours, row.planned_hours, row.requeues) == (28.0, 12.0, 2)
    assert summary(found.totals, NOW)[:3] == ["0 of 1 done", "2 requeues", "28.0 of 12.0 planned GPU hours used"]
    stand_in.jobs = {"2": JobLook(JobState.ENDED, "TIMEOUT", seconds=9000.0)}
    assert survey(tmp_path / "s", engines, NOW).rows[0].seconds == 1800 + 3600 + 9000


def test_planned_hours_are_those_of_the_plan_and_not_of_the_limit(
    make_run: Make, engines: Engines, tmp_path: Path
) -> None:
    make_run("a", State.QUEUED, job="2", resources={**GPUS, "expected_hours": 0.5})
    assert survey(tmp_path / "s", engines, NOW).rows[0].planned_hours == 4.0


def test_attempts_before_a_retry_are_used_hours_and_no_requeues(
    make_run: Make, engines: Engines, tmp_path: Path
) -> None:
    run = make_run("a", State.FAILED, job="1", attempts=[attempt("1", "08:00", "08:30")], resources=GPUS)
    record = read_job(run.path)
    assert record is not None
    write_job(run.path, record.set_aside())
    assert read_job(run.path) == record.set_aside()
    (row,) = survey(tmp_path / "s", engines, NOW).rows
    assert (row.hours, row.requeues) == (4.0, 0)


def test_hours_of_a_local_sweep_are_those_of_its_file(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    make_run("a", State.FAILED)
    make_run("b", State.FAILED)
    points = [{"run": "a", "gpus": 2, "seconds": 1800.0}, {"run": "b", "gpus": 0, "seconds": 1800.0}]
    (tmp_path / "s" / "sweep.json").write_text(json.dumps({"points": points}))
    found = survey(tmp_path / "s", engines).totals
    assert (found.hours, found.planned_hours) == (1.0, None)


def rows(*states: tuple[State, float | None, float | None]) -> list[Row]:
    return [Row(str(i), str(state), "", left=left, seconds=took) for i, (state, left, took) in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "seconds"),
    [
        ([(State.FINISHED, None, 100.0)], None),  # nothing is open
        ([(State.RUNNING, 50.0, None)], 50),
        ([(State.RUNNING, None, None)], None),  # nothing is known
        ([(State.RUNNING, None, None), (State.FINISHED, None, 100.0)], 100),
        ([(State.RUNNING, 50.0, None), (State.QUEUED, None, None)], None),
        ([(State.RUNNING, 50.0, None), (State.QUEUED, None, None), (State.FINISHED, None, 100.0)], 150),
        ([(State.RUNNING, 300.0, None), (State.RUNNING, 10.0, None), (State.FINISHED, None, 100.0)], 300),
        ([(State.QUEUED, None, None)] * 3 + [(State.FINISHED, None, 100.0), (State.FINISHED, None, 60.0)], 240),
        ([(State.INTERRUPTED, None, None), (State.FINISHED, None, 100.0)], None),  # nobody works on it
    ],
)
def test_the_expected_end(states: list[tuple[State, float | None, float | None]], seconds: float | None) -> None:
    end = totals(rows(*states), NOW).end
    assert end == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_rate_and_time_left_are_of_a_run_that_runs(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    more = {"phase": "train", "done": 300, "total": 1200, "rate": 3.0, "left": 300}
    live = make_run("live", State.RUNNING, **more)
    make_run("dead", State.RUNNING, **more)
    with live.lock():
        found = rows_of(survey(tmp_path / "s", engines))
    assert (found["live"].rate, found["live"].left) == (3.0, 300.0)
    assert (found["dead"].rate, found["dead"].left, found["dead"].reason) == (None, None, LOST)


def test_best_value_of_a_curve_and_of_a_result(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    run = make_run("a", State.QUEUED)
    (run.path / "config.yaml").write_text("data:\n  monitor: x\ntraining:\n  steps: 5\n  monitor: cross_mrr\nseed: 1\n")
    for step, value in ((1, 0.3), (2, 0.5), (3, 0.4)):
        run.append_history({"step": step, "split": "train", "loss": 1.0})
        run.append_history({"step": step, "split": "validation", "loss": 1.0, "cross_mrr": value})
    done = make_run("b", State.QUEUED)
    done.write_result({"config_hash": "h", "training": None, "metrics": {"d/mono/ndcg@10": 0.2, "d/mono/map": 0.1}})
    found = rows_of(survey(tmp_path / "s", engines))
    assert found["a"].best == BestValue("cross_mrr", 0.5, 2)
    assert found["b"].best == BestValue("d/mono/map", 0.1, None)


def test_watching_ends_when_nothing_runs_and_nothing_waits(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    run = make_run("a", State.QUEUED)
    shown: list[dict[str, int]] = []

    def pause() -> None:
        assert len(shown) < 3
        if len(shown) == 2:
            run.write_result({"config_hash": "h"})

    watch(lambda: [survey(tmp_path / "s", engines)], lambda found: shown.append(found[0].totals.states), pause)
    assert shown == [{"queued": 1}, {"queued": 1}, {"finished": 1}]


def test_a_terminal_shows_what_a_pipe_gets(make_run: Make, engines: Engines, tmp_path: Path) -> None:
    make_run("a[b]", State.FAILED, reason="out of [bold]memory\x1b[2J\n now")
    make_run("b", State.QUEUED)
    found = survey(tmp_path / "s", engines)
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(rendered(found), highlight=False)
    assert [line.split() for line in plain(found).splitlines()] == [
        line.split() for line in console.export_text().splitlines()
    ]
    assert "a[b]  failed  out of [bold]memory[2J  now" in plain(found)
