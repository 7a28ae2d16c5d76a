"""Stand-ins for SLURM's programs: sbatch notes the script, squeue and sacct print what a test wrote, nothing runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SBATCH = """if [ -s refusal ]; then cat refusal >&2; exit 1; fi
number=$(( $(ls scripts | wc -l) + 7 ))
cp "${@: -1}" scripts/$number
echo "Submitted batch job $number"
"""
SCONTROL = """if [ "$1" = show ]; then echo "MaxArraySize            = 3"; exit 0; fi
exit $(cat requeue_code)
"""
SRUN = """log=/dev/null
while [ "${1#--}" != "$1" ]; do case $1 in --output=*) log=${1#--output=} ;; esac; shift; done
exec "$@" >> "$log" 2>&1
"""


@dataclass
class Programs:
    """`folder`: on the PATH of what is tested. `calls`: each command that was given, with its arguments."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "scripts").mkdir(parents=True)
        for name in ("queue", "accounts", "refusal", "calls"):
            (self.folder / name).write_text("")
        (self.folder / "requeue_code").write_text("0")
        for name, body in {
            "sbatch": SBATCH,
            "squeue": "cat queue\n",
            "sacct": "cat accounts\n",
            "scancel": "",
            "scontrol": SCONTROL,
            "srun": SRUN,
        }.items():
            path = self.folder / name
            path.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >> {self.folder}/calls\ncd {self.folder}\n{body}')
            if name == "srun":  # the tasks start where srun did
                path.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >> {self.folder}/calls\n{body}')
            path.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def calls(self, name: str) -> list[str]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]

    def scripts(self) -> dict[str, str]:
        """The batch scripts by the ids of their arrays."""
        return {path.name: path.read_text() for path in sorted((self.folder / "scripts").iterdir())}

    def options(self, array: str) -> dict[str, str]:
        """What a batch script asks for."""
        found = re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", self.scripts()[array], re.MULTILINE)
        return {name: value.strip("'") for name, value in found}

    def run(self, job: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a task of an array as SLURM would: its batch script, in `folder`."""
        process = self.start(job, folder, **more)
        out, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    def start(self, job: str, folder: Path, **more: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        array, _, task = job.partition("_")
        slurm = {"SLURM_JOB_ID": "99", "SLURM_ARRAY_JOB_ID": array, "SLURM_ARRAY_TASK_ID": task}
        return subprocess.Popen(
            ["bash", "-c", self.scripts()[array]],
            cwd=folder,
            env={**os.environ, **more, **self.environment, **slurm},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


PYTHON = sys.executable
