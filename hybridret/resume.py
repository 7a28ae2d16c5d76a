"""`python -m hybridret.resume multirun/SWEEP`: run again what is open of a sweep, by the command that made it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.base.interruption import interruptible, refuse, work_begins


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it, print what was done; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.resume", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a sweep, such as multirun/default")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        from hybridret.sweep.control.print_line import print_line
        from hybridret.sweep.control.resume import resume

        return resume(options.folder, print_line)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)


if __name__ == "__main__":
    sys.exit(interruptible(main))
