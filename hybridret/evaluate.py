"""`python -m hybridret.evaluate`: a trained run, a Hugging Face encoder or BM25 on any list of benchmarks.

python -m hybridret.evaluate checkpoint=multirun/SWEEP/RUN eval=[xquad_r] eval.xquad_r.path=FOLDER
python -m hybridret.evaluate backbone=minilm eval=[xquad_r] eval.xquad_r.path=FOLDER eval.xquad_r.languages=[en,es]
"""

from __future__ import annotations

import sys
import typing

from hybridret.base.interruption import interruptible

if typing.TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Evaluate and return the exit code: 0 done, 2 bad input, 75 please requeue, 130 Ctrl-C."""
    import hydra  # not at the top: signals are handled first

    from hybridret.config.entry import config_folder, guarded

    code = 0

    @hydra.main(version_base="1.3", config_path=config_folder(), config_name="evaluate")
    def evaluate(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from hybridret.pipelines.evaluate_run import evaluate_run  # torch: not needed for --help

        nonlocal code
        # Guarded here too: Hydra prints a line of its own for an error that passes through it.
        code = guarded(lambda: evaluate_run(config, list(HydraConfig.get().overrides.task)))

    def entry() -> int:
        evaluate()
        return code

    return guarded(entry, "evaluate")


if __name__ == "__main__":
    sys.exit(interruptible(main))
