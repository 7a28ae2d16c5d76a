"""Each text of large prepared data once, in memory that does not grow with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from hybridret.base.mapped import chunks, release
from hybridret.base.records import IntArray, ParallelPairs
from hybridret.base.scratch import CHUNK, scratch_array
from hybridret.data.prepared.stored_texts import StoredTexts
from hybridret.data.source import distinct_texts

LARGE = 1 << 21  # texts up to which a set of them is kept in memory


def each_text_once(datasets: Sequence[ParallelPairs]) -> Iterator[str]:
    """`distinct_texts`; of many texts by hashes of 64 bits in scratch files, where one of a hundred million texts is
    lost with a probability of 0.0003. They are read twice. Raises UserError where the disk of the cache folder is full.
    """
    total = sum(2 * len(pairs) * len(pairs.languages) for pairs in datasets)
    if total <= LARGE:
        yield from distinct_texts(datasets)
        return
    hashes: IntArray = scratch_array(total, np.int64)  # in the order of the texts
    ordered: IntArray = scratch_array(total, np.int64)
    count = 0
    for part in _parts(datasets):
        hashes[count : count + len(part)] = [text_hash(text) for text in part]
        ordered[count : count + len(part)] = hashes[count : count + len(part)]
        count += len(part)
        release(hashes, ordered)
    ordered[:count].sort()
    repeated = _repeated(ordered[:count])
    seen = scratch_array(len(repeated), np.bool_)
    begun = 0
    for part in _parts(datasets):
        own = hashes[begun : begun + len(part)]
        begun += len(part)
        release(hashes, ordered)
        at = np.minimum(np.searchsorted(repeated, own), max(len(repeated) - 1, 0))
        again = repeated[at] == own if len(repeated) else np.zeros(len(own), dtype=bool)
        for position, (text, doubtful) in enumerate(zip(part, again.tolist(), strict=True)):
            if doubtful:
                if seen[at[position]]:
                    continue
                seen[at[position]] = True
            yield text


def _parts(datasets: Sequence[ParallelPairs]) -> Iterator[list[str]]:
    """The texts in the order of `distinct_texts`, some at a time."""
    for pairs in datasets:
        for language in pairs.languages:
            for texts in (pairs.queries[language], pairs.passages[language]):
                for start in range(0, len(texts), CHUNK):
                    yield [text for text in texts[start : start + CHUNK] if text is not None]
                    if isinstance(texts, StoredTexts):
                        texts.release()


def _repeated(ordered: IntArray) -> IntArray:
    """The numbers that occur at least twice, each once, ascending; they overwrite the front of `ordered`."""
    count = 0
    last: int | None = None
    for start, _ in chunks(len(ordered), CHUNK, ordered):
        part = ordered[start : start + CHUNK + 1].copy()  # with the first one of the next part
        found = np.unique(part[:-1][part[1:] == part[:-1]])
        if last is not None and len(found) and found[0] == last:
            found = found[1:]
        if len(found):
            last = int(found[-1])
        ordered[count : count + len(found)] = found
        count += len(found)
    return ordered[:count]


def text_hash(text: str) -> int:
    """64 bits of a hash of a text, from -2**63 on."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
