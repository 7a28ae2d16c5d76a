"""Signals raise a flag first, and only a second Ctrl-C an exception."""

from __future__ import annotations

import signal

import pytest

from hybridret.base.graceful_stop import StoppingProgress, StopRequested, graceful_stop
from hybridret.base.progress import Quiet


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)])
def test_a_signal_stops_at_the_next_safe_point(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    with graceful_stop() as stop:
        stop.check()
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        with pytest.raises(StopRequested, match=number.name) as caught:
            stop.check()
        assert caught.value.exit_code == code
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    with graceful_stop() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert stop.signal_number == signal.SIGINT


def test_the_first_signal_decides_the_exit_code() -> None:
    with graceful_stop() as stop:
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGTERM)
        assert stop.signal_number == signal.SIGUSR1


def test_every_advance_can_be_a_safe_point() -> None:
    done = 0
    with graceful_stop() as stop, StoppingProgress(stop, Quiet()).task("encode", 10) as advance:
        advance()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopRequested):
            advance()
        with pytest.raises(StopRequested), StoppingProgress(stop, Quiet()).task("score", 10):
            done += 1
    assert done == 0


def test_nothing_that_handles_errors_or_ctrl_c_swallows_it() -> None:
    assert not issubclass(StopRequested, Exception)
    assert not issubclass(StopRequested, KeyboardInterrupt)
