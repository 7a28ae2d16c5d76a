"""scripts/slurm_*.sh with stand-ins for python, srun and scontrol: report at the end, requeue on SLURM's warning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
SCRIPT = SCRIPTS / "slurm_sweep.sh"
SWEEP = """#!{python}
import os, signal, sys
with open({calls!r}, "a") as calls:
    print(*sys.argv[1:], file=calls)
if sys.argv[2] == "hybridret.run":
    expected = {{signal.SIGUSR1, signal.SIGUSR2}}
    signal.pthread_sigmask(signal.SIG_BLOCK, expected)  # from here on a signal waits for sigwait
    with open({ready!r}, "w") as ready:
        print(os.getpid(), file=ready)
    if signal.sigwait(expected) == signal.SIGUSR1:
        with open({calls!r}, "a") as calls:
            print("saved", file=calls)
        sys.exit(75)
    sys.exit({code})
"""


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class Job:
    """A job whose sweep has started; `sweep` is the process id of the sweep's stand-in."""

    def __init__(self, folder: Path, code: int = 0) -> None:
        self.calls, ready = folder / "calls", folder / "ready"
        os.mkfifo(ready)
        text = SWEEP.format(python=sys.executable, calls=str(self.calls), ready=str(ready), code=code)
        python = executable(folder / "python", text)
        executable(folder / "scontrol", f'#!/usr/bin/env bash\necho "scontrol $@" >> {self.calls}\n')
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "77"}
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT), "4", "mine", "batching=mono,cross"],
            env={**environment, "HYBRIDRET_PYTHON": str(python)},
        )
        self.sweep = int(ready.read_text())  # blocks until the sweep is there

    def lines(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1])
def test_a_sweep_that_ends_is_reported(tmp_path: Path, code: int) -> None:
    job = Job(tmp_path, code)
    os.kill(job.sweep, signal.SIGUSR2)
    assert job.process.wait() == code
    assert job.lines() == [
        "-m hybridret.run -m trainer=gpu hydra.launcher.n_jobs=4 sweep=mine batching=mono,cross",
        "-m hybridret.report multirun/mine",
    ]


def test_the_warning_of_the_time_limit_saves_and_requeues(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.process.send_signal(signal.SIGUSR1)
    assert job.process.wait() == 0
    assert job.lines()[1:] == ["saved", "scontrol requeue 77"]


def run_in_job(script: str, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The script with an srun and a python that leave their arguments in `calls` and end well."""
    for tool in ("srun", "python", "scontrol"):
        executable(folder / tool, f'#!/usr/bin/env bash\necho "{tool} $@" >> {folder}/calls\n')
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "77", "HYBRIDRET_PYTHON": str(folder / "python")}
    line = ["bash", str(SCRIPTS / script), *arguments]
    return subprocess.run(line, env={**os.environ, **path, **more}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("cores", "option"), [({}, ""), ({"SLURM_CPUS_PER_TASK": "12"}, "--cpus-per-task=12 ")])
def test_the_tasks_of_a_run_have_the_cores_of_the_job(tmp_path: Path, cores: dict[str, str], option: str) -> None:
    """srun takes them from its own option since SLURM 22.05, not from sbatch."""
    assert run_in_job("slurm_run.sh", tmp_path, "model=3b", **cores).returncode == 0
    called = f"srun --kill-on-bad-exit=1 {option}{tmp_path}/python -m hybridret.run model=3b\n"
    assert (tmp_path / "calls").read_text() == called


@pytest.mark.parametrize("script", ["slurm_run.sh", "slurm_sweep.sh"])
def test_a_warning_before_anything_runs_requeues(tmp_path: Path, script: str) -> None:
    """The signal comes as soon as the trap is set."""
    early = tmp_path / "early.sh"
    early.write_text('trap() { builtin trap "$@"; kill -USR1 $$; }\n')
    done = run_in_job(script, tmp_path, "4", "mine", BASH_ENV=str(early))
    assert done.returncode == 0
    assert done.stderr == ""
    assert "scontrol requeue 77" in (tmp_path / "calls").read_text()
