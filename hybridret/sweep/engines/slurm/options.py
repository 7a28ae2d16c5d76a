"""What a user or a site may ask of SLURM beside the resources of a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SlurmOptions:
    """None or empty: SLURM's own default.

    - partition, account, qos, constraint, exclude: as sbatch has them.
    - mail: the address that SLURM writes to; mail_type: when.
    - setup: lines of shell before a point starts, such as `module load cuda/13`.
    - container: the words before `python`, such as `apptainer exec --nv image.sif`.
    - more: further options of sbatch, by their long names.
    - max_parallel: tasks of all arrays of a submission that run at once.
    - warn: seconds before the time limit at which a point saves its state and goes back into the queue.
    - retries: how often a point that failed is tried again; max_requeues: how often a job goes back into the queue.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    mail: str | None = None
    mail_type: str = "END,FAIL"
    setup: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    max_parallel: int | None = None
    warn: int = 300
    retries: int = 2
    max_requeues: int = 50
