"""Source of training pairs: the interface of the plug-in `data`.

A source returns the same pairs in every call (memoised), because batches are drawn by question index and a resumed run
must find the same questions at the same indices.
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
        """The pairs of the validation loss; none of their passages is in the training pairs."""
        ...

    def test(self) -> tuple[Collection, ...]:
        """The held-out test sets."""
        ...

    def texts(self) -> Iterable[str]:
        """All training texts in a fixed order, for the training of a tokenizer."""
        ...

    def fingerprint(self) -> str:
        """A hash of the content, for keys of caches and for the record of a run."""
        ...

    def licence(self) -> str:
        """The terms under which the texts may be used, in a sentence or two."""
        ...


def distinct_texts(datasets: Sequence[ParallelPairs]) -> Iterator[str]:
    """All query and passage texts of `datasets`, each once, in a fixed order, for the training of a tokenizer."""
    seen: set[str] = set()
    for pairs in datasets:
        for language in pairs.languages:
            for texts in (pairs.queries[language], pairs.passages[language]):
                for text in texts:
                    if text is not None and text not in seen:
                        seen.add(text)
                        yield text
