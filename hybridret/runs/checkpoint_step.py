"""The step of `checkpoints/last.ckpt` without torch: for programs that look at many runs and compute nothing."""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path

_SHARDED = "sharded-"
_NUMBERS = ("BININT", "INT", "LONG")
_STEPS = re.compile(r"^training:\n(?:  .*\n)*?  steps: (\d+)$", re.MULTILINE)  # as a run writes its config


def checkpoint_step(run: Path) -> int:
    """The step that a run would resume from; 0 where there is no checkpoint, or none that can be read.

    Nothing in the file is executed: its small record is looked through for the number behind `global_step`.
    """
    path = run / "checkpoints" / "last.ckpt"
    if path.is_symlink() and (name := path.readlink().name).startswith(_SHARDED):
        return int(name.removeprefix(_SHARDED)) if name.removeprefix(_SHARDED).isdecimal() else 0
    try:
        with zipfile.ZipFile(path) as archive:
            record = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            return _number_behind(archive.read(record), "global_step")
    except (OSError, StopIteration, ValueError, zipfile.BadZipFile):
        return 0


def training_is_over(run: Path, step: int) -> bool:
    """Whether a run that is at `step` has no more to train. False where its `config.yaml` cannot be read."""
    try:
        found = _STEPS.search((run / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    return found is not None and step >= int(found[1])


def _number_behind(pickled: bytes, key: str) -> int:
    """The first number that is the value of `key`, 0 where there is none. Raises ValueError for what is no pickle."""
    found = False
    for code, value, _ in pickletools.genops(pickled):
        if found and isinstance(value, int) and code.name.startswith(_NUMBERS):  # others number the memo
            return value
        if isinstance(value, str):
            found = value == key
    return 0
