"""Signals and kills at exact places: what is saved and said, and that the same command ends bit for bit the same."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import COMMAND, Commands, Train, run_of, status

from hybridret.runs import RunDirectory

pytestmark = pytest.mark.slow

STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"  # the last callback of each step
HERE = Path(__file__).resolve().parent


def checkpoint(run: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return state


def history(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    timed = ("seconds", "pairs_per_second", "crc32")
    return [{key: value for key, value in row.items() if key not in timed} for row in rows]


def assert_same(run: Path, whole: Path) -> None:
    """Weights, optimizer, curve and metrics are bit for bit those of the run that nothing disturbed."""
    ours, theirs = checkpoint(run), checkpoint(whole)
    for section in ("state_dict", "optimizer_states", "lr_schedulers"):
        torch.testing.assert_close(ours[section], theirs[section], rtol=0, atol=0)
    best = Path("checkpoints", "best", "model.safetensors")
    assert (run / best).read_bytes() == (whole / best).read_bytes()
    assert history(run) == history(whole)
    results = [json.loads((folder / "result.json").read_text()) for folder in (run, whole)]
    assert results[0]["metrics"] == results[1]["metrics"]
    for key in ("steps", "best_step", "best_validation_loss", "padding_share", "stopped", "mix"):
        assert results[0]["training"][key] == results[1]["training"][key], key
    assert status(run)["state"] == "finished"


@pytest.mark.parametrize(
    ("number", "times", "step", "saved", "code"),
    [
        (signal.SIGINT, 1, 4, 4, 130),
        (signal.SIGINT, 2, 5, 3, 130),  # a second Ctrl-C does not wait for a checkpoint
        (signal.SIGTERM, 1, 2, 2, 75),
        (signal.SIGUSR1, 1, 5, 5, 75),
    ],
)
def test_a_signal_in_training_saves_and_the_same_command_goes_on(
    train: Train,
    whole: Path,
    tmp_path: Path,
    number: signal.Signals,
    times: int,
    step: int,
    saved: int,
    code: int,
) -> None:
    hook = {"target": STEP, "call": step, "signal": number, "times": times}
    stopped = train(tmp_path, hooks=[hook])
    assert stopped.returncode == code, stopped.stderr
    run = run_of(tmp_path)
    assert checkpoint(run)["global_step"] == saved
    assert status(run)["state"] == "interrupted"
    assert not (run / "result.json").exists()
    assert stopped.stderr.count("\n") == 1
    assert f"{COMMAND} model=nano" in stopped.stderr
    assert "last.ckpt" in stopped.stderr
    again = train(tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"at step {saved}" in again.stdout
    assert_same(run, whole)


def test_what_is_said_is_a_command(train: Train, tmp_path: Path) -> None:
    """Quoted for a shell: it composes to the same run directory."""
    hook = {"target": "hybridret.components.components:Components.encoder", "call": 1, "signal": signal.SIGINT}
    stopped = train(tmp_path, hooks=[hook])
    assert stopped.returncode == 130
    assert status(run_of(tmp_path))["state"] == "interrupted"
    assert not (run_of(tmp_path) / "checkpoints" / "last.ckpt").exists()
    printed = stopped.stderr.strip()[stopped.stderr.index(COMMAND) :]
    words = subprocess.run(["bash", "-c", f"printf '%s\\n' {printed}"], capture_output=True, text=True, check=True)
    assert words.stdout.splitlines() == [*COMMAND.split(), *train.arguments]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)])
def test_a_signal_before_anything_is_claimed_leaves_nothing(
    train: Train, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    hook = {"target": "hybridret.components.components:Components.check", "call": 1, "signal": number}
    stopped = train(tmp_path, hooks=[hook])
    assert stopped.returncode == code, stopped.stderr
    assert f"To go on: {COMMAND} model=nano" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)])
def test_a_signal_in_the_evaluation_keeps_the_training(
    train: Train, whole: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    hook = {"target": "hybridret.pipelines.scoring:evaluate", "call": 1, "signal": number}
    stopped = train(tmp_path, hooks=[hook])
    assert stopped.returncode == code, stopped.stderr
    run = run_of(tmp_path)
    assert status(run)["state"] == "interrupted"
    rows = (run / "history.jsonl").read_bytes()
    assert train(tmp_path).returncode == 0
    assert (run / "history.jsonl").read_bytes() == rows
    assert_same(run, whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize(
    "target",
    [
        "hybridret.components.components:Components.collections",  # before the directory is claimed
        "hybridret.components.components:Components.trained_encoder",
        "pytorch_lightning:Trainer.fit",
        "pytorch_lightning.loops.fit_loop:_FitLoop.setup_data",  # Lightning's own handlers would be in place here
    ],
)
def test_a_signal_before_the_first_step_asks_for_requeue(
    train: Train, tmp_path: Path, number: signal.Signals, target: str
) -> None:
    stopped = train(tmp_path, hooks=[{"target": target, "call": 1, "signal": number}])
    assert stopped.returncode == 75, stopped.stderr
    assert "Traceback" not in stopped.stderr
    if "collections" not in target:
        assert status(run_of(tmp_path))["state"] == "interrupted"
        last = run_of(tmp_path) / "checkpoints" / "last.ckpt"
        assert last.exists() == target.startswith("pytorch_lightning")  # there the first step is taken and saved


def test_a_second_signal_on_the_way_out_does_not_change_the_exit_code(train: Train, tmp_path: Path) -> None:
    """SLURM sends USR1, then TERM; taking torch apart lasts seconds."""
    stop = {"target": STEP, "call": 2, "signal": signal.SIGUSR1}
    late = {"target": "atexit:_run_exitfuncs", "call": 1, "signal": signal.SIGTERM}
    stopped = train(tmp_path, hooks=[stop, late])
    assert stopped.returncode == 75


@pytest.mark.parametrize("place", ["between two steps", "while a checkpoint is written", "before result.json"])
def test_a_killed_run_is_finished_by_the_same_command(train: Train, whole: Path, tmp_path: Path, place: str) -> None:
    target, call = {
        "between two steps": (STEP, random.randint(1, 6)),
        "while a checkpoint is written": ("hybridret.training.checkpoints:torch.save", 2),
        "before result.json": ("hybridret.runs:RunDirectory.write_result", 1),
    }[place]
    hook = {"target": target, "call": call, "signal": signal.SIGKILL}
    assert train(tmp_path, hooks=[hook]).returncode == -signal.SIGKILL
    run = run_of(tmp_path)
    assert status(run)["state"] == "running"  # nobody could say otherwise
    assert RunDirectory(run).look()["state"] == status(run)["state"] == "interrupted"
    again = train(tmp_path)
    assert again.returncode == 0, f"killed at call {call}: {again.stderr}"
    assert_same(run, whole)


def test_an_interrupted_evaluation_of_a_checkpoint_starts_anew(
    command: Commands, run_copy: Path, tmp_path: Path
) -> None:
    asked = (f"checkpoint='{run_copy}'",)
    hook = {"target": "hybridret.pipelines.scoring:evaluate", "call": 1, "signal": signal.SIGTERM}
    stopped = command("evaluate", *asked, folder=tmp_path, hooks=[hook])
    assert stopped.returncode == 75
    assert "python -m hybridret.evaluate" in stopped.stderr
    assert not (run_copy / "evaluations" / "heldout" / "result.json").exists()


def test_ctrl_c_stops_a_sweep_and_the_same_command_finishes_it(
    environment: dict[str, str], train: Train, tmp_path: Path
) -> None:
    """Real processes: the first point sends Ctrl-C to its sweep at step 4 and waits for what the sweep sends back."""
    line = [
        sys.executable,
        "-m",
        "hybridret.run",
        "-m",
        *train.arguments,
        "seed=1,2",
        "hydra.launcher.module=armed_run",
    ]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])}
    (tmp_path / "armed").touch()
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert f"run the same command again: {COMMAND} -m model=nano" in done.stderr
    summary = tmp_path / "multirun" / "default" / "sweep.json"
    points = json.loads(summary.read_text())["points"]
    assert [(point["state"], point["exit_code"]) for point in points] == [("interrupted", 130), ("queued", None)]
    first = summary.parent / points[0]["run"]
    assert checkpoint(first)["global_step"] == 4
    with pytest.raises(ProcessLookupError):
        os.kill(status(first)["pid"], 0)
    again = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert {point["state"] for point in json.loads(summary.read_text())["points"]} == {"finished"}
    assert "at step 4" in (first / "log.txt").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_point_whose_sweep_is_killed_saves_and_leaves(
    environment: dict[str, str], train: Train, tmp_path: Path
) -> None:
    words = (*train.arguments, "hydra.launcher.module=armed_run")
    line = [sys.executable, "-m", "hybridret.run", "-m", *words]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])}
    (tmp_path / "armed").write_text("ORPHAN")
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    run = run_of(tmp_path)
    with suppress(ProcessLookupError):
        select.select([os.pidfd_open(status(run)["pid"])], [], [])  # until it has left
    assert checkpoint(run)["global_step"] == 4
    assert (status(run)["state"], status(run)["reason"]) == ("interrupted", "stopped by SIGTERM")
