"""Keys that the launchers of all clusters share: what a job asks for, the most that it may have, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.base.errors import UserError

RESOURCES = ("gpus", "cores", "memory", "minutes")
LIMITS = ("nodes", *RESOURCES)


def check_resources(asked: Mapping[str, Any], limits: Mapping[str, Any]) -> None:
    """Raises UserError on a number that no job can have, and on a limit of something else."""
    for key, value in [*asked.items(), *((f"limits.{key}", value) for key, value in limits.items())]:
        least = 0 if key.endswith("gpus") else 1
        if value is not None and not value >= least:
            raise UserError(f"hydra.launcher.{key}={value}: give a number from {least} on, or null.")
    if unknown := sorted(set(limits) - set(LIMITS)):
        raise UserError(f"hydra.launcher.limits.{unknown[0]} is no limit: there are {', '.join(LIMITS)}.")


def check_least(options: Mapping[str, Any], least: Mapping[str, int]) -> None:
    """Raises UserError on an option below its least value. None and missing ones are allowed."""
    for key, smallest in least.items():
        if (value := options.get(key)) is not None and not value >= smallest:
            raise UserError(f"hydra.launcher.{key}={value}: give a number from {smallest} on.")


def one_node(limits: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    """The limits, and one node. Raises UserError where more were allowed: `cluster` starts no processes that train
    together on several."""
    if (limits.get("nodes") or 1) > 1:
        raise UserError(
            f"hydra.launcher.limits.nodes={limits['nodes']}: on {cluster} a point runs on one node. For several nodes "
            "use hydra/launcher=slurm."
        )
    return {**limits, "nodes": 1}
