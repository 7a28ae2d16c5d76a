"""`python -m hybridret.retry --failed multirun/SWEEP`: try its failed runs again, by the command that made it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.base.interruption import interruptible, refuse, work_begins


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it, print what was done; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hybridret.retry", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a sweep, such as multirun/default")
    parser.add_argument("--failed", action="store_true", required=True, help="those that failed")
    options = parser.parse_args(arguments)
    try:
        work_begins()
        from hybridret.sweep.control.print_line import print_line
        from hybridret.sweep.control.retry import retry_failed

        return retry_failed(options.folder, print_line)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)


if __name__ == "__main__":
    sys.exit(interruptible(main))
