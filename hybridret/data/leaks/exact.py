"""Equal texts by their hashes: 8 bytes a text, no text is held."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray
from hybridret.data.leaks.normalise import Normalised

HashArray = NDArray[np.uint64]

BLANK = 0  # the hash of a text without a letter or digit: it equals nothing


def text_hashes(texts: Normalised) -> HashArray:
    """[n] 64 bits of BLAKE2b, `BLANK` for a text of which nothing is left."""
    digests = b"".join(
        hashlib.blake2b(texts.of(position).tobytes(), digest_size=8).digest() for position in range(len(texts))
    )
    hashes = np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    hashes[np.diff(texts.bounds) == 0] = BLANK
    return hashes


class HashIndex:
    """The distinct hashes of indexed texts; entry u is the u-th smallest.

    hashes: [n] of the texts, `BLANK` left out. `firsts` [U]: the first text of each entry.
    """

    def __init__(self, hashes: HashArray) -> None:
        kept = np.flatnonzero(hashes != BLANK)
        self.hashes, firsts = np.unique(hashes[kept], return_index=True)
        self.firsts: IntArray = kept[firsts]
        self.entries: IntArray = np.full(len(hashes), -1)  # [n] the entry of each text, -1 for blank ones
        self.entries[kept] = np.searchsorted(self.hashes, hashes[kept])

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, hashes: HashArray) -> IntArray:
        """[m] the entry that each of `hashes` equals, -1 where there is none."""
        if not len(self):
            return np.full(len(hashes), -1)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self) - 1)
        return np.where(self.hashes[at] == hashes, at, -1)
