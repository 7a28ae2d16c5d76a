"""Where training pairs come from: the interface of the plug-in `data`.

A source hands out the same pairs whenever it is asked (memoised), because batches are drawn by question index and a
resumed run must meet the same indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from hybridret.base.records import Collection, ParallelPairs


class PairSource(Protocol):
    """Parallel question-passage pairs, split into training, validation and held-out test sets."""

    def training(self) -> tuple[ParallelPairs, ...]:
        """The training pairs, one `ParallelPairs` per dataset."""
        ...

    def validation(self) -> ParallelPairs:
        """The pairs of the validation loss; no passage of them is trained on."""
        ...

    def test(self) -> tuple[Collection, ...]:
        """The held-out test sets."""
        ...

    def texts(self) -> Iterable[str]:
        """All training texts in a fixed order: what a tokenizer is trained on."""
        ...

    def fingerprint(self) -> str:
        """A hash of the content: keys caches and goes into the run record."""
        ...

    def licence(self) -> str:
        """The terms under which the texts may be used, in a sentence or two."""
        ...


def distinct_texts(datasets: Sequence[ParallelPairs]) -> Iterator[str]:
    """All query and passage texts of `datasets`, each once, in a fixed order: what a tokenizer is trained on."""
    seen: set[str] = set()
    for pairs in datasets:
        for language in pairs.languages:
            for texts in (pairs.queries[language], pairs.passages[language]):
                for text in texts:
                    if text is not None and text not in seen:
                        seen.add(text)
                        yield text
