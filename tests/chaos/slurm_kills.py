"""Rounds of kills of sweeps whose points are jobs of a SLURM that is started for them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from commands import SMALL, rows, write_rows
from local_kills import again, is_finished, say, undisturbed
from mini_slurm import MiniSlurm, missing, until
from processes import Sweep, alive_in, is_alive
from verdicts import differences, false_finished, leftovers_in, lost, results, runs, stale_locks, stored_state

from hybridret.runs.job_record import read_job
from hybridret.sweep.overview.survey import survey

SHARED = (*SMALL, "training.steps=24", "output=out", "sweep=s", "seed=1,2")
#: Many kills of one point are what is wanted here: no limit ends it but that of three deaths at one step.
LAUNCHER = (
    "hydra/launcher=slurm", "hydra.launcher.minutes=60", "hydra.launcher.memory=1", "hydra.launcher.retries=1000",
    "hydra.launcher.max_requeues=1000",
)  # fmt: skip
VICTIMS = ("task", "rank", "batch", "requeue", "warning", "cancel", "limit", "controller", "node", "shell")
NODE = "chaos"
IDLE = 900.0  # seconds without any change of the queue: something hangs


def rounds(folder: Path, count: int, draw: random.Random, found: Counter[str]) -> None:
    """Kill `count` times; faults of each kind, and `kills`, are counted in `found`."""
    if (reason := missing()) is not None:
        raise SystemExit(f"No SLURM: {reason}")
    data = f"data.path={write_rows(folder / 'boxes', rows())}"
    whole = folder / "whole"
    length = undisturbed(whole, (*SHARED, data, "hydra.launcher.n_jobs=2", "hydra.launcher.threads=1"))
    slurm = MiniSlurm(folder / "slurm", accounting=False, first=NODE)
    try:
        slurm.start()
        os.environ.update(slurm.environment())
        number = 0
        while found["kills"] < count:
            number += 1
            here = folder / f"round-{number}"
            Round(here, (*SHARED, *LAUNCHER, data), length, slurm, draw, found).run(count)
            if not is_finished(here):
                found["lost results"] += 1
                say(f"round {number}: cannot be finished")
            elif different := differences(here, whole):
                found["not bit-equal"] += 1
                say(f"round {number}: {different}")
            else:
                shutil.rmtree(here)
    finally:
        slurm.stop()


class Round:
    """One sweep, from its first submission until all its points have a result. `length`: seconds of one on this machine
    that nothing disturbs."""

    def __init__(
        self,
        here: Path,
        arguments: tuple[str, ...],
        length: float,
        slurm: MiniSlurm,
        draw: random.Random,
        found: Counter[str],
    ) -> None:
        self.here, self.arguments, self.length = here, arguments, length
        self.slurm, self.draw, self.found = slurm, draw, found

    def run(self, count: int) -> None:
        """Submit, kill and submit again; the last time nothing is killed."""
        while not is_finished(self.here):
            earlier = results(self.here)
            more = self.found["kills"] < count
            before = self.found["kills"]
            sweep = Sweep(self.here, again(self.here, self.arguments, self.draw))
            if more and self.draw.random() < 1 / len(VICTIMS):
                self._kill("shell", partial(self._shell, sweep))
            sweep.wait()
            while self._listed():
                end = time.monotonic() + self.draw.uniform(0, self.length)
                while self._listed() and time.monotonic() < end:
                    time.sleep(0.2)
                if self.found["kills"] < count and self._listed():
                    victim = self.draw.choice(VICTIMS[:-1])
                    self._kill(victim, getattr(self, f"_{victim}"))
                if not more:
                    until(lambda: not self._listed(), "the jobs", IDLE)
            self._judge(sweep, earlier)
            if self.found["kills"] == before and not is_finished(self.here):
                say(sweep.errors())
                self.found["lost results"] += not more  # what nothing disturbs must end
                if not more:
                    return

    def _judge(self, sweep: Sweep, earlier: dict[Path, bytes]) -> None:
        """Count what is wrong when no job is left."""
        until_quiet(lambda: not self._processes(), 120)  # the queue forgets a job before its processes have left
        rows = survey(self.here / "out" / "s").rows if runs(self.here) else ()
        faults: Counter[str] = Counter()
        faults["orphans"] += len(self._processes())
        faults["lost results"] += lost(self.here, earlier)
        faults["false finished"] += false_finished(self.here)
        for row in rows:
            has_result = row.folder is not None and (row.folder / "result.json").is_file()
            right = row.state == "finished" if has_result else row.state in ("interrupted", "failed", "queued")
            untouched = row.folder is None or read_job(row.folder) is None
            right = right and (row.state != "queued" or untouched) and not row.live
            faults["wrong states"] += not right or (row.folder is not None and stored_state(row.folder) != row.state)
        faults["stale locks"] += len(stale_locks(self.here))
        faults["temporary files"] += len(leftovers_in(self.here))
        faults["tracebacks"] += "Traceback" in sweep.errors()
        states = " ".join(row.state for row in rows)
        say(f"     {self.here.name} {sweep.words[0]}: {states}" + (f"  FAULT: {dict(+faults)}" if +faults else ""))
        if +faults:
            say("\n".join(f"{row.state}: {row.reason}" for row in rows) + sweep.errors())
        self.found.update(+faults)

    def _kill(self, victim: str, deed: Callable[[], bool]) -> None:
        done = False
        with suppress(RuntimeError):  # the job ended a moment before
            done = deed()
        if done:
            self.found["kills"] += 1
            say(f"{self.found['kills']:4} {self.here.name}: {victim}")

    def _job(self) -> str | None:
        """A job that runs."""
        listed = self._running()
        return self.draw.choice(sorted(listed)) if listed else None

    def _running(self) -> list[str]:
        return self.slurm.call("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K").split()

    def _scancel(self, *options: str) -> bool:
        job = self._job()
        if job is not None:
            self.slurm.call("scancel", *options, job)
        return job is not None

    def _task(self) -> bool:
        """The step of a job, not the job itself."""
        if (job := self._job()) is not None:
            self.slurm.call("scancel", "--signal=KILL", f"{job}.0")
        return job is not None

    def _batch(self) -> bool:
        return self._scancel("--signal=KILL", "--batch")

    def _warning(self) -> bool:
        return self._scancel("--signal=USR1", "--batch")

    def _cancel(self) -> bool:
        return self._scancel()

    def _requeue(self) -> bool:
        if (job := self._job()) is not None:
            self.slurm.call("scontrol", "requeue", job)
        return job is not None

    def _limit(self) -> bool:
        """The time limit of a job is now, if it runs until SLURM looks."""
        if (job := self._job()) is None:
            return False
        self.slurm.end_now(job)
        until(lambda: job not in self._running(), "the end of a job", IDLE)
        with suppress(RuntimeError):  # it ended for ever
            self.slurm.call("scontrol", "update", f"JobId={job}", "TimeLimit=60")
        return True

    def _rank(self) -> bool:
        """One process that trains, without a word to SLURM."""
        working = [pid for pid in alive_in(self.here) if _trains(pid)]
        if working:
            with suppress(ProcessLookupError):
                os.kill(self.draw.choice(working), signal.SIGKILL)
        return bool(working)

    def _controller(self) -> bool:
        """slurmctld, once it has saved what it knows: what it forgets itself is no fault of ours."""
        job = self._job()
        if job is None:
            return False
        self.slurm.saved(job)
        self.slurm.kill("slurmctld")
        time.sleep(self.draw.uniform(0, 15))
        self.slurm.controller()
        until(self.slurm.answers, "the controller")
        return True

    def _node(self) -> bool:
        """slurmd; the processes of its jobs have another parent and go on."""
        name = next(iter(self.slurm.slurmd_ports))
        self.slurm.kill(f"slurmd-{name}")
        time.sleep(self.draw.uniform(0, 15))
        self.slurm.slurmd(name)
        return True

    def _shell(self, sweep: Sweep) -> bool:
        end = time.monotonic() + self.draw.uniform(0, self.length)
        while sweep.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        alive = is_alive(sweep.process.pid)
        sweep.process.send_signal(self.draw.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
        return alive

    def _processes(self) -> set[int]:
        """Those of the sweep, by their folder and by the cgroups of the jobs."""
        return {*alive_in(self.here), *self.slurm.in_cgroups(NODE)}

    def _listed(self) -> list[str]:
        return self.slurm.call("squeue", "--noheader", "--format=%i").split()


def until_quiet(holds: Callable[[], bool], seconds: float) -> None:
    """Wait, and leave the verdict to who asks next."""
    with suppress(TimeoutError):
        until(holds, "", seconds)


def _trains(pid: int) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        return "hybridret.run" in words and not words[0].endswith("srun")
    return False
