"""Tiles of a large corpus: it is encoded in pieces of a fixed number of passages, counted from the first passage.

Within a tile passages are sorted by length and put into batches that depend only on the texts of the tile. So it does
not matter which process encodes it, or when.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybridret.base.progress import Advance
from hybridret.base.records import FloatArray, IntArray
from hybridret.retrieval.encode import TextEncoder, distinct_items, encode_rows, token_rows

TILE = 1 << 14  # passages: many enough to sort by length, few enough to lose when a process is killed


class Tiles:
    """`passages` cut into tiles of `size`, the last one shorter."""

    def __init__(self, passages: int) -> None:
        self.passages, self.size = passages, TILE

    def __len__(self) -> int:
        return -(-self.passages // self.size)

    def span(self, tile: int) -> tuple[int, int]:
        """The first passage of a tile, and its last passage + 1."""
        return tile * self.size, min((tile + 1) * self.size, self.passages)

    def count(self, tiles: Sequence[int]) -> int:
        """How many passages `tiles` hold."""
        return sum(stop - start for start, stop in map(self.span, tiles))


@dataclass(frozen=True)
class Tokenised:
    """Token rows of the distinct passages of a tile; `positions` [n] is the row of each passage."""

    rows: list[NDArray[np.int32]]
    positions: IntArray


@dataclass(frozen=True)
class TileEncoder:
    """Reads, tokenises and encodes tiles of `passages`, each followed by its context in `contexts`, if not None."""

    encoder: TextEncoder
    passages: Sequence[str]
    contexts: Sequence[str] | None
    batch_size: int

    def tokenise(self, span: tuple[int, int]) -> Tokenised:
        texts = self.passages[slice(*span)]
        contexts = [""] * len(texts) if self.contexts is None else self.contexts[slice(*span)]
        distinct, positions = distinct_items(list(zip(texts, contexts, strict=True)))
        return Tokenised(
            token_rows(self.encoder.tokenization, distinct, "passage", self.contexts is not None), positions
        )

    def ahead(self, spans: Sequence[tuple[int, int]]) -> Generator[Tokenised, None, None]:
        """The tiles of `spans`; each is read and tokenised while the previous one is encoded. Must be closed."""
        with ThreadPoolExecutor(1, "tokenise") as reader:
            waiting: Future[Tokenised] | None = None
            for span in spans:
                following = reader.submit(self.tokenise, span)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()

    def vectors(self, tile: Tokenised, encoded: Callable[[int], None]) -> FloatArray:
        """[n, D], fp32, of the passages of a tile, inside `inference`; `encoded` is called with each number done."""
        vectors = encode_rows(self.encoder, tile.rows, self.batch_size, encoded)[tile.positions]
        if len(tile.positions) > len(tile.rows):
            encoded(len(tile.positions) - len(tile.rows))
        return vectors


class TileBar:
    """Progress in passages of all processes, estimated by one of them as if all were equally fast within a round.

    `done` passages were already in the cache.
    """

    def __init__(self, advance: Advance, done: int) -> None:
        self._advance, self._before = advance, 0
        self._begin = time.perf_counter()
        self._mine = self._share = self._round = self._shown = 0
        if done:
            advance(done, "resumed")

    def round(self, mine: int, together: int) -> None:
        """End the last round and begin one of `together` passages, `mine` of them in this process."""
        self._show(self._round)
        self._before += self._round
        self._mine, self._share, self._round, self._shown = 0, mine, together, 0

    def encoded(self, count: int) -> None:
        """Count `count` more passages as encoded in this process."""
        self._mine += count
        self._show(self._mine * self._round // self._share)

    def _show(self, reached: int) -> None:
        rate = (self._before + reached) / max(1e-9, time.perf_counter() - self._begin)
        if reached > self._shown:
            self._advance(reached - self._shown, f"{rate:.0f} passages/s")
        self._shown = reached
