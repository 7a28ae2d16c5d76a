"""A single run that gets a signal saves its state, says how to go on, and leaves with the right code (traps 19)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

# The program of `python -m hybridret.run`; each row of the history is told, so that the test knows that training runs.
PROGRAM = """
import runpy, sys
from hybridret.runs.directory import RunDirectory
append = RunDirectory.append_history
RunDirectory.append_history = lambda self, row: (append(self, row), print("row", row["step"], flush=True))
sys.argv = ["hybridret.run", *sys.argv[1:]]
runpy.run_module("hybridret.run", run_name="__main__")
"""
OVERRIDES = [
    "experiment=smoke",
    "model=nano",
    "logger=none",
    "training.steps=100000",
    "training.checkpoint_every=100000",
]


def signalled(folder: Path, number: signal.Signals) -> tuple[int, str, str]:
    """Exit code, standard output and error of a run that gets `number` in the middle of training."""
    command = [sys.executable, "-c", PROGRAM, *OVERRIDES, "training.validate_every=100000"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("row"):
                process.send_signal(number)
                break
        out, complaint = process.communicate(timeout=120)
    return process.returncode, told + out, complaint


def test_signals_save_the_state_and_the_same_command_goes_on(tmp_path: Path) -> None:
    code, _, complaint = signalled(tmp_path, signal.SIGUSR1)
    assert code == 75, complaint
    assert "run the same command again" in complaint
    run = next((tmp_path / "multirun" / "smoke").iterdir())
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["reason"]) == ("interrupted", "stopped by SIGUSR1")
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert not (run / "result.json").exists()

    code, told, complaint = signalled(tmp_path, signal.SIGINT)
    assert code == 130, complaint
    assert f"Resuming multirun/smoke/{run.name} at step" in told
    assert "Traceback" not in complaint
    steps = [json.loads(line)["step"] for line in (run / "history.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))  # no row twice, none lost behind the checkpoint
