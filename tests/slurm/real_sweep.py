"""Sweeps of tiny trainings on a real SLURM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mini_slurm import MiniSlurm, until
from tiny_sweep import LONGER, TinySweep, environment

SLURM = ("hydra/launcher=slurm", "hydra.launcher.minutes=10", "hydra.launcher.memory=1")


@dataclass
class RealSweep(TinySweep):
    """`folder`: where the commands are given."""

    slurm: MiniSlurm
    folder: Path
    pairs: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "hybridret.run", "-m", *SLURM, *LONGER, f"data.path={self.pairs}", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=environment(**self.slurm.environment()),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submit(self, *arguments: str, code: int = 0) -> str:
        """The output of a command that returns at once."""
        process = self.start(*arguments)
        out, errors = process.communicate(timeout=200)
        assert process.returncode == code, out + errors
        return out

    def wait(self, holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
        until(holds, what, seconds)

    def encodes_passages(self, seed: int) -> None:
        """Wait until a point encodes the passages of its evaluation."""

        def there() -> bool:
            with suppress(StopIteration, OSError, ValueError):
                status = self.status(seed)
                return status["state"] == "running" and status["phase"] == "encode passages"
            return False

        self.wait(there, f"the evaluation of seed {seed}")

    def printed(self, seed: int, words: str) -> None:
        """Wait until the job of a seed has printed `words` itself."""
        log = self.run(seed).parent / ".slurm" / f"{self.record(seed).job}.log"
        until(
            lambda: log.is_file() and words in log.read_text(errors="replace"), f"{words!r} of the job of seed {seed}"
        )

    def attempts(self, seed: int, number: int) -> None:
        """Wait until so many attempts of a seed have begun."""
        until(lambda: len(self.record(seed).attempts) >= number, f"attempt {number} of seed {seed}")

    def status_of(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `hybridret.status` of the sweep answers."""
        command = [sys.executable, "-m", "hybridret.status", "multirun/s", *arguments]
        more = environment(**self.slurm.environment())
        return subprocess.run(
            command, cwd=self.folder, env=more, capture_output=True, text=True, timeout=200, check=False
        )

    def trainers(self, seed: int) -> list[int]:
        """The ids of the processes that train a seed of this sweep."""
        word = f"seed={seed}"
        found = [pid for pid, line in processes() if "hybridret.run" in line and word in line and "srun" not in line[0]]
        return [pid for pid in found if working_directory(pid) == self.folder]

    def kill_trainers(self, seed: int) -> None:
        self.signal_trainers(seed, signal.SIGKILL)

    def signal_trainers(self, seed: int, number: int) -> None:
        for pid in self.trainers(seed):
            os.kill(pid, number)

    def ends(self, *seeds: int, seconds: float = 240.0) -> None:
        """Wait until the jobs of these seeds are no longer in the queue."""

        def over() -> bool:
            names = {self.record(seed).job for seed in seeds}
            listed = self.slurm.call("squeue", "--noheader", "--array", "--format=%F_%K").split()
            return not names & set(listed)

        until(over, f"the end of the jobs of {seeds}", seconds)

    def accounts(self, seed: int) -> list[str]:
        """State and exit code of each time that the job of a seed ran, from sacct, once it knows the last end:
        slurmctld writes to slurmdbd later than it forgets a job."""
        job = self.record(seed).job
        options = ("-X", "--noheader", "--parsable2", "--duplicates", "--format=State,ExitCode")
        found: list[str] = []

        def known() -> bool:
            found[:] = self.slurm.call("sacct", f"--jobs={job}", *options).split("\n")[:-1]
            return bool(found) and not found[-1].startswith(("RUNNING", "PENDING", "COMPLETING"))

        until(known, f"the accounts of seed {seed}")
        return found


def processes() -> Iterator[tuple[int, list[str]]]:
    """Ids and command lines of all processes."""
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):
                yield int(path.name), (path / "cmdline").read_text(errors="replace").split("\0")


def working_directory(pid: int) -> Path | None:
    """Where a process was started; None where it has ended."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return None
