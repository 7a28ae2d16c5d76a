"""Ports to meet at: free ones, below those of outgoing connections, without touching anybody's random state."""

from __future__ import annotations

import random
import socket

import pytest

from hybridret.distributed import free_port as module
from hybridret.distributed.free_port import FIRST, LAST, free_port


def test_a_port_can_be_served_and_random_state_stays() -> None:
    before = random.getstate()
    port = free_port()
    assert random.getstate() == before
    assert FIRST <= port < LAST
    with socket.socket() as served:
        served.bind(("127.0.0.1", port))


def test_taken_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        monkeypatch.setattr(module, "FIRST", port)
        monkeypatch.setattr(module, "LAST", port + 1)
        with pytest.raises(OSError, match="no free port"):
            free_port()
