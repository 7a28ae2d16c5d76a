"""A fixed sample of questions: the same ones for every run, whatever its seed, strategy and model."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hybridret.base.records import Collection, Unmet


def drawn_questions(ids: Sequence[str], count: int) -> list[int]:
    """The positions of `count` of `ids`, ascending; all where there are fewer.

    Drawn by a hash of the id alone: the same ones in any order, for any seed, strategy and model.
    """

    def hashed(position: int) -> bytes:
        return hashlib.blake2b(ids[position].encode(errors="surrogatepass"), digest_size=16).digest()

    return sorted(heapq.nsmallest(count, range(len(ids)), key=hashed))


def sampled_collection(collection: Collection, questions: int) -> Collection:
    """`collection` with at most so many of its questions, each in all its languages; the passages stay."""
    numbers = np.unique(collection.questions)
    if len(numbers) <= questions:
        return collection
    chosen = numbers[drawn_questions([str(number) for number in numbers.tolist()], questions)]
    kept = np.isin(collection.questions, chosen)
    position = np.cumsum(kept) - 1  # of each kept query in the sample
    judged, unmet = kept[collection.relevant_queries], collection.unmet
    missed = kept[unmet.queries]
    return replace(
        collection,
        query_ids=tuple(collection.query_ids[query] for query in np.flatnonzero(kept).tolist()),
        queries=[collection.queries[query] for query in np.flatnonzero(kept).tolist()],
        query_languages=collection.query_languages[kept],
        questions=collection.questions[kept],
        relevant_queries=position[collection.relevant_queries[judged]],
        relevant_passages=collection.relevant_passages[judged],
        grades=collection.grades[judged],
        unmet=Unmet(
            position[unmet.queries[missed]],
            tuple(unmet.passage_ids[row] for row in np.flatnonzero(missed).tolist()),
            unmet.grades[missed],
            unmet.languages[missed],
        ),
    )
