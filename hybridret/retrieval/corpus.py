"""Vectors of large corpora: streamed, shared by processes, cached on disk, resumed after a kill; always the same bytes.

Tiles that are done are never encoded again. The content of a tile does not depend on the process that encodes it or on
a restart. Another kind of processor or another version of torch may still change last bits; they are not part of the
key, so that vectors encoded on a GPU can be searched elsewhere. Memory: the texts of two tiles and the vectors of one,
however large the corpus.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np

from hybridret.base.progress import Progress
from hybridret.base.ranges import check_field
from hybridret.base.records import IntArray
from hybridret.base.settings import EvaluationSettings
from hybridret.distributed.process_group import ProcessGroup
from hybridret.retrieval.encode import TextEncoder, inference
from hybridret.retrieval.indexes.together import raise_on_all_processes
from hybridret.retrieval.tile_store import TileStore, tile_vectors
from hybridret.retrieval.tiles import TileBar, TileEncoder, Tiles
from hybridret.retrieval.vector_source import VectorSource
from hybridret.retrieval.vectors import ArrayVectors
from hybridret.runs.lock import enter_when_free

ROUND = 8  # tiles that each process encodes before all of them exchange errors
CHECKED = 16  # tiles whose checksums are read together
HASHED = 1 << 12  # texts read at a time for a fingerprint

_log = logging.getLogger(__name__)


def encode_corpus(
    encoder: TextEncoder,
    passages: Sequence[str],
    contexts: Sequence[str] | None,
    batch_size: int,
    precision: str,
    stored: str,
    folder: Path | None,
    key: Mapping[str, str],
    processes: ProcessGroup,
    progress: Progress,
) -> VectorSource:
    """Unit vectors [P, D] of `passages`, read in slices; each passage is followed by its context in `contexts` [P].

    folder: the cache. Vectors are stored as `stored` (float32 or float16) in a subfolder whose name is a hash of all
        that they depend on; None: in memory as fp32, in every process.
    key: what vectors depend on beside the other arguments: weights, pooling, prefixes, lengths, tokenizer, texts.
    processes: all of them call this together, and each encodes its share; they need a common `folder`.

    All bytes of cached vectors are checked before use; a damaged tile is encoded again, and a warning is logged. Raises
    UserError if the folder cannot be written, has other content or is being written by another process, and for vectors
    that are not finite.
    """
    check_field(EvaluationSettings, "vectors", stored, "evaluation")
    if contexts is not None and len(contexts) != len(passages):
        raise ValueError(f"{len(passages)} passages, {len(contexts)} contexts")
    work = TileEncoder(encoder, passages, contexts, batch_size)
    if folder is None:
        return _in_memory(work, precision, processes, progress)
    # Last bits depend on the padding, and the padding depends on the batch size.
    whole = {**key, "with contexts": str(contexts is not None), "batch size": str(batch_size), "precision": precision}
    store = TileStore(folder, whole, len(passages), encoder.dimension, stored)
    entries = _from_first(store.entries, processes)
    # A complete cache is read without its lock: many processes may search it at once.
    if len(np.unique(entries[:, 0])) < len(store.tiles) or _missing(store, entries, processes, progress):
        _complete(store, work, precision, processes, progress)
    return store.vectors()


def fingerprint(texts: Sequence[str]) -> str:
    """32 hex digits of a hash of `texts` in their order, read in slices: equal only for equal lists."""
    digest = hashlib.sha256(str(len(texts)).encode())
    for start in range(0, len(texts), HASHED):
        for text in texts[start : start + HASHED]:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
    return digest.hexdigest()[:32]


def _lock(stack: ExitStack, store: TileStore, processes: ProcessGroup, progress: Progress) -> None:
    """Hold the lock of `store` until `stack` closes. A single process waits for it, then uses what its owner encoded.

    With several processes it raises UserError if the lock is in use: the others wait only for a limited time.
    """
    if processes.world > 1:
        stack.enter_context(store.lock())
        return
    enter_when_free(stack, store.lock, progress, "wait for another process that encodes the same passages")


def _complete(store: TileStore, work: TileEncoder, precision: str, processes: ProcessGroup, progress: Progress) -> None:
    """Encode the tiles that `store` lacks; the first process holds its lock meanwhile."""
    tiles = store.tiles
    with ExitStack() as stack:

        def prepare() -> IntArray:
            _lock(stack, store, processes, progress)
            store.prepare()
            return store.entries()

        entries = _from_first(prepare, processes)  # read again: another process may have added tiles since
        pending = _missing(store, entries, processes, progress)
        if processes.rank == 0:
            _warn_of_damage(store, entries, pending)
        raise_on_all_processes(partial(store.check_space, tiles.count(pending)), processes)
        own = [tiles.span(tile) for tile in pending[processes.rank :: processes.world]]
        tokenised = stack.enter_context(closing(work.ahead(own)))
        advance = stack.enter_context(progress.task("encode passages", tiles.passages))
        stack.enter_context(inference(work.encoder, precision))
        bar = TileBar(advance, tiles.passages - tiles.count(pending))

        def encode(share: Sequence[int]) -> None:
            for tile in share:
                start, _ = tiles.span(tile)
                vectors = tile_vectors(work.vectors(next(tokenised), bar.encoded), store.dtype, start)
                store.add(tile, vectors, processes.rank)

        for first in range(0, len(pending), ROUND * processes.world):
            together = pending[first : first + ROUND * processes.world]
            share = together[processes.rank :: processes.world]
            bar.round(tiles.count(share), tiles.count(together))
            raise_on_all_processes(partial(encode, share), processes)
        bar.round(0, 0)


def _in_memory(work: TileEncoder, precision: str, processes: ProcessGroup, progress: Progress) -> ArrayVectors:
    """The same vectors in an array; the processes exchange their tiles."""
    tiles = Tiles(len(work.passages))
    every = range(len(tiles))
    array = np.empty((tiles.passages, work.encoder.dimension), dtype=np.float32)
    nothing = np.empty((0, work.encoder.dimension), dtype=np.float32)
    with (
        progress.task("encode passages", tiles.passages) as advance,
        closing(work.ahead([tiles.span(tile) for tile in every[processes.rank :: processes.world]])) as tokenised,
        inference(work.encoder, precision),
    ):
        bar = TileBar(advance, 0)
        for first in range(0, len(tiles), processes.world):
            together = every[first : first + processes.world]
            share = together[processes.rank : processes.rank + 1]
            bar.round(tiles.count(share), tiles.count(together))
            found = work.vectors(next(tokenised), bar.encoded) if share else nothing
            for tile, part in zip(together, processes.gather(found), strict=False):
                array[slice(*tiles.span(tile))] = part
        bar.round(0, 0)
    return ArrayVectors(array)


def _from_first(read: Callable[[], IntArray], processes: ProcessGroup) -> IntArray:
    """The entries that the first process reads, in every process."""
    nothing = np.empty((0, 2), dtype=np.int64)
    found = processes.gather(raise_on_all_processes(lambda: nothing if processes.rank else read(), processes))[0]
    return found.astype(np.int64, copy=False)


def _missing(store: TileStore, entries: IntArray, processes: ProcessGroup, progress: Progress) -> list[int]:
    """The tiles to encode, ascending: those without an entry with the right checksum. Each process checks a share."""
    share = entries[entries[:, 0] // CHECKED % processes.world == processes.rank]  # entries of a tile stay together
    share = share[np.argsort(share[:, 0], kind="stable")]

    def check() -> IntArray:
        fit = [np.empty(0, dtype=np.int64)]
        if len(share):
            with progress.task("check kept vectors", len(share)) as advance:
                for start in range(0, len(share), CHECKED):
                    part = share[start : start + CHECKED]
                    fit.append(part[store.verified(part), 0])
                    advance(len(part))
        return np.concatenate(fit)

    fit = np.concatenate(processes.gather(raise_on_all_processes(check, processes)))
    missing: list[int] = np.setdiff1d(np.arange(len(store.tiles)), fit).tolist()
    return missing


def _warn_of_damage(store: TileStore, entries: IntArray, pending: Sequence[int]) -> None:
    damaged = np.intersect1d(entries[:, 0], np.array(pending, dtype=np.int64)).tolist()
    if damaged:
        start, stop = store.tiles.span(damaged[0])
        _log.warning(
            "%s: %d of %d tiles are damaged, the first holds passages %d to %d; they are encoded again.",
            *(store.path, len(damaged), len(store.tiles), start, stop - 1),
        )
