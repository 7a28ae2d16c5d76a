"""The process or processes of a job's point: a step of SLURM, or started right here where there is no srun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Protocol

from hybridret.base.interruption import PARENT
from hybridret.sweep.engines.engine import Task
from hybridret.sweep.rank_processes import Ending, RankProcesses

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Started(Protocol):
    """Processes that run."""

    def send(self, number: int) -> None:
        """Send a signal to all of them."""

    def wait(self) -> Ending:
        """Their outcome, once they have ended."""


class Step:
    """One process, or a step of SLURM: one task for each device, all of which see all GPUs of their node. A point of
    one process is a step as well: where a partition grants preempted jobs some time, SLURM signals steps and not the
    batch script.

    SLURM does not hand the job's --cpus-per-task down to srun, which would give each process one core. The output goes
    straight to `log`, without what srun itself has to say.
    """

    def __init__(self, task: Task, container: Sequence[str], log: Path) -> None:
        self._log, self._stepped = log, stepped(task)
        with open(log, "ab") as file:
            self._start = file.tell()
            self._process = subprocess.Popen(
                self._command(task, container),
                stdin=subprocess.DEVNULL,
                stdout=None if self._stepped else file,
                stderr=None if self._stepped else subprocess.STDOUT,
                env={**os.environ, **self._environment(task, container)},
                start_new_session=True,
            )

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self) -> Ending:
        code = self._process.wait()
        code = from_srun(code) if self._stepped else code
        return Ending(0, 1, code, self._log, self._start, (self._process.pid,))

    def _command(self, task: Task, container: Sequence[str]) -> list[str]:
        inner = words(task, container)
        if not self._stepped:
            return inner
        asked = task.resources
        nodes = [f"--nodes={asked.nodes}", f"--ntasks={asked.nodes * asked.tasks}", f"--ntasks-per-node={asked.tasks}"]
        each = [f"--cpus-per-task={max(1, asked.cores // asked.tasks)}"]
        output = [f"--output={str(self._log.absolute()).replace('%', '%%')}", "--open-mode=append"]
        return ["srun", "--kill-on-bad-exit=1", *nodes, *each, *output, *inner]

    def _environment(self, task: Task, container: Sequence[str]) -> dict[str, str]:
        """A process without srun and container ends when this one does."""
        parent = {} if self._stepped or container else {PARENT: str(os.getpid())}
        return {**environment(task), **parent}


class DeviceProcesses:
    """One process for each device of this machine, which train together; as a sweep starts them without a cluster."""

    def __init__(self, task: Task, container: Sequence[str], log: Path) -> None:
        self._ended = Event()
        logs = [log, *(log.with_name(f"log-rank-{rank}.txt") for rank in range(1, task.resources.tasks))]
        every = {**os.environ, **environment(task)}
        self._processes = RankProcesses(words(task, container), logs, every, self._ended.set)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._processes.send(number)

    def wait(self) -> Ending:
        self._ended.wait()
        return self._processes.ending()


def words(task: Task, container: Sequence[str]) -> list[str]:
    """The command of a process of the task."""
    return [*container, "python" if container else sys.executable, "-m", task.module, *task.arguments]


def environment(task: Task) -> dict[str, str]:
    """Threads by the cores of each process."""
    threads = dict.fromkeys(THREADS, str(max(1, task.resources.cores // task.resources.tasks)))
    return {"PYTHONUNBUFFERED": "1", **threads, **task.environment}


def stepped(task: Task) -> bool:
    """Whether srun starts the processes of a task: always inside a job of SLURM."""
    return task.resources.nodes * task.resources.tasks > 1 or "SLURM_JOB_ID" in os.environ


def from_srun(code: int) -> int:
    """An exit code of srun, which spells signals as a shell does; 167 and others say that it could not start a step."""
    return 128 - code if code - 128 in set(signal.Signals) else code
