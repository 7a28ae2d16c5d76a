"""`hybridret.run` as a sweep's point; where the file `armed` lies, its fourth step sends Ctrl-C to the sweep."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hybridret import run
from hybridret.training.checkpoints import Checkpoints

_original = Checkpoints.on_train_batch_end


def _on_train_batch_end(self: Checkpoints, trainer: Any, *rest: Any) -> None:
    if trainer.global_step == 4 and Path("armed").exists():
        Path("armed").unlink()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.kill(os.getppid(), signal.SIGINT)
        signal.sigwait({signal.SIGINT})  # the sweep passes it on
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.raise_signal(signal.SIGINT)
    _original(self, trainer, *rest)


if __name__ == "__main__":
    Checkpoints.on_train_batch_end = _on_train_batch_end  # type: ignore[method-assign]
    sys.exit(run.main())
