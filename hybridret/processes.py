"""Which process of how many this one is: started alone, by torchrun, by srun or by a sweep.

torch, Lightning and this package all read torchrun's variables (RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE,
MASTER_ADDR, MASTER_PORT). Under srun they are written from SLURM's once, so that the rest need not know of SLURM.
SLURM's count only in a step of several tasks: a batch script and what it starts without srun see SLURM_NTASKS too, but
are one process each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from hybridret.errors import UserError

INTERACTIVE = ("bash", "interactive")  # SLURM job names of a shell, not of a run: the rule that Lightning has too
FIRST_PORT, PORTS = 15000, 10000  # where Lightning looks for a port as well


@dataclass(frozen=True)
class Place:
    """This process is number `rank` of `world`, and number `local_rank` of the `local_world` of its machine (None: not
    said)."""

    rank: int
    local_rank: int
    world: int
    local_world: int | None

    @property
    def first(self) -> bool:
        """Whether this is the process that keeps the records."""
        return self.rank == 0


def place() -> Place:
    """The place of this process, `Place(0, 0, 1, 1)` where it is alone. Under srun, torchrun's variables are set.

    Raises UserError where the environment says half of it.
    """
    _from_slurm(os.environ)
    world = _number(os.environ, "WORLD_SIZE", 1)
    if world == 1:
        return Place(0, 0, 1, 1)
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise UserError(
            f"The environment says WORLD_SIZE={world} but not {', '.join(missing)}. Start all processes with torchrun "
            f"or srun, which set them, or unset WORLD_SIZE."
        )
    local_world = _number(os.environ, "LOCAL_WORLD_SIZE", 0) or None
    return Place(_number(os.environ, "RANK", 0), _number(os.environ, "LOCAL_RANK", 0), world, local_world)


def _from_slurm(environment: MutableMapping[str, str]) -> None:
    """Write torchrun's variables where this is a task of a srun step of several tasks; those that are set stay."""
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if "WORLD_SIZE" in environment or environment.get("SLURM_JOB_NAME") in INTERACTIVE or tasks == "1":
        return
    if missing := [name for name in ("SLURM_PROCID", "SLURM_LOCALID") if name not in environment]:
        raise UserError(
            f"SLURM says that this is one of {tasks} tasks, but not which ({', '.join(missing)} is not set). Start the "
            f"run with srun; to run one process in here, unset SLURM_STEP_NUM_TASKS."
        )
    environment["RANK"], environment["LOCAL_RANK"] = environment["SLURM_PROCID"], environment["SLURM_LOCALID"]
    environment["WORLD_SIZE"], environment["GROUP_RANK"] = tasks, environment.get("SLURM_NODEID", "0")
    per_node = _tasks_per_node(environment.get("SLURM_STEP_TASKS_PER_NODE", ""))
    node = _number(environment, "SLURM_NODEID", 0)
    if node < len(per_node):
        environment["LOCAL_WORLD_SIZE"] = str(per_node[node])
    environment.setdefault("MASTER_ADDR", _first_node(environment))
    step = _number(environment, "SLURM_JOB_ID", 0) + 101 * _number(environment, "SLURM_STEP_ID", 0)
    environment.setdefault("MASTER_PORT", str(FIRST_PORT + step % PORTS))  # another port for another step of the job


def _tasks_per_node(text: str) -> list[int]:
    """`4(x2),3` -> [4, 4, 3]."""
    found = re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
    return [int(tasks) for tasks, nodes in found for _ in range(int(nodes or 1))]


def _first_node(environment: Mapping[str, str]) -> str:
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    names = ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")
    nodes = next((environment[name] for name in names if environment.get(name)), "127.0.0.1")
    return SLURMEnvironment.resolve_root_node_address(nodes)


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal():
        raise UserError(f"The environment variable {name}={text} is not a number of processes. Unset it.")
    return int(text)
