"""Random kills at random moments of small sweeps, start and exit included: what is lost, wrong or left behind?

    python tests/chaos/kills.py --count 200 --seed 1                     # processes of this machine
    python tests/chaos/kills.py --count 50 --seed 1 --engine slurm       # jobs of a SLURM that is started for it

Each round is a sweep in a folder of its own. Something is killed, stopped or requeued, then the same command, `resume`
or `retry` goes on, until everything is finished; then the files are compared with those of a sweep that nothing
disturbed. Needs Linux, and for SLURM root and its programs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "commands"), str(ROOT / "tests" / "slurm")]

from verdicts import FAULTS  # noqa: E402


def main() -> int:
    """Returns 0 where no fault was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="kills (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("local", "slurm"), default="local")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder, removed at the end)")
    asked = parser.parse_args()
    if asked.engine == "slurm":
        from slurm_kills import rounds
    else:
        from local_kills import rounds
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    found: Counter[str] = Counter()
    try:
        rounds(folder, asked.count, random.Random(asked.seed), found)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{found['kills']} kills: {', '.join(f'{found[kind]} {kind}' for kind in FAULTS)}\n")
    return int(any(found[kind] for kind in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
