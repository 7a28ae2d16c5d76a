"""Contrastive entropy: a smooth measure of retrieval that scaling laws can be fitted to (arXiv 2403.18684).

-log softmax of a positive against a fixed random sample of passages. The cosines are divided by one temperature, the
same for every run whatever its training temperature. The sample is drawn once per corpus; the query's other positives
are left out of it.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from hybridret.base.records import BoolArray, FloatArray, IntArray
from hybridret.metrics.metric import ScoredMetric
from hybridret.metrics.ranks import Values

SLICE = 1 << 16  # ids read at a time


def sample_passages(ids: Sequence[str], candidates: IntArray, size: int, seed: int) -> IntArray:
    """`size` of the `candidates` (indices into `ids`), all of them if there are fewer; ascending.

    The draw is by a hash of seed and id: it gives the same passages for any order of the corpus, on any machine and
    with any version of numpy, so the values of different runs stay comparable.
    """
    if len(candidates) <= size:
        return np.sort(candidates)

    def hashed() -> Iterator[tuple[bytes, int]]:
        for start in range(0, len(candidates), SLICE):
            part = candidates[start : start + SLICE]
            low = int(part.min())
            texts = ids[low : int(part.max()) + 1]  # one slice, because ids may be on disk
            for index in part.tolist():
                text = f"{seed} {texts[index - low]}".encode(errors="surrogatepass")
                yield hashlib.blake2b(text, digest_size=16).digest(), index

    return np.array(sorted(index for _, index in heapq.nsmallest(size, hashed())), dtype=np.int64)


def contrastive_entropy(
    sampled: FloatArray, excluded: BoolArray, rows: IntArray, positives: FloatArray, temperature: float
) -> Values:
    """[r] in nats, at least 0: -log(e^(s+ / T) / (e^(s+ / T) + sum of e^(s / T) over the sample)) per positive.

    `sampled` [q, S] are the cosines of the sample, and `excluded` [q, S] marks the query's own positives in it.
    `positives` [r] are the cosines of the positives, and `rows` [r] the row of each one's query in `sampled`.
    """
    logits = np.where(excluded, -np.inf, np.asarray(sampled, dtype=np.float64) / temperature)
    negatives = np.logaddexp.reduce(logits, axis=1, initial=-np.inf)
    positive = np.asarray(positives, dtype=np.float64) / temperature
    result: Values = np.logaddexp(positive, negatives[rows]) - positive
    return result


METRIC = ScoredMetric(name="contrastive_entropy", title="contrastive entropy", position=70, better=-1)
