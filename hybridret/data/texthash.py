"""A hash of the columns of an Arrow table that does not depend on how its rows are cut into batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np


class TextHash:
    """The hash of tables of string columns without nulls, which are added in the order of their rows.

    Every column has two hashes, of the bytes of its texts and of their lengths, so that different tables differ.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._hashes = {name: (hashlib.blake2b(), hashlib.blake2b()) for name in names}

    def update(self, table: Any) -> None:
        for name, (of_texts, of_lengths) in self._hashes.items():
            for chunk in table.column(name).chunks:
                if not len(chunk):
                    continue
                _, offsets, values = chunk.buffers()
                bounds = np.frombuffer(offsets, np.int32, len(chunk) + 1, chunk.offset * 4)
                of_lengths.update(np.diff(bounds).astype("<i4").tobytes())
                if values is not None:
                    of_texts.update(memoryview(values)[bounds[0] : bounds[-1]])

    def hexdigest(self, length: int = 32) -> str:
        """`length` hex digits; further tables may be added afterwards."""
        whole = hashlib.blake2b()
        for name, parts in self._hashes.items():
            whole.update(repr((name, *(part.hexdigest() for part in parts))).encode())
        return whole.hexdigest()[:length]
