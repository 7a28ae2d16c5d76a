"""What this machine can hold: bounds for numbers that multiply processes or threads."""

from __future__ import annotations

import os

from hybridret.errors import UserError

LARGEST = 3.4028234663852886e38  # number of single precision: what is above is infinite where it is used
PER_CORE = 4  # processes or threads that wait for a disk leave room for others, but not for a hundred


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_count(key: str, value: int, what: str) -> None:
    """Raise UserError where `value` of `what` (processes, threads) at once would take the machine down."""
    if value > (most := PER_CORE * cores()):
        raise UserError(
            f"{key}={value} would start {value} {what} at once, and this machine has {cores()} cores: at most {most} "
            f"({PER_CORE} for each core) can be of use. Set {key}={most} or less."
        )
