"""Several sources of training pairs as one: each keeps its own prepared copy, and a batch stays in one dataset.

Which dataset a batch is from is drawn in proportion to sizes, to sizes to a power, or to given weights. The paper draws
in proportion to size (arXiv 2408.10536, 3.2); powers below one favour small datasets, as the sampling of languages does
in multilingual pretraining (arXiv 1911.02116, 3.1).
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from hybridret.base.errors import UserError, nearest, of_source
from hybridret.base.files import hash_json
from hybridret.base.progress import Progress
from hybridret.base.range_words import Because
from hybridret.base.ranges import check_value, checked
from hybridret.base.records import Collection, IntArray, Negative, ParallelPairs
from hybridret.data.prepared.folder import ARTICLES, VALIDATION
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.prepared.stored_collection import write_collection
from hybridret.data.prepared.stored_pairs import write_pairs
from hybridret.data.prepared.stored_texts import write_texts

VERSION = 2  # of the mixing: raise it when the same sources would give another copy

Weight = Annotated[float, Ge(1e-6), Le(1e6), Because("Only ratios of weights count; leave a source out for none.")]
Exponent = Annotated[
    float,
    Ge(0),
    Le(1),
    Because("A dataset is drawn in proportion to its pairs to this power: 1 is in proportion, 0 is uniform."),
]


@checked("data")
class Mix:
    """One source made of several.

    sources: the sources by name, at least one. A source with one dataset gives it its own name, one with several gives
        the names NAME/DATASET.
    weights: how often each source is drawn, in any unit, for all of them; inside a source datasets are drawn in
        proportion to size. None: sizes decide.
    exponent: datasets are drawn in proportion to size^exponent; size counts questions once in each language. Not
        together with weights.

    Datasets that a batch strategy cannot use are left out of its draw: cross-lingual batches skip monolingual datasets.
    Validation pairs and test sets are those of all sources.
    """

    def __init__(
        self,
        sources: Mapping[str, Any],
        weights: Mapping[str, Any] | None = None,
        exponent: Exponent = 1.0,
        name: str = "mix",
    ) -> None:
        if not sources:
            raise UserError(
                "data.sources is empty: add at least one source by a name of your own, such as "
                "+data@data.sources.mmarco=mmarco."
            )
        for one in sources:
            if "/" in str(one):
                raise UserError(f"data.sources.{one}: a name holds no '/', which divides source and dataset.")
            if isinstance(sources[one], Mix):
                raise UserError(f"data.sources.{one} is a mix itself: give its sources to this one, in data.sources.")
        if weights is not None:
            _check_weights(weights, sources, exponent)
        self.name = name
        self._sources = dict(sources)
        self._weights = None if weights is None else dict(weights)
        self._exponent = exponent

    @property
    def sources(self) -> dict[str, Any]:
        """The sources by name, as they were given."""
        return dict(self._sources)

    @property
    def templated(self) -> bool:
        """Whether this holds for every source."""
        return all(source.templated for source in self._sources.values())

    def key(self) -> list[Any]:
        """Names and keys of the sources; how often they are drawn changes no copy."""
        keys = []
        for name, source in self._sources.items():
            with of_source(name):
                keys.append([name, source.key()])
        return ["mix", VERSION, self.name, keys]

    def missing(self) -> list[str]:
        """What of the files of all sources is not there."""
        return [f"data.sources.{name}: {text}" for name in self._sources for text in self._sources[name].missing()]

    def licence(self) -> str:
        """The terms of each source."""
        return " ".join(f"{name}: {source.licence()}" for name, source in self._sources.items())

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Prepare each source, and write into `folder` what the mix has itself: validation pairs and test sets.

        Raises UserError as the sources do, naming the source.
        """
        members: dict[str, PreparedSource] = {}
        training: list[str] = []
        names: list[str] = []
        for name, source in self._sources.items():
            with of_source(name):
                member = members[name] = PreparedSource(source, progress)
                below = member.prepare(progress).about["training"]
                found = member.training()
            training += [f"../{member.path.name}/{one}" for one in below]
            names += [name] if len(found) == 1 else [f"{name}/{pairs.name}" for pairs in found]
        shutil.rmtree(folder)  # what a killed process wrote is small
        folder.mkdir()
        write_pairs(folder / VALIDATION, joined_pairs({name: one.validation() for name, one in members.items()}))
        tests = _named_apart({name: one.test() for name, one in members.items()})
        for number, collection in enumerate(tests):
            write_collection(folder / f"test-{number}", collection)
        titles = [one for one in (member.articles() for member in members.values()) if one is not None]
        if titles:
            write_texts(folder / ARTICLES, sorted(frozenset[str]().union(*titles)))
        return {
            "training": training,
            "names": names,
            "members": [member.path.name for member in members.values()],
            "test": [f"test-{number}" for number in range(len(tests))],
            "fingerprint": hash_json([[name, member.fingerprint()] for name, member in members.items()], 16),
            "summary": {"name": self.name, "sources": {name: one.summary() for name, one in members.items()}},
        }

    def weighted(self, datasets: Sequence[ParallelPairs]) -> tuple[ParallelPairs, ...]:
        """The training datasets with the weights by which they are drawn; as they are where sizes decide."""
        if self._weights is None and self._exponent == 1:
            return tuple(datasets)
        sizes = [float(pairs.present.sum()) for pairs in datasets]
        if self._weights is None:
            return tuple(replace(one, weight=size**self._exponent) for one, size in zip(datasets, sizes, strict=True))
        owners = [pairs.name.split("/")[0] for pairs in datasets]
        of_source = {name: sum(s for s, owner in zip(sizes, owners, strict=True) if owner == name) for name in owners}
        return tuple(
            replace(one, weight=self._weights[owner] * size / of_source[owner])
            for one, size, owner in zip(datasets, sizes, owners, strict=True)
        )


def joined_pairs(parts: Mapping[str, ParallelPairs]) -> ParallelPairs:
    """The questions of all parts, one behind another, in all of their languages. Ids get the name of the part in front;
    a passage group stays in its part.
    """
    languages = tuple(dict.fromkeys(language for pairs in parts.values() for language in pairs.languages))
    hard = [language for language in languages if any(language in pairs.negatives for pairs in parts.values())]
    queries: dict[str, list[str | None]] = {language: [] for language in languages}
    passages: dict[str, list[str | None]] = {language: [] for language in languages}
    negatives: dict[str, list[tuple[Negative, ...]]] = {language: [] for language in hard}
    ids: list[str] = []
    groups: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    first = 0
    for name, pairs in parts.items():
        ids += [f"{name}:{one}" for one in pairs.question_ids]
        known, codes = np.unique(pairs.passage_groups, return_inverse=True)
        code_of = dict(zip(known.tolist(), range(first, first + len(known)), strict=True))
        groups.append(codes.astype(np.int64) + first)
        first += len(known)
        for language in languages:
            there = language in pairs.languages
            queries[language] += pairs.queries[language] if there else [None] * len(pairs)
            passages[language] += pairs.passages[language] if there else [None] * len(pairs)
        for language in hard:
            negatives[language] += (
                tuple(replace(one, group=code_of.get(one.group, -1)) for one in found)
                for found in pairs.negatives.get(language, [()] * len(pairs))
            )
    return ParallelPairs("validation", languages, tuple(ids), queries, passages, np.concatenate(groups), negatives)


def _named_apart(tests: Mapping[str, Sequence[Collection]]) -> list[Collection]:
    """All test sets; those that share a name get the name of their source in front."""
    count = Counter(one.name for found in tests.values() for one in found)
    return [
        replace(one, name=f"{name}-{one.name}") if count[one.name] > 1 else one
        for name, found in tests.items()
        for one in found
    ]


def _check_weights(weights: Mapping[str, Any], sources: Mapping[str, Any], exponent: float) -> None:
    """Raise UserError unless each source has one weight, and nothing else decides."""
    for name in weights:
        check_value(Weight, weights[name], f"data.weights.{name}")
        if name not in sources:
            raise UserError(f"data.weights.{name}: there is no such source. {nearest(name, sources)}")
    if lacking := [name for name in sources if name not in weights]:
        raise UserError(f"data.weights has none for {', '.join(lacking)}: set data.weights.{lacking[0]}=NUMBER.")
    if exponent != 1:
        raise UserError(
            f"data.weights and data.exponent={exponent} both say how often a dataset is drawn. Set one of them."
        )
