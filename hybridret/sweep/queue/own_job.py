"""What a job asks of SLURM about itself: its name, whether it is to go on, and to come back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

GO_ON, LIMIT, END = "USR1", "LIMIT", "TERM"  # two are names of signals, the third is SLURM's TERM at the time limit
PATIENCE = 600.0  # seconds that a controller that is away is asked again
_AWAY = ("unable to contact", "timed out", "munge", "authentication", "zero bytes", "communication", "unexpected")


def job_id() -> str:
    """As `squeue` and `scancel` name this job."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else _own()


def order() -> str:
    """What SLURM means this job to do: GO_ON, end at its time limit (LIMIT), or END, since it is cancelled or put back
    into the queue. END also where SLURM does not answer: a job that was cancelled must not come back."""
    asked = ["squeue", "--noheader", "--format=%T|%r", f"--jobs={_own()}"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return END
    state, _, reason = done.stdout.strip().partition("|")
    if state == "RUNNING":
        return GO_ON
    return LIMIT if "TIMEOUT" in state or reason == "TimeLimit" else END


def requeue(patience: float = 0.0, stop: Callable[[], bool] = lambda: False, pause: float = 10.0) -> bool:
    """Put this job back into the queue; whether SLURM took it.

    A controller that does not answer, which may be restarted just now, is asked again for `patience` seconds, until
    `stop()`.
    """
    end = time.monotonic() + patience
    while True:
        refusal = _requeue()
        if refusal is None or "pending execution" in refusal.lower():  # it waits already
            return True
        if not any(word in refusal.lower() for word in _AWAY) or time.monotonic() >= end or stop():
            print(f"scontrol requeue: {refusal}", file=sys.stderr, flush=True)
            return False
        time.sleep(pause)


def _requeue() -> str | None:
    """Why SLURM did not take it, None where it did."""
    try:
        done = subprocess.run(["scontrol", "requeue", _own()], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "timed out"
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else " ".join((done.stderr or done.stdout).split()) or "refused"


def _own() -> str:
    return os.environ.get("SLURM_JOB_ID", "")
