"""`python -m hybridret.run`: train and evaluate one point, or with `-m` a sweep of points.

python -m hybridret.run                                             one run on the built-in corpus
python -m hybridret.run -m batching=mono,cross,hybrid seed=1,2,3    a sweep, each point in a process of its own
python -m hybridret.run --help                                      groups and keys
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from hybridret.base.interruption import interruptible

if typing.TYPE_CHECKING:
    from omegaconf import DictConfig

    from hybridret.sweep.engines.engine import Resources


def before_sweep(points: Sequence[tuple[Sequence[str], DictConfig]], here: bool = True) -> list[str | None]:
    """`hybridret.preflight.before_sweep.before_sweep`; the launcher calls it from the module that its points run."""
    from hybridret.preflight.before_sweep import before_sweep as check

    return check(points, here)


def resources(
    points: Sequence[tuple[Sequence[str], DictConfig]], asked: Mapping[str, Any], limits: Mapping[str, Any]
) -> list[Resources | str]:
    """`hybridret.preflight.resources.resources`; the launcher of a cluster calls it in the same way."""
    from hybridret.preflight.resources import resources as of_points

    return of_points(points, asked, limits)


def main() -> int:
    """Run and return the exit code: 0 done, 1 a point failed, 2 bad input, 75 please requeue, 130 Ctrl-C."""
    import hydra  # not at the top: signals are handled first

    from hybridret.config.entry import config_folder, guarded

    code = 0

    @hydra.main(version_base="1.3", config_path=config_folder(), config_name="config")
    def point(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from hybridret.pipelines.train_run import run_point  # torch and Lightning: not needed for --help

        nonlocal code
        # Guarded here too: Hydra prints a line of its own for an error that passes through it.
        code = guarded(lambda: run_point(config, list(HydraConfig.get().overrides.task)))

    def entry() -> int:
        point()
        return code

    return guarded(entry)


if __name__ == "__main__":
    sys.exit(interruptible(main))
