"""`python -m hybridret.evaluate` on pools that are searched: real text in MIRACL's and BEIR's layout, what is written
beside the metrics, the cache of vectors, and bad input.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval
from commands import Commands, Train, paragraph, run_of

from hybridret.evaluation.tables import Evaluation

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "ko", "sw")
SEARCHED = ("evaluation.full_ranks=10", "logger=none")
Row = dict[str, Any]


def questions(folder: Path, language: str, count: int) -> list[Row]:
    """The first rows of a TyDi file; several of them share a passage."""
    with gzip.open(folder / "train" / f"tydiqa-goldp.{language}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line, _ in zip(file, range(count), strict=False)]


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def beir_folder(folder: Path, rows: dict[str, list[Row]]) -> Path:
    """BEIR's layout, with a language in each row."""
    corpus: dict[tuple[str, str], str] = {}
    queries, judgments = [], ["query-id\tcorpus-id\tscore"]
    for language, found in rows.items():
        for row in found:
            passage = corpus.setdefault((language, row["passage"]), f"d{len(corpus)}")
            query = f"{language}-{row['qid']}"
            queries.append(json.dumps({"_id": query, "text": row["question"], "language": language}))
            judgments.append(f"{query}\t{passage}\t1")
    passages = [
        json.dumps({"_id": identifier, "title": "", "text": text, "language": language})
        for (language, text), identifier in corpus.items()
    ]
    write(folder / "corpus.jsonl", passages)
    write(folder / "queries.jsonl", queries)
    write(folder / "qrels" / "test.tsv", judgments)
    return folder


def miracl_folder(folder: Path, rows: dict[str, list[Row]]) -> Path:
    """MIRACL's layout; ids of one language meet those of another, as there."""
    for language, found in rows.items():
        corpus: dict[str, str] = {}
        topics, judgments = [], []
        for number, row in enumerate(found):
            passage = corpus.setdefault(row["passage"], f"{len(corpus)}#0")
            topics.append(f"{number}\t{row['question']}")
            judgments.append(f"{number}\tQ0\t{passage}\t1")
        name = f"miracl-v1.0-{language}"
        write(folder / name / "topics" / f"topics.{name}-dev.tsv", topics)
        write(folder / name / "qrels" / f"qrels.{name}-dev.tsv", judgments)
        target = folder / f"miracl-corpus-v1.0-{language}" / "docs-0.jsonl.gz"
        target.parent.mkdir()
        with gzip.open(target, "wt", encoding="utf-8") as file:
            for text, identifier in corpus.items():
                file.write(json.dumps({"docid": identifier, "title": "", "text": text}) + "\n")
    return folder


@pytest.fixture(scope="module")
def rows(real_data: Path) -> dict[str, list[Row]]:
    return {language: questions(real_data, language, 60) for language in LANGUAGES}


def read_trec(run: Path, name: str) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """What any other tool reads in the files."""
    with gzip.open(run / "trec" / f"{name}.run.gz", "rt") as file:
        found = pytrec_eval.parse_run(file)
    with open(run / "trec" / f"{name}.qrels") as file:
        return found, pytrec_eval.parse_qrel(file)


def test_bm25_on_ones_own_languages_and_what_trec_eval_says_of_the_files(
    command: Commands, tmp_path: Path, rows: dict[str, list[Row]]
) -> None:
    folder = beir_folder(tmp_path / "tydi", rows)
    extra = ("evaluation.trec=true", "evaluation.mteb=true", "evaluation.depth=100")
    answer = command(
        "evaluate", "backbone=bm25", "eval=[folder]", f"eval.folder.path={folder}", *SEARCHED, *extra, folder=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    run = run_of(tmp_path)
    metrics = Evaluation.read(run).metrics
    for setting, names in (("monolingual", LANGUAGES), ("multilingual", ("all",))):
        asked = metrics[(metrics["setting"] == setting) & (metrics["query_language"] != "macro")]
        for name in names:
            found, judged = read_trec(run, f"folder.{name}")
            trec = pytrec_eval.RelevanceEvaluator(judged, {"map", "ndcg_cut_10", "recall_100"}).evaluate(found)
            for language in LANGUAGES if name == "all" else (name,):
                own = [query for query in judged if query.startswith(f"{language}-")]
                for metric, cutoff, measure in (("map", 100, "map"), ("ndcg", 10, "ndcg_cut_10")):
                    mean = sum(trec.get(query, {}).get(measure, 0.0) for query in own) / len(own)
                    chosen = (asked["metric"] == metric) & (asked["cutoff"] == cutoff)
                    row = asked[chosen & (asked["query_language"] == language)]
                    assert row["value"].item() == pytest.approx(mean, abs=1e-12)
                    assert row["num_queries"].item() == len(own)
    result = json.loads((run / "result.json").read_text())
    assert result["notes"]["folder"]["ranks"] == "from the best 100 passages"
    assert result["metrics"]["folder/monolingual/ndcg@10"] > 0.5  # BM25 does find these
    assert not [key for key in result["metrics"] if "rank_distance" in key]
    (task,) = run.glob("mteb/results/*/*/folder_monolingual.json")
    scores = json.loads(task.read_text())["scores"]["test"]
    assert {language for one in scores for language in one["languages"]} == {"eng-Latn", "kor-Kore", "swa-Latn"}


def test_miracl_layout_searched_and_ranked_in_full_is_the_same(
    command: Commands, tmp_path: Path, rows: dict[str, list[Row]]
) -> None:
    folder = miracl_folder(tmp_path / "miracl", rows)
    options = (
        "backbone=bm25",
        "eval=[miracl]",
        f"eval.miracl.path={folder}",
        "eval.miracl.languages=[en,ko,sw]",
        "eval.miracl.allow_other=true",
    )
    results = []
    for name, more in (("searched", SEARCHED), ("full", ("logger=none",))):
        (tmp_path / name).mkdir()
        answer = command("evaluate", *options, *more, folder=tmp_path / name)
        assert answer.returncode == 0, answer.stderr
        results.append(json.loads((run_of(tmp_path / name) / "result.json").read_text())["metrics"])
    searched, full = results
    assert set(searched) - set(full) == {"miracl_other/monolingual/map@1000"}
    for key in set(searched) & set(full):
        # A passage without a word of the query is no hit of a search; it has a rank among all.
        assert searched[key] <= full[key] + 1e-12
        assert searched[key] == pytest.approx(full[key], abs=0.02), key


def test_vectors_of_a_trained_run_are_cached_and_found_again(
    train: Train, command: Commands, tmp_path: Path, rows: dict[str, list[Row]]
) -> None:
    assert train(tmp_path).returncode == 0
    run = run_of(tmp_path)
    folder = beir_folder(tmp_path / "tydi", {"en": rows["en"][:20]})
    options = (f"checkpoint={run}", "eval=[folder]", f"eval.folder.path={folder}", *SEARCHED, "evaluation.cache_from=5")
    assert command("evaluate", *options, "name=first", folder=tmp_path).returncode == 0
    (store,) = [path.parent for path in (tmp_path / "multirun" / ".cache").glob("*/meta.json")]
    vectors = sorted(store.glob("*.npy"))
    before = [path.stat().st_mtime_ns for path in vectors]
    assert command("evaluate", *options, "name=second", folder=tmp_path).returncode == 0
    assert [path.stat().st_mtime_ns for path in vectors] == before
    assert len(list((tmp_path / "multirun" / ".cache").glob("*/meta.json"))) == 1
    first, second = (
        (run / "evaluations" / name / "metrics.csv").read_text(encoding="utf-8") for name in ("first", "second")
    )
    assert first == second
    other = command("evaluate", *options, "name=other", "evaluation.vectors=float16", folder=tmp_path)
    assert other.returncode == 0
    assert len(list((tmp_path / "multirun" / ".cache").glob("*/meta.json"))) == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("twice", "d0"),
        ("broken", r"corpus\.jsonl, line 2"),
        ("qrels", "name queries that do not exist"),
        ("index", "exact"),
        ("passages", "passages"),
    ],
)
def test_bad_input(command: Commands, tmp_path: Path, rows: dict[str, list[Row]], damage: str, message: str) -> None:
    folder = beir_folder(tmp_path / "tydi", {"en": rows["en"][:20]})
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    more: tuple[str, ...] = ("backbone=bm25",)
    if damage == "twice":
        write(folder / "corpus.jsonl", [*lines, lines[0]])
    elif damage == "broken":
        write(folder / "corpus.jsonl", [lines[0], lines[1][:-5], *lines[2:]])
    elif damage == "qrels":
        write(folder / "qrels" / "test.tsv", ["query-id\tcorpus-id\tscore", "en-x\td99999\t1"])
    elif damage == "index":
        more = ("backbone=bm25", "index=exakt")
    else:  # too few passages for a trained index: said, not worked around
        more = ("backbone=minilm", "text.passage_length=16", "text.query_length=8", "index=faiss_ivfpq")
    answer = command("evaluate", *more, "eval=[folder]", f"eval.folder.path={folder}", *SEARCHED, folder=tmp_path)
    assert answer.returncode == 2
    assert re.search(message, paragraph(answer)), answer.stderr
