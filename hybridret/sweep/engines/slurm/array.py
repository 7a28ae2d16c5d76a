"""An array of jobs, submitted with submitit: it writes the batch script, quotes its options, and reads sbatch's answer.

submitit's other half is left out. There a job is a pickled function whose outcome is another pickle: exit codes end as
1, a job that sbatch took before its pickles were in their folder fails, and the function itself is requeued on USR2
alone. Here the script becomes `python -m hybridret.sweep.queue.job`, so that SLURM's signals reach it and not a shell.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from hybridret.base.errors import UserError
from hybridret.sweep.engines.engine import Resources
from hybridret.sweep.engines.slurm.options import SlurmOptions

_SHELLS = ("bash", "interactive")  # names that SLURM's users and Lightning give to a shell, not to a run


class ArrayExecutor(SlurmExecutor):  # type: ignore[misc, unused-ignore]
    """submitit's executor for a command instead of a pickled function."""

    def submit_command(self, command: str, size: int) -> str:
        """The id of an array whose tasks 0 to size - 1 run `command`."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        self.parameters["map_count"] = size
        return str(self._submit_command(command).job_id)

    def _make_submission_file_text(self, command: str, uid: str) -> str:
        """Without the options that submitit always sets although nobody asked for them."""
        text: str = super()._make_submission_file_text(command, uid)
        unasked = ["--wckey="] if "time" in self.parameters else ["--wckey=", "--time="]
        kept = [line for line in text.splitlines() if not line.startswith(tuple(f"#SBATCH {one}" for one in unasked))]
        return "\n".join([*kept, ""])


def submit_array(tasks: Path, size: int, name: str, resources: Resources, options: SlurmOptions, logs: Path) -> str:
    """Submit an array for the file of tasks `tasks`; returns its id.

    Raises UserError with sbatch's own words where it refuses.
    """
    command = shlex.join([sys.executable, "-m", "hybridret.sweep.queue.job", str(tasks)])
    try:
        executor = ArrayExecutor(folder=logs)
        executor.update_parameters(**parameters(name, resources, options, logs))
        return executor.submit_command(f"exec {command}", size)
    except (FailedJobError, FailedSubmissionError) as error:
        raise UserError(f"sbatch refused the jobs: {_words(error)}. Nothing was queued.") from error
    except (OSError, RuntimeError) as error:
        raise UserError(f"The jobs cannot be submitted: {_words(error)}. Is this a login node of SLURM?") from error


def parameters(name: str, resources: Resources, options: SlurmOptions, logs: Path) -> dict[str, Any]:
    """What submitit's `update_parameters` takes. Each task sees all GPUs of its node (docs/design/sweeps.md)."""
    asked: dict[str, Any] = {
        "job_name": f"sweep-{name}" if name in _SHELLS else name,
        "nodes": resources.nodes,
        "ntasks_per_node": resources.tasks,
        "cpus_per_task": max(1, resources.cores // resources.tasks),
        "gpus_per_node": resources.gpus or None,
        "mem": None if resources.memory is None else f"{max(1, round(resources.memory * 1024))}M",
        "time": resources.minutes,
        "partition": options.partition,
        "account": options.account,
        "qos": options.qos,
        "constraint": options.constraint,
        "exclude": options.exclude,
        "mail_user": options.mail,
        "mail_type": options.mail_type if options.mail else None,
        "setup": list(options.setup) or None,
        "array_parallelism": options.max_parallel,
    }
    output = {"output": str(logs / "%A_%a.log"), "open-mode": "append", "requeue": True}
    own = {**output, "signal": f"B:USR1@{warning(resources, options)}", **options.more}
    fixed = {"additional_parameters": own, "use_srun": False, "stderr_to_stdout": True}
    return {**{key: value for key, value in asked.items() if value is not None}, **fixed}


def warning(resources: Resources, options: SlurmOptions) -> int:
    """Seconds between SLURM's warning and the time limit: at most half of the limit, or a job would be warned when it
    begins and never come further."""
    return options.warn if resources.minutes is None else min(options.warn, 30 * resources.minutes)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[-600:]
