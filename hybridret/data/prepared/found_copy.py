"""A prepared copy that is found by its content, where the files of its source may be gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hybridret.base.checksums import read_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder
from hybridret.data.prepared.folder import ABOUT, WHAT, PreparedFolder
from hybridret.data.prepared.stored_pairs import StoredPairs


@dataclass(frozen=True)
class FoundCopy:
    """The training pairs of a copy, one view per dataset, and where it lies. `templated`: as its source is."""

    path: Path
    pairs: tuple[StoredPairs, ...]
    templated: bool

    def training(self) -> tuple[StoredPairs, ...]:
        """The pairs."""
        return self.pairs


def find_copy(name: str, fingerprint: str, templated: bool) -> FoundCopy | None:
    """The whole copy of the source `name` with this content below the cache folder, None where there is none."""
    for path in sorted((cache_folder() / "prepared").glob(f"*/{ABOUT}")):
        try:
            about = read_sealed(path, WHAT)
            if (about.get("name"), about.get("fingerprint")) == (name, fingerprint):
                return FoundCopy(path.parent, PreparedFolder(path.parent).training(), templated)
        except UserError:  # it is damaged, and whoever needs it prepares it again
            continue
    return None
