"""Every printed number against trec_eval on the judgments as the user's files have them, and on the exported ones."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval

from hybridret.base.progress import Quiet
from hybridret.base.settings import EvaluationSettings
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.evaluation.evaluate import evaluate
from hybridret.pipelines.trec_export import write_trec
from hybridret.retrieval.bm25 import Bm25

pytest.importorskip("bm25s")

Qrels = dict[str, dict[str, int]]
TEXTS = {
    "d1": "An apple is a fruit that grows on trees.",
    "d2": "Bananas are yellow fruit.",
    "d3": "A car has four wheels.",
    "d4": "Trees grow in a forest",
}
QUERIES = {"q1": "which fruit grows on trees", "q2": "yellow bananas", "q3": "x car"}
CASES: dict[str, Qrels] = {
    "missing relevant": {"q1": {"d1": 1, "d98": 1, "d99": 1}, "q2": {"d2": 1}, "q3": {"d3": 2, "d4": 1}},
    "all missing": {"q1": {"d1": 1}, "q2": {"d2": 1}, "q3": {"d98": 1}},
    "graded": {"q1": {"d1": 1, "d98": 3, "d2": 2}, "q2": {"d2": 1, "d3": 0}, "q3": {"d3": 2}},
    "nothing relevant": {"q1": {"d1": 1}, "q2": {"d2": 0, "d1": -1}, "q3": {"d98": 0}},
    "not judged": {"q1": {"d1": 1, "d4": 1}, "q3": {"d2": 1}},
}
FORMS = {"map": "map", "mrr": "recip_rank", "ndcg": "ndcg_cut", "recall": "recall", "success": "success"}
MEASURES = {"map", "recip_rank", "ndcg_cut.1,10", "recall.1,10", "success.1,10"}


def write(folder: Path, qrels: Qrels, languages: dict[str, str], queries: dict[str, str] = QUERIES) -> None:
    (folder / "qrels").mkdir(parents=True)
    for file, texts in (("corpus", TEXTS), ("queries", queries)):
        rows = [{"_id": key, "text": text, "language": languages.get(key, "en")} for key, text in texts.items()]
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [f"{query}\t{passage}\t{grade}\n" for query, judged in qrels.items() for passage, grade in judged.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))


def compare(table: Any, corpus: str, run: Path, qrels: Qrels) -> int:
    """The rows of one pool against trec_eval; also the mean over the queries that it scores."""
    with gzip.open(run, "rt") as file:
        hits = pytrec_eval.parse_run(file)
    found = {query: hits.get(query, {}) for query in qrels}
    trec = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(found)
    rows = table[table["corpus_language"] == corpus]
    for metric, form in FORMS.items():
        for cutoff, group in rows[rows["metric"] == metric].groupby("cutoff"):
            name = form if metric in ("map", "mrr") else f"{form}_{cutoff}"
            expected = {query: value[name] for query, value in trec.items()}
            if metric == "mrr":
                expected = {query: value if value >= 1 / cutoff else 0.0 for query, value in expected.items()}
            values = dict(zip(group["query_id"], group["value"], strict=True))
            assert values == pytest.approx(expected, abs=1e-12), (metric, cutoff)
            assert group["value"].mean() == pytest.approx(np.mean(list(expected.values())), abs=1e-12)
    return len(rows)


@pytest.mark.parametrize("full_ranks", [0, 100])
@pytest.mark.parametrize("name", list(CASES))
def test_one_language(tmp_path: Path, settings: EvaluationSettings, name: str, full_ranks: int) -> None:
    write(tmp_path, CASES[name], {})
    (collection,) = Folder(str(tmp_path)).collections(None)
    asked = replace(settings, full_ranks=full_ranks)
    table = evaluate(Bm25(), collection, asked, 0, Quiet()).queries
    write_trec(Bm25(), collection, asked, tmp_path / "trec", Quiet())
    run = tmp_path / "trec" / "folder.en.run.gz"
    assert {path.name for path in run.parent.iterdir()} == {"folder.en.run.gz", "folder.en.qrels"}  # no pool of all
    assert compare(table, "en", run, CASES[name]) > 0
    with open(tmp_path / "trec" / "folder.en.qrels") as file:
        assert compare(table, "en", run, pytrec_eval.parse_qrel(file)) > 0


@pytest.mark.parametrize("full_ranks", [0, 100])
@pytest.mark.parametrize("name", list(CASES))
def test_two_languages_pooled(tmp_path: Path, settings: EvaluationSettings, name: str, full_ranks: int) -> None:
    """A missing passage is of an unknown language: it counts in the pool of all, and nowhere else."""
    write(tmp_path, CASES[name], {"d2": "de", "d4": "de", "q2": "de"})
    (collection,) = Folder(str(tmp_path)).collections(None)
    asked = replace(settings, full_ranks=full_ranks)
    table = evaluate(Bm25(), collection, asked, 0, Quiet()).queries
    write_trec(Bm25(), collection, asked, tmp_path / "trec", Quiet())
    run = tmp_path / "trec" / "folder.all.run.gz"
    assert compare(table, "all", run, CASES[name]) > 0
    with open(tmp_path / "trec" / "folder.all.qrels") as file:
        assert compare(table, "all", run, pytrec_eval.parse_qrel(file)) > 0
    for language, own in (("en", ("d1", "d3")), ("de", ("d2", "d4"))):
        there = {q: {p: g for p, g in judged.items() if p in own and g > 0} for q, judged in CASES[name].items()}
        there = {query: judged for query, judged in there.items() if judged}
        if there:
            assert compare(table, language, tmp_path / "trec" / f"folder.{language}.run.gz", there) > 0


def test_by_hand(tmp_path: Path, settings: EvaluationSettings) -> None:
    write(tmp_path, {"q1": {"d1": 1, "d98": 1, "d99": 1}, "q2": {"d2": 1}}, {})
    (collection,) = Folder(str(tmp_path)).collections(None)
    macro = evaluate(Bm25(), collection, settings, 0, Quiet()).macro()
    for metric in ("map", "recall@10", "mrr@10"):
        assert macro[f"folder/monolingual/{metric}"] == pytest.approx(1.0 if metric == "mrr@10" else 2 / 3)
    assert collection.notes["relevant passages not in the corpus, never found"] == "2"


def test_ids_with_spaces_and_empty_queries(tmp_path: Path, settings: EvaluationSettings) -> None:
    """Spaces are part of an id, in all files alike; a query without text is evaluated, and counted in the notes."""
    queries = {"q1 ": QUERIES["q1"], "q2": "  ", "q3": QUERIES["q3"]}
    write(tmp_path, {"q1 ": {"d1": 1}, "q2": {"d2 ": 1}, "q3": {"d3": 1}}, {}, queries)
    (collection,) = Folder(str(tmp_path)).collections(None)
    macro = evaluate(Bm25(), collection, settings, 0, Quiet()).macro()
    assert macro["folder/monolingual/map"] == pytest.approx(2 / 3)
    assert collection.notes["empty queries"] == "1"
    assert "judgments of unknown queries" not in collection.notes
