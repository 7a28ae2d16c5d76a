"""The mix that was drawn, as opposed to the requested one: alpha, kinds, datasets, languages and language pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybridret.base.records import Batch, ParallelPairs


class MixCounter:
    """Counts the batches of a training. `datasets` are those of the schedule: their names are keys of the counts."""

    def __init__(self, datasets: Sequence[ParallelPairs]) -> None:
        self._datasets = tuple(datasets)
        self._kinds: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._rows = 0

    def add(self, batch: Batch) -> None:
        """Count one global batch."""
        pairs = self._datasets[batch.dataset]
        self._kinds[batch.kind] += 1
        self._used[pairs.name] += 1
        self._rows += len(batch)
        codes = batch.query_languages * len(pairs.languages) + batch.passage_languages
        drawn, counts = np.unique(codes, return_counts=True)
        named = [tuple(pairs.languages[i] for i in divmod(int(code), len(pairs.languages))) for code in drawn]
        if len(named) == 1 and named[0][0] == named[0][1]:
            self._languages[named[0][0]] += 1
            return
        for (query, passage), count in zip(named, counts, strict=True):
            self._pairs[query, passage] += int(count)

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON values, keys sorted:

        - `batches`, `rows`: all that were counted
        - `alpha`: share of mono batches among mono and cross batches; null if there are no such batches
        - `kinds`, `datasets`: batches by kind and by dataset
        - `languages`: batches that are in one language throughout, by language (mono, en_en)
        - `language_pairs`: rows of all other batches, by query language, then passage language (cross, x_x)
        - `monolingual_datasets`: names of the datasets in which no question has two languages, so that cross batches
          skip them; absent where there are none
        """
        chosen = self._kinds["mono"] + self._kinds["cross"]
        nested: dict[str, dict[str, int]] = {}
        for (query, passage), count in sorted(self._pairs.items()):
            nested.setdefault(query, {})[passage] = count
        return {
            "batches": self._kinds.total(),
            "rows": self._rows,
            "alpha": self._kinds["mono"] / chosen if chosen else None,
            "kinds": dict(sorted((+self._kinds).items())),
            "datasets": dict(sorted(self._used.items())),
            "languages": dict(sorted(self._languages.items())),
            "language_pairs": nested,
            **({"monolingual_datasets": self._monolingual} if self._monolingual else {}),
        }

    @cached_property
    def _monolingual(self) -> list[str]:
        return sorted(pairs.name for pairs in self._datasets if not (pairs.present.sum(axis=1) >= 2).any())

    def restore(self, counts: Mapping[str, Any]) -> None:
        """Continue from the result of `as_dict`: a resumed run reports the mix of the whole run."""
        self._kinds = Counter(counts["kinds"])
        self._used = Counter(counts["datasets"])
        self._languages = Counter(counts["languages"])
        nested = counts["language_pairs"]
        self._pairs = Counter({(query, passage): n for query in nested for passage, n in nested[query].items()})
        self._rows = int(counts["rows"])


def realised_mix(batches: Iterable[Batch], datasets: Sequence[ParallelPairs]) -> dict[str, Any]:
    """The mix of `batches`, as `MixCounter.as_dict` describes it."""
    counter = MixCounter(datasets)
    for batch in batches:
        counter.add(batch)
    return counter.as_dict()
