"""Who else searches in a sweep folder: a lock for each launcher as long as it lives, and one for whose turn it is.

A trial names its launcher by a random token. Whoever can take the lock of that token knows that the launcher is dead,
on any machine, and goes on with its trials.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hybridret.base.progress import Quiet
from hybridret.runs.lock import InUse, enter_when_free, exclusive

FOLDER = ".search"


class Launchers:
    """The launchers of a sweep folder; `token` is that of this one. A context manager, for as long as it works."""

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._folder, self._check = folder / FOLDER, check
        self._own = ExitStack()
        self.token = secrets.token_hex(8)

    def __enter__(self) -> Launchers:
        self._own.enter_context(exclusive(self._lock(self.token), self._check))
        self._own.callback(self._lock(self.token).unlink, missing_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._own.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For the block no other launcher counts trials, asks for one or takes one over."""
        with ExitStack() as stack:
            path = self._folder / "turn.lock"
            enter_when_free(stack, lambda: exclusive(path, self._check), Quiet(), "wait for another launcher")
            yield

    def is_dead(self, token: str) -> bool:
        """Whether the launcher `token` lives no more; in `turn` alone."""
        if token == self.token:
            return False
        path = self._lock(token)
        if not path.exists():
            return True
        with suppress(InUse):
            with exclusive(path, self._check):
                path.unlink(missing_ok=True)
            return True
        return False

    def _lock(self, token: str) -> Path:
        return self._folder / f"{token}.lock"
