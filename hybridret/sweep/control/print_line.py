"""How the commands that steer a sweep say what they did."""

from __future__ import annotations

import sys


def print_line(line: str) -> None:
    """Print a line at once, also into a pipe: what follows may take long."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
