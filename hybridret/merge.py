"""`python -m hybridret.merge`: the weights of two finished runs at several ratios, evaluated as further runs.

python -m hybridret.merge mono=multirun/SWEEP/RUN cross=multirun/SWEEP/RUN ratios=[0.25,0.5,0.75]
"""

from __future__ import annotations

import sys
import typing

from hybridret.base.interruption import interruptible

if typing.TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Merge, evaluate and return the exit code: 0 done, 2 bad input, 75 please requeue, 130 Ctrl-C."""
    import hydra  # not at the top: signals are handled first

    from hybridret.config.entry import config_folder, guarded

    code = 0

    @hydra.main(version_base="1.3", config_path=config_folder(), config_name="merge")
    def merge(config: DictConfig) -> None:
        from hybridret.pipelines.merge_runs import merge_runs  # torch: not needed for --help

        nonlocal code
        # Guarded here too: Hydra prints a line of its own for an error that passes through it.
        code = guarded(lambda: merge_runs(config), "merge")

    def entry() -> int:
        merge()
        return code

    return guarded(entry, "merge")


if __name__ == "__main__":
    sys.exit(interruptible(main))
