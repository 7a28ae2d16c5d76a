"""`hybridret.run` that disturbs itself once, at its fourth step, where the file `armed` lies.

Empty: the first rank sends Ctrl-C to the process that started it, the sweep, and waits for what comes back.
`KILL RANK`: that rank is killed.
`ORPHAN`: the sweep is killed, and the point, of one rank, waits for the SIGTERM that follows from it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hybridret import run
from hybridret.base.interruption import interruptible
from hybridret.distributed.world import process_info
from hybridret.training.checkpoints import Checkpoints

_original = Checkpoints.on_train_batch_end
_armed = Path("armed").read_text().split() if Path("armed").exists() else None


def _send_and_wait(process: int, number: int, answer: int) -> None:
    """Send a signal, and go on when `answer` has come to this process, to whichever of its threads.

    sigwait would wait for ever where the answer comes to another thread before this one waits.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    earlier = signal.set_wakeup_fd(write)
    try:
        os.kill(process, number)
        while os.read(read, 1) != bytes([answer]):
            continue
    finally:
        signal.set_wakeup_fd(earlier)
        os.close(read)
        os.close(write)


def _disturb(order: list[str]) -> None:
    if order[:1] == ["KILL"]:
        if process_info().rank == int(order[1]):
            Path("armed").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    elif order[:1] == ["ORPHAN"]:
        Path("armed").unlink()
        _send_and_wait(os.getppid(), signal.SIGKILL, signal.SIGTERM)
    elif process_info().first:
        Path("armed").unlink()
        _send_and_wait(os.getppid(), signal.SIGINT, signal.SIGINT)  # the sweep passes it on


def _on_train_batch_end(self: Checkpoints, trainer: Any, *rest: Any) -> None:
    if trainer.global_step == 4 and _armed is not None:
        _disturb(_armed)
    _original(self, trainer, *rest)


if __name__ == "__main__":
    Checkpoints.on_train_batch_end = _on_train_batch_end  # type: ignore[method-assign]
    sys.exit(interruptible(run.main))
