"""Source of training pairs: the interface of the plug-in `data`.

A source returns the same pairs in every call (memoised), because batches are drawn by question index and a resumed run
must find the same questions at the same indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hybridret.base.progress import Progress
from hybridret.base.records import Collection, ParallelPairs


class Source(Protocol):
    """What every source has; none of it reads the texts."""

    @property
    def name(self) -> str:
        """What the source is called in tables and files."""
        ...

    @property
    def templated(self) -> bool:
        """Whether texts of different facts may differ in one word, so that almost equal texts are no leak."""
        ...

    def key(self) -> list[Any]:
        """What the pairs depend on, as JSON: settings, and probes of files, none of which is read as a whole."""
        ...

    def missing(self) -> list[str]:
        """What of its files is not there, each with what fetches it; none of them is read."""
        ...

    def licence(self) -> str:
        """The terms under which the texts may be used, in a sentence or two."""
        ...


class PairSource(Source, Protocol):
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

    def summary(self) -> dict[str, Any] | None:
        """What was read, how it was split, and what was dropped, as JSON; None where nothing is counted."""
        ...

    def articles(self) -> frozenset[str] | None:
        """Titles of the articles that are trained on; None where there are none."""
        ...


@runtime_checkable
class StreamedSource(Source, Protocol):
    """A source that is too large for memory: it writes its prepared copy itself, file by file."""

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the copy into `folder`, which may hold whole files of an earlier process, and return what
        `prepared.json` says of it: `training`, `test`, `fingerprint`, `summary`.
        """
        ...


@runtime_checkable
class ReadSource(Protocol):
    """A source in memory that takes long enough to show how far it is."""

    def read(self, progress: Progress) -> None:
        """Read the files and split the pairs; the other methods then return what is there."""
        ...


@runtime_checkable
class WeightedSource(Protocol):
    """A source that says how often its datasets are drawn."""

    def weighted(self, datasets: Sequence[ParallelPairs]) -> tuple[ParallelPairs, ...]:
        """The training datasets, with `weight` set."""
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
