"""The built-in corpus: parallel questions and passages generated from Unicode CLDR, without a download.

It is a name-alignment task, not general question answering; docs/data_card_cldr.md describes its uses and limits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from babel.core import get_global

from hybridret.base.files import hash_file
from hybridret.base.languages import chosen_languages
from hybridret.base.range_words import Because
from hybridret.base.ranges import checked
from hybridret.base.records import Collection, IntArray, ParallelPairs
from hybridret.data.cldr.described import Described, described_facts
from hybridret.data.cldr.fact_split import Part, split
from hybridret.data.cldr.render import available_languages
from hybridret.data.cldr.things import uniform
from hybridret.data.source import distinct_texts

TASK = "name alignment on generated sentences, not general question answering"


Limit = Annotated[int, Ge(20), Because("With fewer some would be in no test of the CLDR corpus.")]
TrainingShare = Annotated[float, Gt(0), Le(1), Because("1 uses all facts for training.")]
PartShare = Annotated[float, Gt(0), Lt(0.5), Because("It is a share of the CLDR corpus.")]


@checked("data")
class CldrCorpus:
    """Facts about countries, languages, currencies, scripts and places in up to ten languages.

    Every fact has two wordings of its question and one passage per language. Two instances with equal arguments have
    equal texts, in any process.

    Args:
        languages: language codes; None means all that have templates. Facts and split do not depend on them.
        seed: seed of the split into training, validation and test.
        cities: maximum number of places (exemplar cities of time zones) as entities.
        spoken: maximum number of languages as entities, the most widespread first.
        validation_share: share of the facts about seen entities.
        test_share: share of the facts about seen entities.
        unseen_share: share of the entities of each kind that never occur in training.
        training_share: share of the facts for training that are used; those of a smaller share are among those of a
            larger one, and validation and test do not depend on it. Below 1 they may ask about entities that training
            never mentions.

    Raises:
        UserError: an unknown language, none or the same one twice; shares or limits out of range.
    """

    name = "cldr"
    templated = True  # texts of different facts may differ in one word: that is no leak

    def __init__(
        self,
        languages: list[str] | None = None,
        seed: int = 0,
        cities: Limit = 200,
        spoken: Limit = 140,
        validation_share: PartShare = 0.06,
        test_share: PartShare = 0.16,
        unseen_share: PartShare = 0.06,
        training_share: TrainingShare = 1.0,
    ) -> None:
        self.languages = tuple(
            chosen_languages("data.languages", languages, available_languages(), "in the CLDR corpus")
        )
        shares = {"validation_share": validation_share, "test_share": test_share, "unseen_share": unseen_share}
        self.seed = seed
        self._limits = (cities, spoken)
        self._shares = shares
        self._training_share = training_share

    @cached_property
    def facts(self) -> tuple[Described, ...]:
        """All facts, in the order of their ids; texts are in every available language."""
        return described_facts(*self._limits)

    @cached_property
    def parts(self) -> list[Part]:
        """The part of the split that each of `facts` belongs to."""
        parts = split([one.fact for one in self.facts], self.seed, **self._shares)
        return [self._used(one, part) for one, part in zip(self.facts, parts, strict=True)]

    def training(self) -> tuple[ParallelPairs, ...]:
        """One dataset, `cldr`: two questions (wordings) per training fact, which share the passage group."""
        return (self._training,)

    def validation(self) -> ParallelPairs:
        """`cldr_validation`: unseen combinations of seen entities and seen attributes."""
        return self._validation

    def test(self) -> tuple[Collection, ...]:
        """`cldr` (unseen combinations) and `cldr_unseen` (entities that training never mentions).

        Both have one question per fact and language, its wording drawn by the seed, and the same pool: the passages of
        ALL facts in all languages, training facts included. Each query has exactly one relevant passage per language.
        """
        return self._test

    def texts(self) -> Iterable[str]:
        """All training queries and passages, each once, in a fixed order, for the training of a tokenizer."""
        return distinct_texts(self.training())

    def fingerprint(self) -> str:
        """16 hex digits of a hash of languages, texts, split and wordings, that is of all data that a run can see."""
        return self._fingerprint

    def key(self) -> list[Any]:
        """Settings, the version of CLDR's data, and the code that writes the sentences."""
        code = {path.name: hash_file(path) for path in sorted(Path(__file__).parent.rglob("*.py"))}
        settings = [self.languages, self.seed, self._limits, self._shares, self._training_share]
        return ["cldr", *settings, version("babel"), code]

    def missing(self) -> list[str]:
        """Nothing: the corpus is generated."""
        return []

    def summary(self) -> dict[str, Any] | None:
        """None: nothing is read or dropped."""
        return None

    def articles(self) -> frozenset[str] | None:
        """None: facts stand in no articles."""
        return None

    def licence(self) -> str:
        """Licence and origin of the names."""
        return (
            f"Names from Unicode CLDR {get_global('cldr').get('version', '(version unknown)')} through babel "
            f"{version('babel')}: Unicode License v3 (SPDX Unicode-3.0), Copyright 2004-2025 Unicode, Inc.; the notice "
            f"is in hybridret/data/cldr/UNICODE-LICENSE.txt. Sentence templates: Apache-2.0, as hybridret."
        )

    @cached_property
    def _training(self) -> ParallelPairs:
        return self._pairs("cldr", Part.TRAINING)

    @cached_property
    def _validation(self) -> ParallelPairs:
        return self._pairs("cldr_validation", Part.VALIDATION)

    @cached_property
    def _test(self) -> tuple[Collection, ...]:
        pool = [one.texts[language].passage for language in self.languages for one in self.facts]
        ids = tuple(f"{language}/{one.fact.id}" for language in self.languages for one in self.facts)
        return (
            self._collection("cldr", Part.TEST, "unseen combinations of entity and attribute", pool, ids),
            self._collection("cldr_unseen", Part.UNSEEN, "entities that training never mentions", pool, ids),
        )

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(" ".join(self.languages).encode())
        for index, (one, part) in enumerate(zip(self.facts, self.parts, strict=True)):
            rows = [one.fact.id, part.value, str(self._wording(index))]
            for language in self.languages:
                rows += [*one.texts[language].questions, one.texts[language].passage]
            digest.update("\n".join(rows).encode() + b"\0")
        return digest.hexdigest()[:16]

    def _used(self, one: Described, part: Part) -> Part:
        """A fact for training that is left out becomes background: its passage stays in the pool."""
        left_out = part is Part.TRAINING and uniform(self.seed, "used", one.fact.id) >= self._training_share
        return Part.BACKGROUND if left_out else part

    def _indices(self, part: Part) -> list[int]:
        return [index for index, where in enumerate(self.parts) if where is part]

    def _wording(self, index: int) -> int:
        """The wording of a fact's question (0 or 1) in a test set."""
        return int(uniform(self.seed, "wording", self.facts[index].fact.id) < 0.5)

    def _pairs(self, name: str, part: Part) -> ParallelPairs:
        rows = [(index, wording) for index in self._indices(part) for wording in (0, 1)]
        facts = self.facts
        return ParallelPairs(
            name=name,
            languages=self.languages,
            question_ids=tuple(f"{facts[index].fact.id}#{wording + 1}" for index, wording in rows),
            queries={
                language: [facts[index].texts[language].questions[wording] for index, wording in rows]
                for language in self.languages
            },
            passages={
                language: [facts[index].texts[language].passage for index, _ in rows] for language in self.languages
            },
            passage_groups=np.array([index for index, _ in rows], dtype=np.int64),
        )

    def _collection(self, name: str, part: Part, what: str, pool: list[str], ids: tuple[str, ...]) -> Collection:
        """Queries and passages are sorted by language, then fact: passage l * F + f is fact f in language l."""
        rows = self._indices(part)
        wordings = [self._wording(index) for index in rows]
        facts, count, languages = self.facts, len(rows), len(self.languages)
        asked = list(zip(rows, wordings, strict=True))
        # [Q, L]: the passages of the query's fact, one per language.
        relevant = np.tile(np.array(rows)[:, None] + np.arange(languages) * len(facts), (languages, 1))
        queries = [facts[index].texts[language].questions[word] for language in self.languages for index, word in asked]
        return Collection(
            name=name,
            languages=self.languages,
            query_ids=tuple(
                f"{lang}/{facts[index].fact.id}#{word + 1}" for lang in self.languages for index, word in asked
            ),
            queries=queries,
            query_languages=_repeated(languages, count),
            questions=np.tile(np.arange(count, dtype=np.int64), languages),
            passage_ids=ids,
            passages=pool,
            passage_languages=_repeated(languages, len(facts)),
            relevant_queries=np.repeat(np.arange(len(queries), dtype=np.int64), languages),
            relevant_passages=relevant.reshape(-1).astype(np.int64),
            grades=np.ones(relevant.size, dtype=np.int64),
            notes={
                "task": TASK,
                "test": f"{what}: {count} facts, {len(queries)} queries",
                "pool": f"passages of all {len(facts)} facts in {languages} languages, training facts included",
            },
        )


def _repeated(values: int, times: int) -> IntArray:
    return np.repeat(np.arange(values, dtype=np.int64), times)
