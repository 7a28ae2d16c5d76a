"""Mining by loops over texts, and a retriever whose scores are numbers that nothing can change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection, FloatArray, Hits, IntArray, ParallelPairs
from hybridret.base.settings import MiningSettings
from hybridret.data.prepared.mined import MinedSet
from hybridret.data.prepared.source import PreparedSource
from hybridret.mining.mine import Mining, mine

LANGUAGES = ("en", "de", "ru")


def settings(**changes: Any) -> MiningSettings:
    plain: dict[str, Any] = {
        "queries": "same", "first": 1, "last": 8, "negatives": 4, "margin": None, "relative_margin": None,
        "draw": "best", "judge": None, "judge_margin": None, "judge_relative_margin": 0.05,
    }  # fmt: skip
    return MiningSettings(**{**plain, **changes})


def corpus(questions: int = 40, seed: int = 0) -> ParallelPairs:
    """Questions that share passages, ask the same as others, lack languages, and passages that stand twice."""
    random = np.random.default_rng(seed)
    present = random.random((questions, len(LANGUAGES))) < 0.8
    present[~present.any(axis=1), 0] = True
    groups = random.integers(0, questions // 2, questions)
    asked = [question if random.random() < 0.8 else int(random.integers(question + 1)) for question in range(questions)]

    def texts(kind: str, names: Iterable[object], column: int) -> list[str | None]:
        named = zip(names, present[:, column], strict=True)
        return [f"{LANGUAGES[column]} {kind} {name}" if there else None for name, there in named]

    copies = [int(group) if group % 3 else int(group) // 2 for group in groups]  # some groups have another one's text
    worded = [f"{copy} again" if random.random() < 0.2 else copy for copy in copies]  # and some have two wordings
    return ParallelPairs(
        "words",
        LANGUAGES,
        tuple(f"q{question}" for question in range(questions)),
        {language: texts("question", asked, column) for column, language in enumerate(LANGUAGES)},
        {language: texts("passage", worded, column) for column, language in enumerate(LANGUAGES)},
        groups.astype(np.int64),
    )


class Given:
    """A source of given pairs."""

    name, templated = "words", False

    def __init__(self, pairs: ParallelPairs, *more: ParallelPairs) -> None:
        self._pairs = (pairs, *more)

    def key(self) -> list[Any]:
        return [
            "given",
            [[list(one.question_ids), {k: list(v) for k, v in one.queries.items()}] for one in self._pairs],
        ]

    def missing(self) -> list[str]:
        return []

    def licence(self) -> str:
        return "none"

    def training(self) -> tuple[ParallelPairs, ...]:
        return self._pairs

    def validation(self) -> ParallelPairs:
        return self._pairs[0]

    def test(self) -> tuple[Collection, ...]:
        return ()

    def texts(self) -> Iterable[str]:
        return ()

    def fingerprint(self) -> str:
        return "given"

    def summary(self) -> None:
        return None

    def articles(self) -> None:
        return None


def score(query: str, passage: str, salt: str = "") -> float:
    """A number from 0 to 1 with few digits, so that many scores are equal."""
    return hashlib.sha256(f"{query}|{passage}|{salt}".encode()).digest()[0] // 4 / 64


class Table:
    """A retriever of `score`; `fail` is called before each search."""

    def __init__(self, salt: str = "", fail: Any = lambda: None) -> None:
        self._salt, self._fail = salt, fail
        self.depths: list[int] = []

    def search(
        self, collection: Collection, queries: IntArray, first: int, last: int, depth: int, progress: Progress
    ) -> Hits:
        self._fail()
        self.depths.append(depth)
        passages, ties = list(collection.passages), collection.tie_order
        hits = Hits(np.full((len(queries), depth), -1), np.full((len(queries), depth), -np.inf, np.float32))
        for row, query in enumerate(queries.tolist()):
            scores = [score(collection.queries[query], one, self._salt) for one in passages]
            order = sorted(range(first, last), key=lambda one: (-scores[one], ties[one]))
            order = [one for one in order if scores[one] > 0][:depth]  # as BM25: some are no hits
            hits.passages[row, : len(order)], hits.scores[row, : len(order)] = order, [scores[one] for one in order]
        return hits

    def pair_scores(
        self, collection: Collection, queries: IntArray, passages: IntArray, progress: Progress
    ) -> FloatArray:
        pairs = zip(queries.tolist(), passages.tolist(), strict=True)
        found = [score(collection.queries[query], collection.passages[one], self._salt) for query, one in pairs]
        return np.array(found, dtype=np.float32)


def slow_negatives(
    pairs: ParallelPairs, question: int, language: str, asking: str, rules: MiningSettings, judge: str | None = None
) -> list[str]:
    """The texts that are kept of `rules.draw` best, by a loop over all passages of a language."""
    query, positive = pairs.queries[asking][question], pairs.passages[language][question]
    assert query is not None
    assert positive is not None
    groups, texts = set(), set()
    for other in range(len(pairs)):
        if pairs.queries[asking][other] == query:
            groups.add(int(pairs.passage_groups[other]))
            texts.add(pairs.passages[language][other])
    first_seen: dict[str, int] = {}
    owners: dict[str, set[int]] = {}
    for other, text in enumerate(pairs.passages[language]):
        if text is not None:
            first_seen.setdefault(text, other)
            owners.setdefault(text, set()).add(int(pairs.passage_groups[other]))
    ranked = sorted(first_seen, key=lambda text: (-score(query, text), -first_seen[text]))
    ranked = [text for text in ranked if score(query, text) > 0]
    valid = [one for one in ranked if one not in texts and not owners[one] & groups]
    kept = []
    for text in valid[rules.first - 1 : rules.last]:
        found, best = score(query, text), score(query, positive)
        if rules.margin is not None and found > best - rules.margin:
            continue
        if rules.relative_margin is not None and found > (1 - rules.relative_margin) * best:
            continue
        if judge is not None:
            found, best = score(query, text, judge), score(query, positive, judge)
            if rules.judge_margin is not None and found > best - rules.judge_margin:
                continue
            if rules.judge_relative_margin is not None and found > (1 - rules.judge_relative_margin) * best:
                continue
        kept.append(text)
    return kept


def mined(source: PreparedSource, name: str = "set", shard: int = 7, **changes: Any) -> MinedSet:
    """A set that `Table` mines, or what `changes` say: retriever, judged_by, seed, and settings."""
    retriever, judge = changes.pop("retriever", Table()), changes.pop("judged_by", None)
    seed = changes.pop("seed", 1)
    described = {"retriever": type(retriever).__name__, "judge": judge is not None}
    return mine(source, name, Mining(retriever, judge, settings(**changes), seed, described), Quiet(), shard)


def texts(found: MinedSet, source: PreparedSource) -> dict[str, list[list[str]]]:
    """The texts of the negatives of the only dataset, by language and question."""
    (pairs,) = found.training(source.training())
    return {language: [[one.text for one in row] for row in rows] for language, rows in pairs.negatives.items()}
