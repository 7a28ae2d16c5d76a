"""`python -m hybridret.mine`: hard negatives for training data, by BM25 or by any encoder.

python -m hybridret.mine name=bm25 backbone=bm25 data=jsonl data.path=FOLDER
python -m hybridret.mine name=hard checkpoint=multirun/SWEEP/RUN mining.queries=cross mining.judge=labse
python -m hybridret.run training.mined=hard training.hard_negatives=4 data=jsonl data.path=FOLDER
"""

from __future__ import annotations

import argparse
import sys

from hybridret.base.interruption import interruptible, work_begins


def main(arguments: list[str] | None = None) -> int:
    """Mine, print what was kept and refused, and return the exit code: 0 done, 2 bad input, 75 or 130 stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m hybridret.mine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog="Overrides are those of python -m hybridret.evaluate, and name=NAME, data, mining.KEY=VALUE "
        "(conf/mine.yaml has them all). Started again after a stop, it goes on.",
    )
    parser.add_argument("overrides", nargs="*", help="group=option or section.key=value")
    asked = parser.parse_intermixed_args(arguments)
    from hybridret.config.entry import guarded  # Hydra: not needed for --help

    def entry() -> int:
        from hybridret.pipelines.mine_data import mine_data

        work_begins()
        return mine_data(asked.overrides)

    return guarded(entry, "mine")


if __name__ == "__main__":
    sys.exit(interruptible(main))
