"""SLURM as an engine: arrays of equal resources, one `squeue` and one `sacct` for any number of jobs, `scancel`."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hybridret.base.errors import UserError
from hybridret.sweep.engines.engine import JobLook, Task
from hybridret.sweep.engines.slurm.look import ACCOUNTS, QUEUE, read_accounts, read_queue, together
from hybridret.sweep.engines.slurm.options import SlurmOptions
from hybridret.sweep.engines.slurm.shares import shares
from hybridret.sweep.engines.task_list import Persistence, TaskList, equal_resources, write_tasks

FOLDER = ".slurm"  # below a sweep: files of tasks, batch scripts, and what the jobs themselves print
LARGEST_ARRAY = 1001  # SLURM's own default of MaxArraySize
ANSWER = 120.0  # seconds that a command of SLURM may take

Submit = Callable[..., str]


def call(command: Sequence[str]) -> str:
    """The output of a command of SLURM. Raises UserError where it is not there, fails, or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER, check=False)
    except FileNotFoundError as error:
        raise UserError(f"{command[0]} is not on this machine: call from a login node of SLURM.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{command[0]} does not answer ({error}). Its controller may be away.") from error
    if done.returncode != 0:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise UserError(f"{command[0]} failed: {words[:600]}")
    return done.stdout


@dataclass(frozen=True)
class SlurmEngine:
    """The queue of this machine's SLURM; `options` matter only to `submit`."""

    options: SlurmOptions = field(default_factory=SlurmOptions)
    name: str = "slurm"

    def submit(self, tasks: Sequence[Task]) -> list[str]:
        """Queue all tasks, those of equal resources as one array; `1234_5` for each, in the order of `tasks`.

        Raises UserError where SLURM refuses an array: those before it are cancelled, so nothing is queued.
        """
        largest = _largest_array()
        parts = [
            group[first : first + largest]
            for group in equal_resources(tasks)
            for first in range(0, len(group), largest)
        ]
        jobs, arrays = [""] * len(tasks), list[str]()
        try:
            for part, share in zip(
                parts, shares([len(part) for part in parts], self.options.max_parallel), strict=True
            ):
                after = None if share.after is None else arrays[share.after]
                arrays.append(self._submit([tasks[number] for number in part], share.limit, after))
                for index, number in enumerate(part):
                    jobs[number] = f"{arrays[-1]}_{index}"
        except UserError:
            with suppress(UserError):
                self.cancel([job for job in jobs if job])
            raise
        return jobs

    def look(self, jobs: Sequence[str]) -> dict[str, JobLook]:
        """Where there is no accounting, `squeue` alone: it knows ended jobs for MinJobAge, five minutes by default."""
        if not jobs:
            return {}
        arrays = ",".join(sorted({job.partition("_")[0] for job in jobs}))
        queue = read_queue(_queue(arrays))
        accounts = {}
        with suppress(UserError):
            options = ["--allocations", "--noheader", "--parsable2", "--duplicates", f"--format={ACCOUNTS}"]
            accounts = read_accounts(call(["sacct", f"--jobs={arrays}", *options]))
        return together(jobs, queue, accounts)

    def cancel(self, jobs: Sequence[str]) -> None:
        """`scancel`: a running point saves its state first, for as long as SLURM's KillWait lasts."""
        if jobs:
            call(["scancel", *jobs])

    def _submit(self, tasks: Sequence[Task], limit: int | None, after: str | None) -> str:
        """The id of an array of `tasks`, of which `limit` run at once, when the array `after` has ended."""
        try:
            from hybridret.sweep.engines.slurm.array import submit_array  # submitit
        except ImportError as error:
            raise UserError("hydra/launcher=slurm needs submitit: pip install 'hybridret[slurm]'.") from error
        sweep = tasks[0].run.parent.absolute()
        folder = sweep / FOLDER
        path = folder / f"tasks-{uuid.uuid4().hex[:12]}.json"
        folder.mkdir(parents=True, exist_ok=True)
        options = replace(self.options, max_parallel=limit)
        if after is not None:
            asked = [f"afterany:{after}", *filter(None, [options.more.get("dependency")])]
            options = replace(options, more={**options.more, "dependency": ",".join(asked)})
        persistence = Persistence(options.retries, options.max_requeues)
        write_tasks(path, TaskList(self.name, tuple(tasks), persistence, options.container))
        return submit_array(path, len(tasks), sweep.name, tasks[0].resources, options, folder)


def _queue(arrays: str) -> str:
    try:
        return call(["squeue", "--noheader", "--array", "--states=all", f"--format={QUEUE}", f"--jobs={arrays}"])
    except UserError as error:
        if "Invalid job id" in str(error):  # the only job that was asked for is older than SLURM's memory
            return ""
        raise


def _largest_array() -> int:
    """How many tasks an array may have here."""
    try:
        match = re.search(r"^MaxArraySize\s*=\s*(\d+)", call(["scontrol", "show", "config"]), re.MULTILINE)
    except UserError:
        match = None
    return max(1, int(match[1])) if match else LARGEST_ARRAY
