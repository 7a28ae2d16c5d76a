"""`python -m hybridret.sweep.queue.job TASKS [NUMBER]`: what runs inside a job of a cluster, one point in one or more
processes.

It is the first process of the job (of SLURM's batch script, of Kubernetes' container, of Ray's entrypoint), so signals
come to it: it passes them on, waits until the point has saved (SLURM kills what is left when the batch script ends),
notes the attempt in `job.json`, and brings the job back where that is right. Its exit code is that of the point. Torch
is never imported here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from hybridret.base.errors import BAD_INPUT, DONE, POINT_FAILED, REQUEUE, UserError
from hybridret.base.interruption import refuse
from hybridret.runs import RunDirectory, State
from hybridret.runs.checkpoint_step import checkpoint_step, training_is_over
from hybridret.runs.job_record import Attempt, JobRecord, read_job, write_job
from hybridret.sweep.engines.engine import Task
from hybridret.sweep.engines.task_list import Persistence, TaskList, read_tasks
from hybridret.sweep.exit_status import settle
from hybridret.sweep.point import Point
from hybridret.sweep.queue.job_processes import DeviceProcesses, Started, Step
from hybridret.sweep.queue.own_job import END, GO_ON, LIMIT, PATIENCE
from hybridret.sweep.queue.surroundings import Surroundings, surroundings
from hybridret.sweep.queue.verdict import DEATHS, Verdict, stuck, verdict

PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
AGAIN = -1  # instead of an exit code: run the task again, in this process


class Signals:
    """The signals that this job had, passed on to its process as soon as there is one.

    heard: names of signals, and LIMIT after the TERM that SLURM sends at the time limit. SLURM then kills this process
    too, KillWait seconds later, and brings nothing back. So `come_back` is called at once, before the point has saved.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.come_back: Callable[[], None] = lambda: None
        self.order: Callable[[], str] = lambda: END
        self._processes: Started | None = None
        for number in PASSED_ON:
            signal.signal(number, self._handle)

    def pass_to(self, processes: Started) -> None:
        """From now on signals go to `processes`, those that came before at once."""
        self._processes = processes
        for name in tuple(self.heard):
            if name != LIMIT:
                self._send(signal.Signals[f"SIG{name}"])

    def after(self, code: int) -> None:
        """Find out who stopped a point with this exit code where no signal came here: SLURM signals the steps alone
        where preempted jobs have some time left. Where the job still runs, nobody else brings it back."""
        if not self.heard and code in (REQUEUE, -signal.SIGTERM, -signal.SIGUSR1):
            self.heard.append(self.order())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name.removeprefix("SIG")
        again = name in self.heard
        self.heard.append(name)
        self._send(number)
        if number == signal.SIGTERM and not again and self.order() == LIMIT:
            self.heard.append(LIMIT)
            self.come_back()

    def _send(self, number: int) -> None:
        if self._processes is not None:
            self._processes.send(number)


def main(arguments: Sequence[str]) -> int:
    """Run a task of a file of tasks and return the exit code of the job."""
    signals = Signals()
    try:
        tasks = read_tasks(Path(arguments[0]))
        number = int(arguments[1] if len(arguments) > 1 else os.environ["SLURM_ARRAY_TASK_ID"])
        task, here = tasks.tasks[number], surroundings(tasks.engine)
        signals.order = here.order
        while (code := run_task(task, tasks, signals, here)) == AGAIN:
            pass
        return code
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    except (IndexError, KeyError, ValueError):
        return refuse(
            UserError("Give the file of the tasks, and which of them: it is started by a cluster, not by hand.")
        )


def run_task(task: Task, tasks: TaskList, signals: Signals, here: Surroundings) -> int:
    """Run one task from its first look at its directory to its last note; the exit code, or AGAIN. Raises UserError
    where job.json is damaged or cannot be written."""
    run, job = RunDirectory(task.run), here.job_id()
    if run.read_result() is not None:
        print(f"{run.path}: finished before", flush=True)
        return DONE
    if (owner := run.in_use()) is not None:
        print(owner, flush=True)
        return BAD_INPUT
    record = own_record(task, tasks.engine, job)
    step, mine = checkpoint_step(run.path), [one for one in record.attempts if one.job == job]
    if stuck(mine, step) is not None:
        reason = f"died {DEATHS} times at step {step:,}, the last time {mine[-1].reason or 'without a word'}"
        fail(run, reason)
        print(reason, flush=True)
        return POINT_FAILED
    attempt = Attempt(job, socket.gethostname(), now("milliseconds"), step)  # two may begin in one second
    write_job(run.path, record.with_attempt(attempt))
    signals.come_back = partial(come_back_early, run, record.with_attempt(attempt), tasks.persistence, here)
    if signals.heard:  # before there was anything to save
        point, code = Point(0, task.arguments, run=run), REQUEUE
        point.end(State.INTERRUPTED, "stopped before it began", code)
    else:
        point, code = start_and_wait(task, tasks.container, run, signals, here)
    step_after = checkpoint_step(run.path)
    ended = replace(attempt, ended=now(), step_after=step_after, exit_code=code, reason=point.reason)
    if timed_out(signals.heard) and step_after == step:
        ended = replace(ended, too_short=not training_is_over(run.path, step_after))
    record = own_record(task, tasks.engine, job).with_attempt(ended)
    found = decide(point, code, signals.heard, record, tasks.persistence, here)
    with suppress(UserError):  # a full disk must not change what follows
        write_job(run.path, record.with_attempt(replace(ended, reason=found.reason)))
    patience = PATIENCE if "TERM" not in signals.heard else 0.0  # after TERM there is no time left
    if found.again and here.requeue(patience, lambda: "TERM" in signals.heard):
        print(f"{found.reason}: {'again' if here.in_place else 'back into the queue'}", flush=True)
        return AGAIN if here.in_place else DONE
    failed = point.state is State.FAILED or found.code == POINT_FAILED
    if failed and found.reason is not None and found.reason != point.reason:
        fail(run, found.reason)
    if found.reason:
        print(f"{point.state}: {found.reason}", flush=True)
    if here.in_place and found.code not in (DONE, BAD_INPUT, REQUEUE):
        return POINT_FAILED  # a code that looks like a signal would bring a pod back that is not to come back
    return found.code


def come_back_early(run: RunDirectory, record: JobRecord, persistence: Persistence, here: Surroundings) -> None:
    """At the time limit: back into the queue at once, unless a limit may be reached, which only the end can show."""
    unsaved = replace(record.attempts[-1], ended=now(), step_after=checkpoint_step(run.path), too_short=True)
    mine = [one for one in record.with_attempt(unsaved).attempts if one.job == record.job]
    if here.restarts(mine) < persistence.max_requeues and stuck(mine) is None and here.requeue():
        print("its time is over: back into the queue", flush=True)


def timed_out(heard: Sequence[str]) -> bool:
    """Whether the job was stopped because of its time limit: at it, or by the warning before it."""
    return LIMIT in heard or (GO_ON in heard and "TERM" not in heard)


def decide(
    point: Point, code: int, heard: Sequence[str], record: JobRecord, persistence: Persistence, here: Surroundings
) -> Verdict:
    """`verdict` for the job that this process is."""
    mine = [one for one in record.attempts if one.job == record.job]
    return verdict(point.state, code, point.reason, heard, mine, here.restarts(mine), persistence)


def start_and_wait(
    task: Task, container: Sequence[str], run: RunDirectory, signals: Signals, here: Surroundings
) -> tuple[Point, int]:
    """Start the process or processes of a task, and wait for them; the outcome and the exit code (negative: killed)."""
    point = Point(0, task.arguments, run=run)
    processes: Started = (DeviceProcesses if here.in_place else Step)(task, container, run.log)
    signals.pass_to(processes)
    ending = processes.wait()
    signals.after(ending.code)
    settle(point, ending, stopping=bool(signals.heard))
    return point, ending.code


def fail(run: RunDirectory, reason: str) -> None:
    """Note why a run is not tried again; the hash of its config stays, or it could not be resumed by hand."""
    hashed = run.look().get("config_hash")
    with suppress(UserError):
        run.write_status(State.FAILED, hashed if isinstance(hashed, str) else None, reason)


def own_record(task: Task, engine: str, job: str) -> JobRecord:
    """The record of this job: whoever submitted it may not have written it yet, or have died before."""
    found = read_job(task.run)
    if found is not None and found.job == job:
        return found
    kept = (found.attempts, found.earlier) if found is not None else ()
    return JobRecord(engine, job, now(), task.arguments, asdict(task.resources), *kept)


def now(precision: str = "seconds") -> str:
    """The time in ISO format."""
    return datetime.now(UTC).isoformat(timespec=precision)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
