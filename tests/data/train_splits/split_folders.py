"""Folders with the layout of published train splits, small and made by hand, and the pairs that were read from them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hybridret.base.records import ParallelPairs
from hybridret.data.benchmarks.miracl_layout import PUBLISHED_COUNTS
from hybridret.data.benchmarks.mr_tydi import PUBLISHED
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.train_splits.miracl import MiraclTrain

QUESTIONS = 12
Pair = tuple[str, str, str]  # language, query, passage


def pairs_of(*parts: ParallelPairs) -> list[Pair]:
    """All pairs; no question may have two languages, nor a query without a passage."""
    found = []
    for part in parts:
        assert (part.present.sum(axis=1) == 1).all()
        for language in part.languages:
            for query, passage in zip(part.queries[language], part.passages[language], strict=True):
                assert (query is None) == (passage is None)
                if query is not None:
                    found.append((language, str(query), str(passage)))
    assert len(set(found)) == len(found)
    return sorted(found)


def all_pairs(source: PreparedSource) -> list[Pair]:
    return pairs_of(*source.training(), source.validation())


def passage(language: str, number: int) -> str:
    return f'{language} title {number} {language} passage {number}\u2028 with \x85 and "quotes"'


def write_miracl(folder: Path, languages: tuple[str, ...] = ("sw", "ko"), questions: int = QUESTIONS) -> Path:
    """Ids are counted per language. Question n has passage n#0, question 0 also 90#0, question 2 also passage 1#0 of
    question 1; passages (n + 1)#0 and 50#n are judged irrelevant for n, the first of which answers another question.
    """
    for language in languages:
        stem = f"miracl-v1.0-{language}"
        topics = folder / stem / "topics" / f"topics.{stem}-train.tsv"
        qrels = folder / stem / "qrels" / f"qrels.{stem}-train.tsv"
        docs = folder / f"miracl-corpus-v1.0-{language}"
        for below in (topics.parent, qrels.parent, docs):
            below.mkdir(parents=True)
        topics.write_bytes("".join(f"{n}\t{language} question {n}?\n" for n in range(questions)).encode())
        rows = [(n, f"{n}#0", 1) for n in range(questions)] + [(0, "90#0", 1), (2, "1#0", 1)]
        rows += [(n, f"{(n + 1) % questions}#0", 0) for n in range(questions) if n != 2]
        rows += [(n, f"50#{n}", 0) for n in range(questions)]
        qrels.write_bytes("".join(f"{q}\tQ0\t{p}\t{grade}\n" for q, p, grade in sorted(rows)).encode())
        numbers = [f"{n}#0" for n in (*range(questions + 5), 90)] + [f"50#{n}" for n in range(questions)]
        corpus = [
            {"docid": one, "title": f"{language} title {number_of(one)}", "text": passage(language, number_of(one))[
                len(f"{language} title {number_of(one)} "):]}
            for one in numbers
        ]  # fmt: skip
        for number, half in enumerate((corpus[::2], corpus[1::2])):
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in half).encode()
            if number < PUBLISHED_COUNTS[language].files:
                (docs / f"docs-{number}.jsonl.gz").write_bytes(gzip.compress(lines))
            else:
                first = docs / "docs-0.jsonl.gz"
                first.write_bytes(first.read_bytes() + gzip.compress(lines))
        for number in range(2, PUBLISHED_COUNTS[language].files):
            lines = json.dumps({"docid": f"9999#{number}", "title": "", "text": "of no question"}).encode()
            (docs / f"docs-{number}.jsonl.gz").write_bytes(gzip.compress(lines))
    return folder


def number_of(identifier: str) -> int:
    article, part = identifier.split("#")
    return int(article) + 1000 * int(part)


def miracl_pairs(*languages: str, questions: int = QUESTIONS) -> list[Pair]:
    judged = [(n, n) for n in range(questions)] + [(0, 90), (2, 1)]
    return sorted((one, f"{one} question {q}?", passage(one, p)) for one in languages for q, p in judged)


def miracl(folder: Path, languages: tuple[str, ...] = ("sw", "ko"), **options: Any) -> PreparedSource:
    return PreparedSource(MiraclTrain(str(folder), list(languages), **{"validation_questions": 3, **options}))


def write_mr_tydi(folder: Path, languages: tuple[str, ...] = ("sw", "ko")) -> Path:
    """Question 3 has two relevant passages, question 5 no negatives, question 7 the passage of question 6."""
    for language in languages:
        rows = []
        for n in range(QUESTIONS):
            relevant = [n if n != 7 else 6] + ([80] if n == 3 else [])
            row: dict[str, Any] = {
                "query_id": str(n),
                "query": f"{language} question {n}?",
                "positive_passages": [tydi_passage(language, one) for one in relevant],
                "negative_passages": [tydi_passage(language, one) for one in (200 + n, n + 1, 300)] if n != 5 else [],
            }
            rows.append(row)
        file = folder / f"mrtydi-v1.1-{PUBLISHED[language].name}" / "train.jsonl.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()))
    return folder


def tydi_passage(language: str, number: int) -> dict[str, str]:
    return {"docid": f"{number}#0", "title": f"T{number}", "text": f"{language} text {number}\u2028."}
