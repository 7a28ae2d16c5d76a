"""scripts/slurm_*.sh with stand-ins for python, srun and scontrol: report at the end, requeue on SLURM's warning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
SCRIPT = SCRIPTS / "slurm_sweep.sh"
SWEEP = """#!{python}
import os, signal, sys
with open({calls!r}, "a") as calls:
    print(*sys.argv[1:], file=calls)
if sys.argv[2] == "hybridret.run":
    expected = {{signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}}
    signal.pthread_sigmask(signal.SIG_BLOCK, expected)  # from here on a signal waits for sigwait
    with open({ready!r}, "w") as ready:
        print(os.getpid(), file=ready)
    if signal.sigwait(expected) != signal.SIGUSR2:
        with open({calls!r}, "a") as calls:
            print("saved", file=calls)
        sys.exit(75)
    sys.exit({code})
if sys.argv[2] == "hybridret.report" and "REPORT" in os.environ:
    os.kill(os.getppid(), signal.SIGUSR1)
"""


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class Job:
    """A job whose sweep has started; `sweep` is the process id of the sweep's stand-in."""

    def __init__(self, folder: Path, code: int = 0, gpus: int = 4, words: Sequence[str] = (), **more: str) -> None:
        self.calls, ready = folder / "calls", folder / "ready"
        os.mkfifo(ready)
        text = SWEEP.format(python=sys.executable, calls=str(self.calls), ready=str(ready), code=code)
        python = executable(folder / "python", text)
        executable(folder / "scontrol", f'#!/usr/bin/env bash\necho "scontrol $@" >> {self.calls}\n')
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "77"}
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT), str(gpus), "mine", "batching=mono,cross", *words],
            env={**environment, "HYBRIDRET_PYTHON": str(python), **more},
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


def test_the_end_of_the_job_waits_until_the_points_have_saved(tmp_path: Path) -> None:
    """SLURM kills what is left as soon as the script has ended; it alone knows whether the job comes back."""
    job = Job(tmp_path)
    job.process.send_signal(signal.SIGTERM)
    assert job.process.wait() == 75
    assert job.lines()[1:] == ["saved"]


def test_a_warning_after_the_sweep_requeues_nothing(tmp_path: Path) -> None:
    """The report of what is finished is made; the signal comes when it begins."""
    job = Job(tmp_path, REPORT="warned while it is made")
    os.kill(job.sweep, signal.SIGUSR2)
    assert job.process.wait() == 0
    assert [line for line in job.lines() if line.startswith("scontrol")] == []
    assert "hybridret.report multirun/mine" in job.lines()[-1]


def test_a_job_without_gpus_and_a_folder_of_the_user(tmp_path: Path) -> None:
    job = Job(tmp_path, gpus=0, words=["output=there"], SLURM_CPUS_PER_TASK="3")
    os.kill(job.sweep, signal.SIGUSR2)
    assert job.process.wait() == 0
    assert job.lines() == [
        "-m hybridret.run -m trainer=cpu hydra.launcher.n_jobs=3 sweep=mine batching=mono,cross output=there",
        "-m hybridret.report there/mine",
    ]


def test_the_command_to_go_on_is_the_one_that_was_typed(tmp_path: Path) -> None:
    shown = executable(tmp_path / "python", f'#!/usr/bin/env bash\necho "$HYBRIDRET_COMMAND" >> {tmp_path}/shown\n')
    job = {**os.environ, "HYBRIDRET_PYTHON": str(shown)}
    subprocess.run(["bash", str(SCRIPT), "2", "mine", "seed=1,2", "data.path=$HOME/x"], env=job, check=True)
    typed = (tmp_path / "shown").read_text().splitlines()[0]
    assert typed == 'make slurm GPUS=2 SWEEP=mine ARGS="seed=1,2 data.path=$$HOME/x"'


@pytest.mark.parametrize(("gpus", "asked"), [("0", "--cpus-per-task=4"), ("2", "--gres=gpu:2 --cpus-per-task=8")])
def test_what_make_asks_slurm_for(gpus: str, asked: str) -> None:
    line = ["make", "-n", "slurm", f"GPUS={gpus}", "SWEEP=mine"]
    told = " ".join(subprocess.run(line, cwd=SCRIPTS.parent, capture_output=True, text=True, check=True).stdout.split())
    assert f"--job-name=mine --nodes=1 --ntasks=1 {asked} --signal=B:USR1@300" in told
    assert f"scripts/slurm_sweep.sh {gpus} mine" in told


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
