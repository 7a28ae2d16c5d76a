"""A port for processes of this machine to meet at."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

#: Below the ports of outgoing connections (Linux: from 32768 on), one of which could take the port before the first
#: process serves it; above the ports that are computed from the number of a SLURM job (`world.FIRST_PORT`).
FIRST, LAST = 25_000, 32_000


def free_port() -> int:
    """A free port of this machine. The caller's random state is not changed.

    Raises OSError where every port that was tried is taken.
    """
    draw = random.SystemRandom()
    for _ in range(100):
        port = draw.randrange(FIRST, LAST)
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port among 100 of {FIRST} to {LAST}")
