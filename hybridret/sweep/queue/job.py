"""`python -m hybridret.sweep.queue.job TASKS [NUMBER]`: what runs inside a job of a cluster, one point in one or more
processes.

It is the batch script's own process, so SLURM's signals come to it: it passes them on, waits until the point has saved
(SLURM kills what is left when the batch script ends), notes the attempt in `job.json`, and puts the job back into the
queue where that is right. Its exit code is that of the point. Torch is never imported here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from hybridret.base.errors import BAD_INPUT, DONE, POINT_FAILED, REQUEUE, UserError
from hybridret.base.interruption import PARENT, refuse
from hybridret.runs import RunDirectory, State
from hybridret.runs.checkpoint_step import checkpoint_step, training_is_over
from hybridret.runs.job_record import Attempt, JobRecord, read_job, write_job
from hybridret.sweep.engines.engine import Task
from hybridret.sweep.engines.task_list import Persistence, TaskList, read_tasks
from hybridret.sweep.exit_status import settle
from hybridret.sweep.point import Point
from hybridret.sweep.queue.own_job import GO_ON, LIMIT, PATIENCE, job_id, order, requeue
from hybridret.sweep.queue.verdict import DEATHS, Verdict, stuck, verdict
from hybridret.sweep.rank_processes import Ending

PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Signals:
    """The signals that this job had, passed on to its process as soon as there is one.

    heard: names of signals, and LIMIT after the TERM that SLURM sends at the time limit. SLURM then kills this process
    too, KillWait seconds later, and brings nothing back. So `come_back` is called at once, before the point has saved.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.come_back: Callable[[], None] = lambda: None
        self._process: subprocess.Popen[bytes] | None = None
        for number in PASSED_ON:
            signal.signal(number, self._handle)

    def pass_to(self, process: subprocess.Popen[bytes]) -> None:
        """From now on signals go to `process`, those that came before at once."""
        self._process = process
        for name in tuple(self.heard):
            if name != LIMIT:
                self._send(signal.Signals[f"SIG{name}"])

    def after(self, code: int) -> None:
        """Find out who stopped a point with this exit code where no signal came here: SLURM signals the steps alone
        where preempted jobs have some time left. Where the job still runs, nobody else brings it back."""
        if not self.heard and code in (REQUEUE, -signal.SIGTERM, -signal.SIGUSR1):
            self.heard.append(order())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name.removeprefix("SIG")
        again = name in self.heard
        self.heard.append(name)
        self._send(number)
        if number == signal.SIGTERM and not again and order() == LIMIT:
            self.heard.append(LIMIT)
            self.come_back()

    def _send(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def main(arguments: Sequence[str]) -> int:
    """Run a task of a file of tasks and return the exit code of the job."""
    signals = Signals()
    try:
        tasks = read_tasks(Path(arguments[0]))
        number = int(arguments[1] if len(arguments) > 1 else os.environ["SLURM_ARRAY_TASK_ID"])
        return run_task(tasks.tasks[number], tasks, signals)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    except (IndexError, KeyError, ValueError):
        return refuse(UserError("Give the file of the tasks, and which of them: it is started by SLURM, not by hand."))


def run_task(task: Task, tasks: TaskList, signals: Signals) -> int:
    """Run one task from its first look at its directory to its last note. Raises UserError where job.json is damaged
    or cannot be written."""
    run, job = RunDirectory(task.run), job_id()
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
    attempt = Attempt(job, socket.gethostname(), now(), step)
    write_job(run.path, record.with_attempt(attempt))
    signals.come_back = partial(come_back_early, run, record.with_attempt(attempt), tasks.persistence)
    if signals.heard:  # before there was anything to save
        point, code = Point(0, task.arguments, run=run), REQUEUE
        point.end(State.INTERRUPTED, "stopped before it began", code)
    else:
        point, code = start_and_wait(task, tasks.container, run, signals)
    step_after = checkpoint_step(run.path)
    ended = replace(attempt, ended=now(), step_after=step_after, exit_code=code, reason=point.reason)
    if timed_out(signals.heard) and step_after == step:
        ended = replace(ended, too_short=not training_is_over(run.path, step_after))
    record = own_record(task, tasks.engine, job).with_attempt(ended)
    found = decide(point, code, signals.heard, record, tasks.persistence)
    with suppress(UserError):  # a full disk must not change what follows
        write_job(run.path, record.with_attempt(replace(ended, reason=found.reason)))
    patience = PATIENCE if "TERM" not in signals.heard else 0.0  # after TERM there is no time left
    if found.again and requeue(patience, lambda: "TERM" in signals.heard):
        print(f"{found.reason}: back into the queue", flush=True)
        return DONE
    failed = point.state is State.FAILED or found.code == POINT_FAILED
    if failed and found.reason is not None and found.reason != point.reason:
        fail(run, found.reason)
    if found.reason:
        print(f"{point.state}: {found.reason}", flush=True)
    return found.code


def come_back_early(run: RunDirectory, record: JobRecord, persistence: Persistence) -> None:
    """At the time limit: back into the queue at once, unless a limit may be reached, which only the end can show."""
    unsaved = replace(record.attempts[-1], ended=now(), step_after=checkpoint_step(run.path), too_short=True)
    mine = [one for one in record.with_attempt(unsaved).attempts if one.job == record.job]
    if restarts() < persistence.max_requeues and stuck(mine) is None and requeue():
        print("its time is over: back into the queue", flush=True)


def timed_out(heard: Sequence[str]) -> bool:
    """Whether the job was stopped because of its time limit: at it, or by the warning before it."""
    return LIMIT in heard or (GO_ON in heard and "TERM" not in heard)


def restarts() -> int:
    """How often SLURM has started this job again."""
    return int(os.environ.get("SLURM_RESTART_COUNT") or 0)


def decide(point: Point, code: int, heard: Sequence[str], record: JobRecord, persistence: Persistence) -> Verdict:
    """`verdict` for the job that this process is."""
    mine = [one for one in record.attempts if one.job == record.job]
    return verdict(point.state, code, point.reason, heard, mine, restarts(), persistence)


def start_and_wait(task: Task, container: Sequence[str], run: RunDirectory, signals: Signals) -> tuple[Point, int]:
    """Start the process or processes of a task, and wait for them; the outcome and the exit code (negative: killed)."""
    point = Point(0, task.arguments, run=run)
    with open(run.log, "ab") as log:
        start = log.tell()
        process = subprocess.Popen(
            command(task, container, run.log),
            stdin=subprocess.DEVNULL,
            stdout=None if stepped(task) else log,
            stderr=None if stepped(task) else subprocess.STDOUT,
            env={**os.environ, **environment(task, container)},
            start_new_session=True,
        )
    signals.pass_to(process)
    code = process.wait()
    if stepped(task):
        code = from_srun(code)
    signals.after(code)
    settle(point, Ending(0, 1, code, run.log, start, (process.pid,)), stopping=bool(signals.heard))
    return point, code


def command(task: Task, container: Sequence[str], log: Path) -> list[str]:
    """A step of SLURM: one task for each device, all of which see all GPUs of their node. A point of one process is a
    step as well: where a partition grants preempted jobs some time, SLURM signals steps and not the batch script.

    SLURM does not hand the job's --cpus-per-task down to srun, which would give each process one core. The output goes
    straight to `log`, without what srun itself has to say.
    """
    python = "python" if container else sys.executable
    inner = [*container, python, "-m", task.module, *task.arguments]
    if not stepped(task):
        return inner
    asked = task.resources
    nodes = [f"--nodes={asked.nodes}", f"--ntasks={asked.nodes * asked.tasks}", f"--ntasks-per-node={asked.tasks}"]
    each = [f"--cpus-per-task={max(1, asked.cores // asked.tasks)}"]
    output = [f"--output={str(log.absolute()).replace('%', '%%')}", "--open-mode=append"]
    return ["srun", "--kill-on-bad-exit=1", *nodes, *each, *output, *inner]


def from_srun(code: int) -> int:
    """An exit code of srun, which spells signals as a shell does; 167 and others say that it could not start a step."""
    return 128 - code if code - 128 in set(signal.Signals) else code


def stepped(task: Task) -> bool:
    """Whether srun starts the processes of a task: always inside a job of SLURM."""
    return task.resources.nodes * task.resources.tasks > 1 or "SLURM_JOB_ID" in os.environ


def environment(task: Task, container: Sequence[str]) -> dict[str, str]:
    """Threads by the cores of each process; a process without srun and container ends when this one does."""
    threads = dict.fromkeys(THREADS, str(max(1, task.resources.cores // task.resources.tasks)))
    parent = {} if stepped(task) or container else {PARENT: str(os.getpid())}
    return {"PYTHONUNBUFFERED": "1", **threads, **parent, **task.environment}


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
    earlier = found.attempts if found is not None else ()
    return JobRecord(engine, job, now(), task.arguments, asdict(task.resources), earlier)


def now() -> str:
    """The time in ISO format, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
