"""Which process of how many this one is: started alone, by torchrun, by srun or by a sweep.

torch, Lightning and this package all read torchrun's variables (RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE,
MASTER_ADDR, MASTER_PORT). Under srun they are made from SLURM's, so that other code need not know SLURM.
SLURM's count only in a step of several tasks: a batch script and what it starts without srun see SLURM_NTASKS too, but
are one process each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridret.base.errors import UserError

INTERACTIVE = ("bash", "interactive")  # SLURM job names of a shell, not of a run: the same rule as Lightning's
TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")
FIRST_PORT, PORTS = 15000, 10000  # where Lightning looks for a port as well


@dataclass(frozen=True)
class ProcessInfo:
    """This process is number `rank` of `world`, and number `local_rank` of the `local_world` of its machine (None:
    unknown)."""

    rank: int
    local_rank: int
    world: int
    local_world: int | None

    @property
    def first(self) -> bool:
        """Whether this is the process that keeps the records."""
        return self.rank == 0


def process_info(environment: Mapping[str, str] = os.environ) -> ProcessInfo:
    """Which process this is, `ProcessInfo(0, 0, 1, 1)` where it is alone.

    Raises UserError where the environment has only some of the variables.
    """
    known = torchrun_variables(environment)
    world = _number(known, "WORLD_SIZE", 1)
    if world == 1:
        return ProcessInfo(0, 0, 1, 1)
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in known]:
        raise UserError(
            f"The environment says WORLD_SIZE={world} but not {', '.join(missing)}. Start all processes with torchrun "
            f"or srun, which set them, or unset WORLD_SIZE."
        )
    local_world = _number(known, "LOCAL_WORLD_SIZE", 0) or None
    return ProcessInfo(_number(known, "RANK", 0), _number(known, "LOCAL_RANK", 0), world, local_world)


def export_torchrun_variables() -> None:
    """Set the environment variables that torch and Lightning read: under srun nothing else sets them."""
    os.environ.update(torchrun_variables(os.environ))


def torchrun_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """torchrun's variables: those that are set, or in a task of a srun step of several tasks what torchrun would set.

    Raises UserError where SLURM's variables do not name the task.
    """
    found = {name: environment[name] for name in TORCHRUN if name in environment}
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if "WORLD_SIZE" in environment or environment.get("SLURM_JOB_NAME") in INTERACTIVE or tasks == "1":
        return found
    if missing := [name for name in ("SLURM_PROCID", "SLURM_LOCALID") if name not in environment]:
        raise UserError(
            f"SLURM says that this is one of {tasks} tasks, but not which ({', '.join(missing)} is not set). Start the "
            f"run with srun; to run one process in here, unset SLURM_STEP_NUM_TASKS."
        )
    found |= {
        "RANK": environment["SLURM_PROCID"],
        "LOCAL_RANK": environment["SLURM_LOCALID"],
        "WORLD_SIZE": tasks,
        "GROUP_RANK": environment.get("SLURM_NODEID", "0"),
    }
    per_node, node = _tasks_per_node(environment.get("SLURM_STEP_TASKS_PER_NODE", "")), _number(found, "GROUP_RANK", 0)
    if node < len(per_node):
        found["LOCAL_WORLD_SIZE"] = str(per_node[node])
    step = _number(environment, "SLURM_JOB_ID", 0) + 101 * _number(environment, "SLURM_STEP_ID", 0)
    found.setdefault("MASTER_ADDR", first_node(environment))
    found.setdefault("MASTER_PORT", str(FIRST_PORT + step % PORTS))  # another port for another step of the job
    return found


def _tasks_per_node(text: str) -> list[int]:
    """`4(x2),3` -> [4, 4, 3]."""
    found = re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
    return [int(tasks) for tasks, nodes in found for _ in range(int(nodes or 1))]


def first_node(environment: Mapping[str, str]) -> str:
    """The host that serves the others, from SLURM's compact list: `gpu[003-004,007],cpu1` -> `gpu003`.

    As Lightning reads it (a test compares the two), without importing Lightning.
    """
    names = ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")
    nodes = next((environment[name] for name in names if environment.get(name)), "127.0.0.1")
    first = re.match(r"[^,\s\[]*(?:\[([^],-]*)[^]]*\])?[^,\s\[]*", nodes)
    assert first is not None
    return first[0] if first[1] is None else re.sub(r"\[.*\]", first[1], first[0])


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal():
        raise UserError(f"The environment variable {name}={text} is not a number of processes. Unset it.")
    return int(text)
