"""`python -m hybridret.plan`: what a run or a sweep would need, before it is paid for. Nothing is started or written.

python -m hybridret.plan model=3b data=jsonl data.path=FOLDER           one point
python -m hybridret.plan -m model=1b,3b,10b adapter=full,lora           every point of a sweep
python -m hybridret.plan -m model=1b,3b,10b plan.gpus=[h100] plan.price_per_gpu_hour=2.5 --csv plan.csv
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hybridret.base.interruption import interruptible, work_begins


def main(arguments: list[str] | None = None) -> int:
    """Print tables and verdicts; return the exit code: 0 planned, 1 a point cannot be planned, 2 bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m hybridret.plan",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog="Overrides are those of python -m hybridret.run (see its --help); plan.KEY=VALUE sets what is assumed: "
        "plan.gpus, plan.price_per_gpu_hour, plan.utilisation, plan.reserve.",
    )
    parser.add_argument("overrides", nargs="*", help="group=option or section.key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="every point of the grid of values")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each point and GPU as well")
    asked = parser.parse_intermixed_args(arguments)
    from hybridret.config.entry import guarded  # Hydra, and torch below: not needed for --help

    def entry() -> int:
        from hybridret.preflight.plan_command import plan_points

        work_begins()
        return plan_points(asked.overrides, asked.multirun, asked.csv)

    return guarded(entry)


if __name__ == "__main__":
    sys.exit(interruptible(main))
