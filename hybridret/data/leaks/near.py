"""Almost equal texts: MinHash signatures by rensa, bands of them as keys, and the exact similarity of what they share.

The similarity of two texts is the Jaccard index of their sets of `WIDTH` letters in a row, of normalised texts. What
is found has it exactly; what is missed is a matter of luck: at the threshold itself at most `MISSED` of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybridret.base.records import IntArray
from hybridret.data.leaks.exact import HashArray
from hybridret.data.leaks.normalise import Normalised, normalised

WIDTH = 5  # letters; languages without spaces have no words to count
SEED = 1
MISSED = 0.01
_MARGIN = 4.0  # standard deviations below the threshold at which an estimate rules a pair out
_REMEMBERED = 4096  # texts whose shingles are kept: where many look alike, the same ones are asked for again and again
_PRIME = np.uint64(0x100000001B3)


def shingles(texts: Normalised) -> tuple[HashArray, IntArray]:
    """Hashes of all `WIDTH` letters in a row, and [n + 1] where those of each text begin; none of shorter texts."""
    codes, lengths = texts.codes.astype(np.uint64), np.diff(texts.bounds)
    counts = np.maximum(lengths - WIDTH + 1, 0)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    starts = np.repeat(texts.bounds[:-1] - bounds[:-1], counts) + np.arange(bounds[-1])
    hashes = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(WIDTH):
        hashes = hashes * _PRIME + codes[starts + offset]
    hashes ^= hashes >> np.uint64(29)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    return hashes, bounds


def jaccard(one: HashArray, other: HashArray) -> float:
    """Common elements by all elements, of two arrays without repeated ones that are not both empty."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def rows_of_a_band(threshold: float, permutations: int) -> int:
    """The most rows with which a pair at the threshold shares a band with a probability of 1 - `MISSED` or more."""
    fitting = [rows for rows in range(1, permutations + 1) if (1 - threshold**rows) ** (permutations // rows) <= MISSED]
    return max(fitting, default=1)


class NearIndex:
    """Signatures of the distinct indexed texts; entry u is `texts([u])`.

    texts: entries -> texts. entries: how many. threshold, permutations: see `LeakSettings`.
    """

    def __init__(
        self, texts: Callable[[IntArray], Sequence[str]], entries: int, threshold: float, permutations: int
    ) -> None:
        self._texts, self._threshold, self._permutations = texts, threshold, permutations
        self._rows = rows_of_a_band(threshold, permutations)
        deviation = float(np.sqrt(threshold * (1 - threshold) / permutations))
        self._least = threshold - _MARGIN * deviation
        self._of_entry = lru_cache(_REMEMBERED)(self._shingles)
        keys, signatures, self._entries = [], [], []
        for start in range(0, entries, SLICE):
            chosen = np.arange(start, min(start + SLICE, entries))
            hashes, bounds = shingles(normalised(self._texts(chosen)))
            made, whole = _signatures(hashes, bounds, permutations)
            self._entries.append(chosen[whole])
            keys.append(self._keys(made))
            signatures.append(made.astype(np.uint8))
        self._numbers: IntArray = _joined(self._entries, np.zeros(0, np.int64))
        # A byte of each value: two that differ share it once in 256, which the margin covers.
        self._signatures = _joined(signatures, np.zeros((0, permutations), np.uint8))
        bands = _joined(keys, np.zeros((0, permutations // self._rows), np.uint64)).T
        self._orders = np.argsort(bands, axis=1, kind="stable").astype(np.int32)
        self._bands = np.take_along_axis(bands, self._orders, axis=1)

    def find(self, texts: Normalised, wanted: NDArray[np.bool_]) -> list[tuple[int, int, float]]:
        """(entry, position in `texts`, similarity) of what reaches the threshold; of several texts for one entry the
        one that looks most alike.

        `wanted` [U]: the entries that are looked for.
        """
        if not len(self._numbers) or not len(texts):
            return []
        hashes, bounds = shingles(texts)
        made, whole = _signatures(hashes, bounds, self._permutations)
        rows, asked = self._candidates(self._keys(made))
        kept = wanted[self._numbers[rows]]
        rows, asked = rows[kept], asked[kept]
        alike = (self._signatures[rows] == made.astype(np.uint8)[asked]).mean(axis=1)
        likely = np.flatnonzero(alike >= self._least)
        likely = likely[np.argsort(-alike[likely], kind="stable")]
        best: dict[int, tuple[int, float]] = {}
        own: dict[int, HashArray] = {}
        for pair in likely.tolist():
            entry, position = int(self._numbers[rows[pair]]), int(whole[asked[pair]])
            if entry in best:
                continue
            if position not in own:
                own[position] = np.unique(hashes[bounds[position] : bounds[position + 1]])
            similarity = jaccard(self._of_entry(entry), own[position])
            if similarity >= self._threshold:
                best[entry] = (position, similarity)
        return [(entry, position, similarity) for entry, (position, similarity) in sorted(best.items())]

    def _shingles(self, entry: int) -> HashArray:
        return np.unique(shingles(normalised(self._texts(np.array([entry]))))[0])

    def _keys(self, signatures: NDArray[np.uint32]) -> HashArray:
        """[n, bands] one number for the rows of each band."""
        bands = self._permutations // self._rows
        parts = signatures[:, : bands * self._rows].astype(np.uint64).reshape(len(signatures), bands, self._rows)
        keys = np.zeros(parts.shape[:2], dtype=np.uint64)
        for row in range(self._rows):
            keys = (keys ^ parts[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
            keys ^= keys >> np.uint64(31)
        return keys

    def _candidates(self, keys: HashArray) -> tuple[IntArray, IntArray]:
        """Pairs (indexed row, row of `keys`) that share a band, each once."""
        found = []
        for band, (known, order) in enumerate(zip(self._bands, self._orders, strict=True)):
            first = np.searchsorted(known, keys[:, band])
            counts = np.searchsorted(known, keys[:, band], side="right") - first
            asked = np.repeat(np.arange(len(keys)), counts)
            inside = np.arange(len(asked)) - np.repeat(np.cumsum(counts) - counts, counts)
            found.append(order[np.repeat(first, counts) + inside].astype(np.int64) * len(keys) + asked)
        pairs = np.unique(np.concatenate(found))
        return pairs // max(len(keys), 1), pairs % max(len(keys), 1)


SLICE = 256  # texts at a time: what they need stays in the processor's cache


def _signatures(hashes: HashArray, bounds: IntArray, permutations: int) -> tuple[NDArray[np.uint32], IntArray]:
    """[m, permutations] of the texts that have shingles, and [m] which ones these are."""
    from rensa import RMinHash

    whole = np.flatnonzero(np.diff(bounds))
    starts = np.concatenate([bounds[whole], bounds[-1:]]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, permutations, SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(whole), permutations), whole


def _joined(parts: Sequence[NDArray], empty: NDArray) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate(parts) if parts else empty
