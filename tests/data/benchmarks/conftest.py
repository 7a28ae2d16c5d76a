"""Shared by the tests of MIRACL and Mr.TyDi: what a language holds, made by hand or from real text, and its files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval

from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.data.retrieval_set import published_id
from hybridret.evaluation.evaluate import evaluate
from hybridret.retrieval.bm25 import Bm25

Judgment = tuple[str, str, int]
WriteLines = Callable[..., Path]


@dataclass(frozen=True)
class Small:
    """One language: topics (id, query), passages (id, title, text), judgments (query, passage, grade)."""

    topics: list[tuple[str, str]]
    passages: list[tuple[str, str, str]]
    judgments: list[Judgment]

    def relevant(self) -> dict[str, set[str]]:
        """Query -> the texts of its relevant passages, title first: the slow twin of what the readers do."""
        texts = {identifier: f"{title} {text}".strip() for identifier, title, text in self.passages}
        found: dict[str, set[str]] = {}
        for query, passage, grade in self.judgments:
            if grade > 0:
                found.setdefault(query, set()).add(texts[passage])
        return found

    def topic_lines(self) -> list[str]:
        return [f"{identifier}\t{query}" for identifier, query in self.topics]

    def trec_lines(self) -> list[str]:
        return [f"{query}\tQ0\t{passage}\t{grade}" for query, passage, grade in self.judgments]

    def rows(self, *fields: str) -> list[str]:
        """Passages as JSON rows with the `fields` id, title and text."""
        rows = (dict(zip(fields, passage, strict=True)) for passage in self.passages)
        return [json.dumps(row, ensure_ascii=False) for row in rows]


@pytest.fixture
def small() -> dict[str, Small]:
    """Two languages whose ids meet, as those of MIRACL do; q2 has two relevant passages, q3 only one of grade 0."""

    def language(code: str) -> Small:
        return Small(
            [(f"q{number}", f"{code} query {number}?") for number in (1, 2, 3)],
            [(f"{n}#{n % 2}", "" if n == 2 else f"{code} title {n}", f"{code} text {n}") for n in range(5)],
            [("q1", "2#0", 1), ("q1", "0#0", 0), ("q2", "4#0", 1), ("q2", "1#1", 1), ("q3", "3#1", 0)],
        )

    return {code: language(code) for code in ("sw", "ko")}


@pytest.fixture
def lacking(small: dict[str, Small]) -> dict[str, Small]:
    """`small` with relevant passages that the corpus lacks: one of q1's and the only one of q4."""
    return {
        code: Small(
            [*one.topics, ("q4", f"{code} query 4?")],
            one.passages,
            [*one.judgments, ("q1", "9#9", 1), ("q4", "9#8", 2)],
        )
        for code, one in small.items()
    }


@pytest.fixture
def check_monolingual() -> Callable[[Collection, dict[str, list[Judgment]]], None]:
    """`check(collection, judgments)`: BM25's values in each language are trec_eval's for the judgments of the files."""

    def check(collection: Collection, judgments: dict[str, list[Judgment]]) -> None:
        settings = EvaluationSettings(
            32, ["monolingual"], [10], 0.05, 8, "fp32", 1000, 1000, None, 1000, "float32", False, False
        )
        table = evaluate(Bm25(), collection, settings, 0, Quiet()).queries
        for place, language in enumerate(collection.languages):
            asked = np.flatnonzero(collection.query_languages == place)
            own = np.flatnonzero(collection.passage_languages == place)
            hits = Bm25().search(collection, asked, int(own[0]), int(own[-1]) + 1, len(own), Quiet())
            run: dict[str, dict[str, float]] = {query: {} for query, _, _ in judgments[language]}
            for row, query in enumerate(asked.tolist()):
                found = zip(hits.passages[row].tolist(), hits.scores[row].tolist(), strict=True)
                run[published_id(collection, collection.query_ids[query])] = {
                    published_id(collection, collection.passage_ids[hit]): score for hit, score in found if hit >= 0
                }
            qrels: dict[str, dict[str, int]] = {}
            for query, passage, grade in judgments[language]:
                qrels.setdefault(query, {})[passage] = grade
            trec = pytrec_eval.RelevanceEvaluator(qrels, {"map", "ndcg_cut.10", "recall.10"}).evaluate(run)
            rows = table[table["query_language"] == language]
            for metric, name in (("map", "map"), ("ndcg", "ndcg_cut_10"), ("recall", "recall_10")):
                values = rows[rows["metric"] == metric]
                ids = [published_id(collection, one) for one in values["query_id"]]
                expected = {query: value[name] for query, value in trec.items()}
                assert dict(zip(ids, values["value"], strict=True)) == pytest.approx(expected, abs=1e-12), metric

    return check


@pytest.fixture
def tydi(real_data: Path) -> dict[str, Small]:
    """Questions, distinct passages and answers of TyDi QA; a title for every other passage, one of grade 0 for each
    question."""

    def language(code: str) -> Small:
        with gzip.open(real_data / "train" / f"tydiqa-goldp.{code}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows: list[dict[str, Any]] = [json.loads(line) for line in file]
        numbers = {text: number for number, text in enumerate(dict.fromkeys(row["passage"] for row in rows))}
        passages = [(f"{n}#0", f"Title {n}" if n % 2 else "", text.strip()) for text, n in numbers.items()]
        judgments = []
        for row in rows:
            place = numbers[row["passage"]]
            judgments += [(row["qid"], f"{place}#0", 1), (row["qid"], f"{(place + 1) % len(numbers)}#0", 0)]
        return Small([(row["qid"], row["question"].strip()) for row in rows], passages, judgments)

    return {code: language(code) for code in ("en", "ko", "sw")}


@pytest.fixture
def write_lines() -> WriteLines:
    """`write_lines(file, lines)`; a name that ends in .gz is packed."""

    def write(file: Path, lines: Iterable[str]) -> Path:
        content = "".join(f"{line}\n" for line in lines).encode()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content) if file.name.endswith(".gz") else content)
        return file

    return write
