"""Run stored commands again: one in the place of this process, several one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from hybridret.base.errors import BAD_INPUT, DONE, POINT_FAILED, REQUEUE
from hybridret.base.graceful_stop import Stop, graceful_stop
from hybridret.base.interruption import PARENT
from hybridret.sweep.control.stored_command import StoredCommand

#: Of several exit codes the first of these is that of all.
_WORST = (POINT_FAILED, BAD_INPUT, REQUEUE)


def rerun(commands: Sequence[StoredCommand]) -> int:
    """Run the commands in this order; the exit code. One alone is this process from then on: its signals, its output
    and its exit code. Of several, a signal ends the one that runs, and no other one starts."""
    sys.stdout.flush()
    sys.stderr.flush()
    if len(commands) == 1:
        os.chdir(commands[0].directory)
        os.execve(sys.executable, _line(commands[0]), _environment(commands[0]))
    codes: list[int] = []
    with graceful_stop() as stop:
        for command in commands:
            codes.append(_end(_start(command), stop))
            if stop.requested:
                return codes[-1]
    return next((code for code in _WORST if code in codes), next((code for code in codes if code), DONE))


def _start(command: StoredCommand) -> subprocess.Popen[bytes]:
    """In a group of its own: a Ctrl-C of the terminal would reach it twice."""
    environment = {**_environment(command), PARENT: str(os.getpid())}  # `cancel` stops this process, not one command
    return subprocess.Popen(_line(command), cwd=command.directory, env=environment, process_group=0)


def _end(process: subprocess.Popen[bytes], stop: Stop) -> int:
    """Wait for the end of a process; its exit code. It gets the first signal, and every further Ctrl-C."""
    sent = False
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if stop.signal_number is not None and not sent:
                process.send_signal(stop.signal_number)
                sent = True
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)


def _line(command: StoredCommand) -> list[str]:
    return [sys.executable, "-m", "hybridret.run", *command.arguments]


def _environment(command: StoredCommand) -> dict[str, str]:
    return {**os.environ, "HYBRIDRET_COMMAND": command.typed}
