"""`python -m hybridret.run`: train and evaluate one point, or with `-m` a sweep of points.

python -m hybridret.run                                             one run on the built-in corpus
python -m hybridret.run -m batching=mono,cross,hybrid seed=1,2,3    a sweep, each point in a process of its own
python -m hybridret.run --help                                      groups and keys
"""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig

from hybridret.build.entry import config_folder, guarded
from hybridret.build.readiness import before_sweep

__all__ = ["before_sweep", "main"]  # the launcher asks the module of its points

_code = 0


@hydra.main(version_base="1.3", config_path=config_folder(), config_name="config")
def _point(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig

    from hybridret.build.point import run_point  # torch and Lightning: not needed for --help

    global _code
    # Guarded in here too: an error that passes through Hydra makes it print a line of its own.
    _code = guarded(lambda: run_point(config, list(HydraConfig.get().overrides.task)))


def main() -> int:
    """Run and return the exit code: 0 done, 1 a point failed, 2 bad input, 75 please requeue, 130 Ctrl-C."""

    def entry() -> int:
        _point()
        return _code

    return guarded(entry)


if __name__ == "__main__":
    sys.exit(main())
