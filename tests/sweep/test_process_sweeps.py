"""Real sweeps of a stand-in application: `python -m stand_in -m ...` in a process, its points in theirs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from stand_in_app import ROOT, App

pytestmark = pytest.mark.slow


def test_each_failure_stays_with_its_point(app: App) -> None:
    done = app.run("-m", "behaviour=raise,exit,killed,bad,skip,finish,requeue", "hydra.launcher.n_jobs=2")
    assert done.returncode == 1, done.stderr
    points = app.points()
    outcome = {name: (point["state"], point["exit_code"]) for name, point in points.items()}
    assert outcome == {
        "behaviour=raise": ("failed", 1),
        "behaviour=exit": ("failed", 7),
        "behaviour=killed": ("failed", -signal.SIGKILL),
        "behaviour=bad": ("failed", 2),
        "behaviour=skip": ("skipped", 2),
        "behaviour=finish": ("finished", 0),
        "behaviour=requeue": ("interrupted", 75),
    }
    assert points["behaviour=raise"]["reason"] == "RuntimeError: a tensor was lost"
    assert points["behaviour=exit"]["reason"] == "the driver said no"
    assert points["behaviour=killed"]["reason"] == "killed by signal 9 (out of memory?)"
    assert points["behaviour=bad"]["reason"] == "data.path=nowhere: there is no such folder."
    assert points["behaviour=skip"]["reason"] == "this family has no such size"
    for name, point in points.items():  # the run directories tell the same
        status = app.json(point["run"], "status.json")
        assert (status["state"], status["reason"]) == (point["state"], point["reason"]), name
    assert app.json("sweep.json")["counts"] == {"failed": 4, "finished": 1, "interrupted": 1, "skipped": 1}
    assert "killed by signal 9 (out of memory?)" in done.stdout
    assert "failed      behaviour-bad_seed-1 (" in done.stderr
    assert "a tensor was lost" in (app.folder / "out" / "s" / "behaviour-raise_seed-1" / "log.txt").read_text()
    assert sorted(path.name for path in app.folder.iterdir() if path.name != "__pycache__") == [
        "batching", "config.yaml", "fifo", "out", "stand_in.py",
    ]  # fmt: skip


def test_what_is_finished_starts_no_process_again(app: App) -> None:
    assert app.run("-m", "word=a,b").returncode == 0
    log = app.folder / "out" / "s" / "word-a_seed-1" / "log.txt"
    log.write_text("untouched")
    again = app.run("-m", "word=a,b,c", "trainer.devices=2")
    assert again.returncode == 0
    assert [line for line in again.stderr.splitlines() if line.startswith("started")] == ["started   word-c_seed-1"]
    assert log.read_text() == "untouched"
    states = {name: (point["state"], point["exit_code"]) for name, point in app.points().items()}
    assert states == {"word=a": ("finished", None), "word=b": ("finished", None), "word=c": ("finished", 0)}


def test_a_failed_point_is_tried_again(app: App) -> None:
    run = app.folder / "out" / "s" / "behaviour-finish_seed-1"
    run.mkdir(parents=True)
    held = {"state": "failed", "reason": "an old story", "config_hash": "of something else"}
    (run / "status.json").write_text(json.dumps(held))
    refused = app.run("-m", "behaviour=finish")
    assert refused.returncode == 1
    assert "holds a run of another config" in app.points()["behaviour=finish"]["reason"]
    assert json.loads((run / "status.json").read_text()) == held
    shutil.rmtree(run)
    assert app.run("-m", "behaviour=finish").returncode == 0


def test_the_same_run_twice_runs_once(app: App) -> None:
    done = app.run("-m", "word='x',x", "trainer.devices=1,2")
    assert done.returncode == 0
    assert done.stderr.count("started") == 1
    points = app.json("sweep.json")["points"]
    assert [point["same_as"] for point in points] == [None, 0, 0, 0]
    assert {point["state"] for point in points} == {"finished"}


def test_a_point_that_cannot_be_composed_fails_alone(app: App) -> None:
    done = app.run("-m", "batching=mono,hybrid", "batching.alpha=0.25")
    assert done.returncode == 1
    points = app.points()
    assert points["batching=mono"]["state"] == "failed"
    assert "batching.alpha" in points["batching=mono"]["reason"]
    assert points["batching=hybrid"]["state"] == "finished"
    assert points["batching=hybrid"]["run"] == "batching-hybrid_alpha-0.25_seed-1"


def test_a_command_of_which_no_point_can_be_composed_is_bad_input(app: App) -> None:
    done = app.run("-m", "batching=hybird,mona")
    assert done.returncode == 2
    assert "hybird" in done.stderr
    assert not (app.folder / "out").exists()


def test_values_reach_the_process_as_they_were_written(app: App) -> None:
    word = r"""word='a b, "c"=d/e',[x,'y z'],{k: 1.50},null,"""
    done = app.run("-m", word + "'5'", "+data.x=1e-3", "++seed=7", "hydra.launcher.n_jobs=2")
    assert done.returncode == 0, done.stderr
    runs = [app.json(point["run"], "result.json")["word"] for point in app.json("sweep.json")["points"]]
    assert runs == ['a b, "c"=d/e', ["x", "y z"], {"k": 1.5}, None, "5"]
    assert all(point["run"].endswith("_seed-7") for point in app.json("sweep.json")["points"])


def test_points_run_side_by_side_with_their_share_of_threads_and_gpus(app: App) -> None:
    meeting = ("behaviour=meet-r,meet-w", "fifo=fifo", "trainer.accelerator=gpu")  # each waits for the other
    done = app.run("-m", *meeting, "hydra.launcher.n_jobs=2", "hydra.launcher.threads=3", CUDA_VISIBLE_DEVICES="4,6")
    assert done.returncode == 0, done.stderr
    seen = [app.json(point["run"], "result.json")["seen"] for point in app.json("sweep.json")["points"]]
    assert sorted(one["CUDA_VISIBLE_DEVICES"] for one in seen) == ["4", "6"]
    assert {one["OMP_NUM_THREADS"] for one in seen} == {"3"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_stops_the_points_and_says_how_to_go_on(app: App, number: signal.Signals, code: int) -> None:
    sweep = app.start("-m", "behaviour=wait", "fifo=fifo", "word=a,b,c", "hydra.launcher.n_jobs=2")
    told = os.open(app.folder / "fifo", os.O_RDWR)  # both ends: it never reads an end of file
    assert [os.read(told, 1), os.read(told, 1)] == [b"x", b"x"]  # the two points that fit work
    os.close(told)
    sweep.send_signal(number)
    _, errors = sweep.communicate(timeout=60)
    assert sweep.returncode == code, errors
    points = app.json("sweep.json")["points"]
    assert [(point["state"], point["exit_code"]) for point in points] == [
        ("interrupted", code),
        ("interrupted", code),
        ("queued", None),
    ]
    assert [app.json(point["run"], "status.json")["state"] for point in points] == [
        "interrupted",
        "interrupted",
        "queued",
    ]
    command = "python -m stand_in -m behaviour=wait fifo=fifo word=a,b,c hydra.launcher.n_jobs=2"
    assert f"run the same command again: {command}" in errors
    for point in points[:2]:
        with pytest.raises(ProcessLookupError):
            os.kill(app.json(point["run"], "status.json")["pid"], 0)


def test_another_shell_cancels_a_sweep_and_its_points_save(app: App) -> None:
    sweep = app.start("-m", "behaviour=wait", "fifo=fifo", "word=a,b", "sweep=s")
    line = [sys.executable, "-m", "hybridret.cancel", "out/s"]
    with open(app.folder / "fifo") as told:
        assert told.read(1) == "x"
        summary = app.json("sweep.json")
        assert summary["controller"]["pid"] == sweep.pid
        assert (summary["directory"], summary["folder"]) == (str(app.folder), "out/s")
        assert [point["gpus"] for point in summary["points"]] == [0, 0]
        done = subprocess.run(line, cwd=app.folder, env=app.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"out/s: process {sweep.pid} was asked to stop (SIGTERM); its runs save their state.\n"
    sweep.communicate(timeout=60)
    assert sweep.returncode == 75
    assert [point["state"] for point in app.json("sweep.json")["points"]] == ["interrupted", "queued"]
    again = subprocess.run(line, cwd=app.folder, env=app.environment(), capture_output=True, text=True, check=False)
    assert again.stdout == "out/s: nothing runs and nothing waits.\n"


def test_cancelling_finds_each_sweep_of_a_folder(app: App) -> None:
    """sweep.json names the second one; the point that the first one started leads to it."""
    words = ("-m", "behaviour=wait", "fifo=fifo", "sweep=s")
    told = os.open(app.folder / "fifo", os.O_RDWR)  # both ends: it never reads an end of file
    first = app.start(*words, "word=a,c")
    assert os.read(told, 1) == b"x"
    second = app.start(*words, "word=a,b")
    assert os.read(told, 1) == b"x"
    os.close(told)
    line = [sys.executable, "-m", "hybridret.cancel", "out/s"]
    subprocess.run(line, cwd=app.folder, env=app.environment(), check=True, capture_output=True)
    for sweep in (first, second):
        sweep.communicate(timeout=60)
        assert sweep.returncode == 75


def test_a_second_sweep_leaves_a_live_run_alone(app: App) -> None:
    """It says so, and asks to be called again; what the first one works on is not called failed."""
    words = ("-m", "behaviour=wait", "fifo=fifo", "word=a", "sweep=s")
    first = app.start(*words)
    with open(app.folder / "fifo") as told:
        assert told.read(1) == "x"
        run = app.json("sweep.json")["points"][0]["run"]
        before = app.json(run, "status.json")
        log = (app.folder / "out/s" / run / "log.txt").read_bytes()
        second = app.run(*words)
        assert second.returncode == 75, second.stderr
        assert f"is in use: process {before['pid']}" in second.stdout + second.stderr
        assert app.json(run, "status.json") == before
        assert (app.folder / "out/s" / run / "log.txt").read_bytes() == log
        assert [point["state"] for point in app.json("sweep.json")["points"]] == ["running"]
        first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 75
    assert app.json(run, "status.json")["state"] == "interrupted"
    assert [point["state"] for point in app.json("sweep.json")["points"]] == ["interrupted"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_finished_run_is_finished_however_its_process_ended(app: App, number: int) -> None:
    done = app.run("-m", "behaviour=finish", f"+late={int(number)}")
    assert done.returncode == 0, done.stderr
    (point,) = app.json("sweep.json")["points"]
    assert (point["state"], point["exit_code"]) == ("finished", -number)
    assert app.json(point["run"], "status.json")["state"] == "finished"


def test_a_second_ctrl_c_ends_what_does_not_listen(app: App) -> None:
    sweep = app.start("-m", "behaviour=stubborn", "fifo=fifo")
    with open(app.folder / "fifo") as told:
        assert told.read(1) == "x"
        sweep.send_signal(signal.SIGINT)
        assert told.read(1) == "i"
        sweep.send_signal(signal.SIGINT)
        assert told.read() == ""  # the last writer is gone
    sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    (point,) = app.json("sweep.json")["points"]
    assert (point["state"], point["exit_code"]) == ("interrupted", -signal.SIGKILL)


def test_several_batches_end_with_one_summary(app: App) -> None:
    done = app.run("-m", "behaviour=bad,finish", "hydra.sweeper.max_batch_size=1")
    assert done.returncode == 1
    assert [point["state"] for point in app.json("sweep.json")["points"]] == ["failed", "finished"]


def test_hydras_own_sweeper_gets_the_exit_code_too(app: App) -> None:
    assert app.run("-m", "behaviour=bad,finish", "hydra/sweeper=basic", "hydra.sweep.dir=out").returncode == 1
    assert app.points()["behaviour=finish"]["state"] == "finished"


def test_a_sweep_is_started_once(app: App) -> None:
    torchrun = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    refused = app.run("-m", "behaviour=finish", **torchrun)
    assert refused.returncode == 2
    assert "A sweep (-m) was started 2 times at once" in refused.stderr
    assert not (app.folder / "out").exists()


def test_plugins_are_light() -> None:
    heavy = "{'torch', 'rich', 'numpy', 'pandas', 'pytorch_lightning', 'transformers'}"
    code = f"import sys, hydra_plugins.hybridret_process; sys.exit(sorted({heavy} & set(sys.modules)) != [])"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0
