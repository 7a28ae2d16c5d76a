"""Ranks that a sweep and a SLURM job start as real processes; what they leave is finished by two forked ranks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Train, run_of, status
from pairs import PAIR, Pair, assert_finishes_as, state

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "scripts" / "slurm_run.sh"

#: Two tasks with what SLURM tells them. It passes signals on, ends the others when one ends badly, like srun -K, and
#: leaves with the highest exit code.
SRUN = """#!{python}
import os, signal, subprocess, sys
command = sys.argv[1:]
while command[0].startswith("--"):
    command.pop(0)
step = {{"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_STEP_NODELIST": "127.0.0.1",
        "SLURM_STEP_ID": "0", "SLURM_NODEID": "0", "SLURM_NTASKS": "2"}}
if os.path.exists("armed"):
    with open("armed", "w") as armed:
        armed.write(f"USR1 {{os.getppid()}}")
tasks = {{}}
for number in range(2):
    place = {{"SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)}}
    task = subprocess.Popen(command, env={{**os.environ, **step, **place}}, stdout=open(f"task-{{number}}", "w"))
    tasks[task.pid] = task
def pass_on(number, frame=None):
    for task in tasks:
        os.kill(task, number)
signal.signal(signal.SIGUSR1, pass_on)
codes = []
while tasks:
    ended, code = os.wait()
    del tasks[ended]
    codes.append(os.waitstatus_to_exitcode(code))
    if codes[-1]:
        pass_on(signal.SIGTERM)
sys.exit(max(codes))
"""


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def slurm(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment with stand-ins for srun and scontrol, inside the batch script of job 77 of two tasks."""
    tools = tmp_path / "tools"
    tools.mkdir()
    executable(tools / "srun", SRUN.format(python=sys.executable))
    executable(tools / "scontrol", '#!/usr/bin/env bash\necho "scontrol $@" >> calls\n')
    executable(tools / "python", f'#!/usr/bin/env bash\nexec {sys.executable} -m armed_run "${{@:3}}"\n')
    job = {"SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "hybridret-x", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}
    path = os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])
    tasks = {"HYBRIDRET_PYTHON": str(tools / "python"), "PATH": f"{tools}:{environment['PATH']}", "PYTHONPATH": path}
    return {**environment, **job, **tasks}


def test_the_warning_of_slurm_saves_all_tasks_and_requeues(
    slurm: dict[str, str],
    steady: Train,
    pair: Pair,
    undisturbed: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "armed").touch()
    line = ["bash", str(SCRIPT), *steady.arguments, *PAIR]
    done = subprocess.run(line, cwd=tmp_path, env=slurm, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text() == "scontrol requeue 77\n"
    run = run_of(tmp_path)
    assert (status(run)["state"], status(run)["reason"]) == ("interrupted", "stopped by SIGUSR1")
    assert state(run)["global_step"] == 4
    assert_finishes_as(pair, tmp_path, undisturbed, 4)


@pytest.mark.parametrize("code", [0, 1, 137])
def test_a_slurm_run_that_ends_otherwise_is_not_requeued(slurm: dict[str, str], tmp_path: Path, code: int) -> None:
    executable(tmp_path / "tools" / "srun", f'#!/usr/bin/env bash\necho "$@" > asked\nexit {code}\n')
    done = subprocess.run(["bash", str(SCRIPT), "model=3b"], cwd=tmp_path, env=slurm, check=False)
    assert done.returncode == code
    assert not (tmp_path / "calls").exists()
    asked = (tmp_path / "asked").read_text()
    assert asked == f"--kill-on-bad-exit=1 {slurm['HYBRIDRET_PYTHON']} -m hybridret.run model=3b\n"


@pytest.mark.parametrize("rank", [1])
def test_a_killed_rank_ends_its_point_of_a_sweep_with_the_reason(
    environment: dict[str, str],
    steady: Train,
    pair: Pair,
    undisturbed: Path,
    tmp_path: Path,
    rank: int,
) -> None:
    (tmp_path / "armed").write_text(f"KILL {rank}")
    line = [sys.executable, "-m", "hybridret.run", "-m", *steady.arguments, *PAIR, "hydra.launcher.module=armed_run"]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    reason = f"rank {rank} was killed by signal 9 (out of memory?)"
    (point,) = json.loads((tmp_path / "multirun" / "default" / "sweep.json").read_text())["points"]
    assert (point["state"], point["reason"], point["exit_code"]) == ("failed", reason, -9)
    run = run_of(tmp_path)
    assert (status(run)["state"], status(run)["reason"]) == ("failed", reason)
    assert reason in done.stderr
    assert "Another one of the 2 processes" in (run / "log.txt").read_text()
    assert_finishes_as(pair, tmp_path, undisturbed, 3)
