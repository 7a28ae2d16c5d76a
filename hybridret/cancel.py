"""`python -m hybridret.cancel multirun/SWEEP`: stop its processes and its jobs; its runs save their state."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.base.interruption import interruptible, refuse, work_begins


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it, print what was done; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.cancel", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a sweep, such as multirun/default")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        from hybridret.sweep.control.cancel import cancel
        from hybridret.sweep.control.print_line import print_line

        return cancel(options.folder, print_line)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)


if __name__ == "__main__":
    sys.exit(interruptible(main))
