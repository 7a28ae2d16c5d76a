"""Vectors on disk: `.npy` files of a fixed number of rows each, read and written at any row.

Rows are read and written with `pread` and `pwrite`, not through a memory map. A full disk or a truncated file is then
an error with a message (with a map: a bus error), and pages that were read do not count as memory of this process.
`numpy.load(path, mmap_mode="r")` can open the files too.
"""

from __future__ import annotations

import os
import struct
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import FloatArray
from hybridret.retrieval.vectors import check_rows

HEADER = 4096  # offset of the rows in bytes. Tiles then begin on page boundaries: two machines never write to one page
BLOCK = 1 << 22  # bytes read at a time for a checksum


class Shards:
    """A `VectorSource` [P, D] over files of `size` rows, the last one shorter; `dtype` float32 or float16.

    Raises UserError naming the file that cannot be read or written.
    """

    def __init__(self, folder: Path, count: int, dimension: int, dtype: str, size: int) -> None:
        self.folder, self.size = folder, size
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.row_bytes = dimension * self.dtype.itemsize
        self._count, self._dimension = count, dimension
        self._files: dict[int, int] = {}
        self._opening = threading.Lock()
        weakref.finalize(self, _close, self._files)

    def __len__(self) -> int:
        return self._count

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def number(self) -> int:
        """How many files there are."""
        return -(-self._count // self.size)

    def path(self, shard: int) -> Path:
        return self.folder / f"vectors-{shard:05d}.npy"

    def rows(self, start: int, stop: int) -> FloatArray:
        """Vectors `start` to `stop` - 1 as fp32. Raises IndexError outside 0 to P."""
        check_rows(start, stop, self._count)
        found = np.empty((stop - start, self._dimension), dtype=self.dtype)
        for shard, first, last in self._parts(start, stop):
            into = found[first - start : last - start].reshape(-1).view(np.uint8).data
            self._read(shard, self._offset(first), into)
        return found.astype(np.float32, copy=False)

    def write(self, start: int, vectors: FloatArray) -> int:
        """Write `vectors` [n, D] at row `start` and sync the disk. Returns the CRC-32 of their bytes as stored."""
        stored = np.ascontiguousarray(vectors, dtype=self.dtype)
        for shard, first, last in self._parts(start, start + len(stored)):
            data = stored[first - start : last - start].reshape(-1).view(np.uint8).data
            with writing(self.path(shard)):
                file = os.open(self.path(shard), os.O_WRONLY)
                try:
                    done = 0
                    while done < len(data):
                        done += os.pwrite(file, data[done:], self._offset(first) + done)
                    os.fsync(file)
                finally:
                    os.close(file)
        return zlib.crc32(stored.reshape(-1).view(np.uint8).data)

    def checksum(self, start: int, stop: int) -> int:
        """The CRC-32 of the bytes of rows `start` to `stop` - 1."""
        found = 0
        for shard, first, last in self._parts(start, stop):
            offset, left = self._offset(first), (last - first) * self.row_bytes
            while left:
                block = bytearray(min(left, BLOCK))
                self._read(shard, offset, memoryview(block))
                found = zlib.crc32(block, found)
                offset, left = offset + len(block), left - len(block)
        return found

    def whole(self, shard: int) -> bool:
        """Whether the file exists with the right header and size; its rows may still be zeros."""
        header = self._header(shard)
        try:
            with open(self.path(shard), "rb") as file:
                return os.fstat(file.fileno()).st_size == self._bytes(shard) and file.read(HEADER) == header
        except OSError:
            return False

    def create(self, shard: int) -> None:
        """Create the file with rows of zeros, which take no disk space yet."""
        with writing(self.path(shard)):
            with open(self.path(shard), "wb") as file:
                file.write(self._header(shard))
                file.truncate(self._bytes(shard))
                os.fsync(file.fileno())

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The files of rows `start` to `stop` - 1: for each its number, the first row in it and the last row + 1."""
        while start < stop:
            shard = start // self.size
            last = min(stop, (shard + 1) * self.size)
            yield shard, start, last
            start = last

    def _offset(self, row: int) -> int:
        return HEADER + row % self.size * self.row_bytes

    def _rows_of(self, shard: int) -> int:
        return min(self.size, self._count - shard * self.size)

    def _bytes(self, shard: int) -> int:
        return HEADER + self._rows_of(shard) * self.row_bytes

    def _header(self, shard: int) -> bytes:
        shape = (self._rows_of(shard), self._dimension)
        text = repr({"descr": self.dtype.str, "fortran_order": False, "shape": shape}).encode()
        magic = np.lib.format.magic(1, 0)
        return magic + struct.pack("<H", HEADER - len(magic) - 2) + text.ljust(HEADER - len(magic) - 3) + b"\n"

    def _read(self, shard: int, offset: int, into: memoryview) -> None:
        path = self.path(shard)
        try:
            file = self._open(shard)
            while len(into):
                count = os.preadv(file, [into], offset)
                if not count:
                    raise UserError(f"{path} is shorter than it was: something changed it. Run the same command again.")
                into, offset = into[count:], offset + count
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror or error}. Run the same command again.") from error

    def _open(self, shard: int) -> int:
        with self._opening:
            if shard not in self._files:
                self._files[shard] = os.open(self.path(shard), os.O_RDONLY)
            return self._files[shard]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns errors of the disk into a UserError that names `path`."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Cannot write {path}: {error.strerror or error}. Free some space or choose another folder with "
            "evaluation.cache=FOLDER. Passages that are encoded are kept there: the same command goes on behind them."
        ) from error


def _close(files: dict[int, Any]) -> None:
    for file in files.values():
        os.close(file)
