"""Files that are written one after another and survive a kill: a journal names those that are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import hash_json

JOURNAL = "journal.json"
WHAT = "the journal of a preparation"


class Shards:
    """Writes the files of `folder`, each once. What a killed process wrote whole is kept, and what it left half is
    written again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done: dict[str, Any] = {}
        if (folder / JOURNAL).is_file():
            try:
                self._done = read_sealed(folder / JOURNAL, WHAT)["files"]
            except (UserError, KeyError):  # what it names is made again
                self._done = {}

    def file(self, name: str, write: Callable[[Path], Mapping[str, Any] | None]) -> dict[str, Any]:
        """What `write(path)` returned for the file `name`, now or before a kill. OSError where it cannot be written."""
        path = self.folder / name
        known = self._done.get(name)
        if known is None or not path.is_file() or path.stat().st_size != known["size"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            counts = dict(write(path) or {})
            with open(path, "rb") as written:
                content = hashlib.file_digest(written, "sha256").hexdigest()
            self._done[name] = known = {"size": path.stat().st_size, "sha256": content, "counts": counts}
            write_sealed(self.folder / JOURNAL, {"files": self._done})
        found: dict[str, Any] = known["counts"]
        return found

    def fingerprint(self) -> str:
        """A hash of the content of all files, 16 hex digits."""
        return hash_json(sorted((name, known["sha256"]) for name, known in self._done.items()), 16)
