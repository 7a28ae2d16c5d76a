"""The cache of the vectors of one corpus under one encoder: its files, and which tiles in it are complete.

    FOLDER/KEY/meta.json          all that the vectors depend on, as plain text
    FOLDER/KEY/vectors-00000.npy  passages 0 to SHARD_TILES * TILE - 1, and so on
    FOLDER/KEY/journal-0.txt      "TILE CRC32" of the tiles that process 0 wrote, each line written after its vectors
    FOLDER/KEY/.lock              held by the first process while anything is written

A tile is complete only if a journal lists it and its bytes have the checksum given there
(docs/pitfalls.md#stale-caches).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import hash_json, read_json, write_json
from hybridret.base.records import BoolArray, FloatArray, IntArray
from hybridret.retrieval.shards import Shards, writing
from hybridret.retrieval.tiles import Tiles
from hybridret.runs.lock import exclusive

FORMAT = 1
SHARD_TILES = 128  # 2,097,152 passages per file: 477 files for a billion, few enough to keep open
READERS = 4  # threads that read for checksums: a CRC-32 takes 0.2 s per GB, and disks are faster with several readers

_LINE = re.compile(r"(\d+) ([0-9a-f]{8})")


def cache_key(mapping: Mapping[str, Any]) -> str:
    """The name of a cache's folder: 32 hex digits of the SHA-256 of all that its vectors depend on."""
    return hash_json(mapping, length=32)


class TileStore:
    """Vectors [P, D] of a corpus below `folder`, tile by tile.

    `key`: what the vectors depend on, beside their number, dimension and `dtype` (float32 or float16). Entries are
    [n, 2] int64: a tile and the CRC-32 of its bytes.
    """

    def __init__(self, folder: Path, key: Mapping[str, str], passages: int, dimension: int, dtype: str) -> None:
        self.tiles, self.dtype = Tiles(passages), dtype
        self._meta: dict[str, Any] = {
            "format": FORMAT,
            "passages": passages,
            "dimension": dimension,
            "dtype": dtype,
            "tile": self.tiles.size,
            "shard_tiles": SHARD_TILES,
            "key": dict(key),
        }
        self.path = Path(folder) / cache_key(self._meta)
        self._shards = self.vectors()

    def vectors(self) -> Shards:
        """All vectors, through newly opened files, so with all that other processes have written until now."""
        rows = self.tiles.size * self._meta["shard_tiles"]
        return Shards(self.path, self.tiles.passages, self._meta["dimension"], self.dtype, rows)

    def lock(self) -> AbstractContextManager[None]:
        """A lock that one process holds at a time. Raises UserError naming the process that holds it."""
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        return exclusive(self.path / ".lock")

    def prepare(self) -> None:
        """Create the missing files, under the lock. Raises UserError if the folder has other content."""
        if not (self.path / "meta.json").exists():
            for journal in self.path.glob("journal-*.txt"):  # without meta.json its vectors are unknown
                with writing(journal):
                    journal.unlink()
            with writing(self.path):
                write_json(self.path / "meta.json", self._meta)
        self._check_meta()
        for shard in range(self._shards.number):
            if not self._shards.whole(shard):
                self._shards.create(shard)

    def entries(self) -> IntArray:
        """The entries in the journals of all processes, in no order; a tile may occur more than once.

        Empty if there is no cache yet. Raises UserError if its meta.json describes other vectors.
        """
        if not (self.path / "meta.json").exists():
            return np.empty((0, 2), dtype=np.int64)
        self._check_meta()
        found: list[tuple[int, int]] = []
        for journal in self.path.glob("journal-*.txt"):
            try:
                text = journal.read_bytes().decode("ascii", "replace")
            except OSError as error:
                raise UserError(f"Cannot read {journal}: {error.strerror or error}.") from error
            for line in text.splitlines():  # a killed process may have left half a line
                if (match := _LINE.fullmatch(line)) and int(match[1]) < len(self.tiles):
                    found.append((int(match[1]), int(match[2], 16)))
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    def verified(self, entries: IntArray) -> BoolArray:
        """[n]: whether the tile of each entry has its checksum now. Reads every byte."""
        wanted, position = np.unique(entries[:, 0], return_inverse=True)
        whole = {shard: self._shards.whole(shard) for shard in np.unique(wanted // SHARD_TILES).tolist()}

        def checksum(tile: int) -> int:
            return self._shards.checksum(*self.tiles.span(tile)) if whole[tile // SHARD_TILES] else -1

        with ThreadPoolExecutor(READERS, "checksum") as pool:
            actual = np.array(list(pool.map(checksum, wanted.tolist())), dtype=np.int64)
        same: BoolArray = actual[position] == entries[:, 1]
        return same

    def add(self, tile: int, vectors: FloatArray, rank: int) -> None:
        """Write the vectors of `tile` to the disk, and then its entry to the journal."""
        checksum = self._shards.write(self.tiles.span(tile)[0], vectors)
        path = self.path / f"journal-{rank}.txt"
        with writing(path), open(path, "ab+") as file:
            end = file.seek(0, os.SEEK_END)
            torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"  # a writer was killed in the last line
            file.write(b"\n" * torn + f"{tile} {checksum:08x}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def check_space(self, passages: int) -> None:
        """Raise UserError if the vectors of `passages` more passages do not fit on the disk."""
        needed = passages * self._shards.row_bytes
        with writing(self.path):
            free = shutil.disk_usage(self.path).free
        if free < needed:
            raise UserError(
                f"{self.path.parent}: the vectors of {passages} passages need {needed / 1e9:.1f} GB, and there are "
                f"{free / 1e9:.1f} GB free. Free some space, choose another folder with evaluation.cache=FOLDER, or "
                "halve them with evaluation.vectors=float16."
            )

    def _check_meta(self) -> None:
        path = self.path / "meta.json"
        held = read_json(path)
        found = held if isinstance(held, dict) else {}
        other = sorted(name for name in found.keys() | self._meta.keys() if found.get(name) != self._meta.get(name))
        if other:
            raise UserError(
                f"{path} is not that of these vectors: {', '.join(other)} differ. It was edited or damaged; delete the "
                f"folder {self.path} and run the same command again."
            )


def tile_vectors(vectors: FloatArray, dtype: str, start: int) -> FloatArray:
    """`vectors` in the stored `dtype`. Raises UserError naming the first passage whose vector is not finite in it: such
    a vector would stay in the cache."""
    with np.errstate(over="ignore"):
        stored = vectors.astype(dtype, copy=False)
    bad = np.flatnonzero(~np.isfinite(stored).all(axis=1))
    if len(bad):
        raise UserError(
            f"The vector of passage {start + int(bad[0])} (counted from 0) holds NaN, infinity or a number too large "
            f"for {dtype}. Check the weights, encode in fp32 (evaluation.precision=fp32), or store float32 "
            "(evaluation.vectors=float32)."
        )
    return stored
