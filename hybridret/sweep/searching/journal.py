"""`OUTPUT/SWEEP/search.journal`: the trials of all searches of a sweep folder, as Optuna's log of operations.

Several launchers may write to it, on one machine or on several with a shared file system. The lock is a file made with
O_EXCL (Optuna's JournalFileOpenLock), which needs no lock service and holds on NFS from version 3 on, and on Lustre.
Optuna's default, a symbolic link, is not used: with a relative path it cannot see how old a link is that a killed
process left, and waits for ever. A left lock file is taken over after 30 seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from hybridret.base.errors import CannotWrite, UserError

FILE = "search.journal"


class _MendingLock(JournalFileOpenLock):
    """The lock; a line that a full disk or a lost machine cut short is removed before anyone writes behind it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def acquire(self) -> bool:
        taken = super().acquire()
        drop_cut_line(self._path)
        return taken


def open_journal(folder: Path) -> JournalStorage:
    """The storage of the sweep `folder`, new or as it stands. Raises UserError where it cannot be read or written."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = (folder / FILE).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _MendingLock(path)
        if path.exists():
            lock.acquire()
            lock.release()
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    except OSError as error:
        raise _cannot_write(path, error) from error
    except Exception as error:  # whatever the replay of a damaged log runs into
        raise UserError(
            f"{path}: damaged, its operations cannot be replayed ({type(error).__name__}: {error}). Move the file away "
            f"and run the same command again: finished runs are found in their directories and not trained again."
        ) from error


@contextmanager
def journal_errors(folder: Path) -> Iterator[None]:
    """An OSError inside the block is one of writing the journal. Raises UserError."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(folder / FILE, error) from error


def drop_cut_line(path: Path) -> None:
    """Cut a last line without a line break off. Only under the lock."""
    try:
        with open(path, "rb+") as file:
            end = file.seek(0, os.SEEK_END)
            kept = end
            while kept:
                start = max(0, kept - 4096)
                file.seek(start)
                found = file.read(kept - start).rfind(b"\n")
                if found >= 0:
                    kept = start + found + 1
                    break
                kept = start
            if kept < end:
                file.truncate(kept)
    except FileNotFoundError:
        return


def _cannot_write(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"Cannot write {path}: {error.strerror or error}. Free some space, then run the same command again: trials "
        f"that ran are kept."
    )
