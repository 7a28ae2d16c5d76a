"""What differs between clusters for a job that runs there: its name, who brings it back, and how often that was."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol

from hybridret.base.errors import UserError
from hybridret.runs.job_record import JOB, Attempt
from hybridret.sweep.queue import own_job
from hybridret.sweep.queue.own_job import END


class Surroundings(Protocol):
    """`in_place`: a job that is to come back does so in the process that it is, without a queue."""

    @property
    def in_place(self) -> bool: ...

    def job_id(self) -> str:
        """As the engine names this job."""

    def order(self) -> str:
        """What a signal means: GO_ON, LIMIT or END."""

    def requeue(self, patience: float = 0.0, stop: Callable[[], bool] = lambda: False) -> bool:
        """Bring this job back; whether that was possible."""

    def restarts(self, attempts: Sequence[Attempt]) -> int:
        """How often this job has come back; `attempts`: its own, the present one included."""


class InSlurm:
    """A job of SLURM goes back into the queue and gets another node."""

    in_place = False

    def job_id(self) -> str:
        return own_job.job_id()

    def order(self) -> str:
        return own_job.order()

    def requeue(self, patience: float = 0.0, stop: Callable[[], bool] = lambda: False) -> bool:
        return own_job.requeue(patience, stop)

    def restarts(self, attempts: Sequence[Attempt]) -> int:
        return int(os.environ.get("SLURM_RESTART_COUNT") or 0)


class WithoutQueue:
    """A job of an engine that has no queue to go back to (Ray), or that starts its pod again by itself (Kubernetes):
    after a failure the point is started again at once, where it is. A signal is the cluster's, which knows what comes
    next."""

    in_place = True

    def job_id(self) -> str:
        """Raises UserError outside of a job."""
        if not (job := os.environ.get(JOB)):
            raise UserError(f"{JOB} is not set: this command is started by a cluster, not by hand.")
        return job

    def order(self) -> str:
        return END

    def requeue(self, patience: float = 0.0, stop: Callable[[], bool] = lambda: False) -> bool:
        return not stop()

    def restarts(self, attempts: Sequence[Attempt]) -> int:
        return len(attempts) - 1


def surroundings(engine: str) -> Surroundings:
    """Those of a job of the engine with this name."""
    return InSlurm() if engine == "slurm" else WithoutQueue()
