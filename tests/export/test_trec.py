"""TREC files: what is written reads back bit by bit, and trec_eval gets our numbers from it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from hybridret.base.errors import UserError
from hybridret.base.records import Collection, Hits
from hybridret.data.columns import Column
from hybridret.export import trec
from hybridret.export.trec import read_qrels, read_trec_run, write_qrels, write_trec_run
from hybridret.metrics.average_precision import average_precision
from hybridret.metrics.hits import ranks_in_hits
from hybridret.metrics.ndcg import ndcg
from hybridret.metrics.ranks import RankedRelevant
from hybridret.metrics.recall import recall
from hybridret.retrieval.exact_search import search_top_k

QUERIES, PASSAGES, K = 30, 60, 25


def collection_of(passages: list[str]) -> Collection:
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(QUERIES), rng.integers(1, 9, QUERIES))
    return Collection(
        name="toy",
        languages=("en",),
        query_ids=tuple(f"q{i}" for i in range(QUERIES)),
        queries=[""] * QUERIES,
        query_languages=np.zeros(QUERIES, dtype=np.int64),
        questions=np.arange(QUERIES),
        passage_ids=passages,
        passages=[""] * len(passages),
        passage_languages=np.zeros(len(passages), dtype=np.int64),
        relevant_queries=rows,
        relevant_passages=np.concatenate([rng.permutation(len(passages))[:n] for n in np.bincount(rows)]),
        grades=rng.integers(1, 4, len(rows)),
    )


@pytest.fixture
def collection() -> Collection:
    return collection_of([f"{'aZé文'[i % 4]}{i}" for i in range(PASSAGES)])


def hits_of(collection: Collection, distinct: int) -> tuple[np.ndarray, Hits]:
    """Every second query, the best first; some find little and one finds nothing; scores of all magnitudes."""
    rng = np.random.default_rng(distinct)
    values = (rng.standard_normal(distinct) * 10.0 ** rng.integers(-12, 12, distinct)).astype(np.float32)
    queries = np.arange(0, QUERIES, 2)
    scores = rng.choice(values, (len(queries), PASSAGES))
    passages, best = search_top_k(scores, K, collection.tie_order)
    present = np.arange(K) < np.r_[K, 0, rng.integers(1, K, len(queries) - 2)][:, None]
    return queries, Hits(np.where(present, passages, -1), np.where(present, best, np.float32(-np.inf)))


@pytest.mark.parametrize("distinct", [1, 4, 1000])
@pytest.mark.parametrize("name", ["toy.run", "toy.run.gz"])
@pytest.mark.parametrize("lines", [1, 60, 1 << 20])
def test_a_run_comes_back_to_the_bit(
    collection: Collection, distinct: int, name: str, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trec, "LINES", lines)
    queries, hits = hits_of(collection, distinct)
    write_trec_run(tmp_path / name, collection, queries, hits, "ours")
    found = hits.passages[:, 0] >= 0
    again, read = read_trec_run(tmp_path / name, collection)
    assert again.tolist() == queries[found].tolist()
    np.testing.assert_array_equal(read.passages, hits.passages[found])
    np.testing.assert_array_equal(read.scores.view(np.int32), hits.scores[found].view(np.int32))


def test_the_order_of_the_file_and_its_ranks_do_not_matter(collection: Collection, tmp_path: Path) -> None:
    queries, hits = hits_of(collection, 4)
    write_trec_run(tmp_path / "a.run", collection, queries, hits, "ours")
    lines = (tmp_path / "a.run").read_text().splitlines()
    order = np.random.default_rng(0).permutation(len(lines))
    mixed = ["\t".join([*lines[i].split()[:3], "0", *lines[i].split()[4:]]) for i in order]
    (tmp_path / "b.run").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(mixed).encode())
    ours, theirs = read_trec_run(tmp_path / "a.run", collection), read_trec_run(tmp_path / "b.run", collection)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1].passages, theirs[1].passages)
    np.testing.assert_array_equal(ours[1].scores, theirs[1].scores)


@pytest.mark.parametrize("distinct", [1, 3, 1000])
def test_trec_eval_gets_our_numbers_from_the_files(collection: Collection, distinct: int, tmp_path: Path) -> None:
    queries, hits = hits_of(collection, distinct)
    write_trec_run(tmp_path / "toy.run", collection, queries, hits, "ours")
    write_qrels(tmp_path / "toy.qrels", collection)
    with open(tmp_path / "toy.qrels") as file:
        qrels = pytrec_eval.parse_qrel(file)
    with open(tmp_path / "toy.run") as file:
        run = pytrec_eval.parse_run(file)
    expected = pytrec_eval.RelevanceEvaluator(qrels, {"map", "ndcg_cut.10", "recall.10"}).evaluate(run)
    asked = np.isin(collection.relevant_queries, queries)
    row_of = np.searchsorted(queries, collection.relevant_queries[asked])
    ranks = ranks_in_hits(hits.passages, row_of, collection.relevant_passages[asked], PASSAGES)
    relevant = RankedRelevant.gather(row_of, ranks, collection.grades[asked])
    mine = {"map": average_precision(relevant), "ndcg_cut_10": ndcg(relevant, 10), "recall_10": recall(relevant, 10)}
    for name, values in mine.items():
        theirs = [expected[f"q{query}"][name] if f"q{query}" in run else 0.0 for query in queries]
        np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-12, err_msg=name)


def test_lines_are_as_trec_eval_reads_them(collection: Collection, tmp_path: Path) -> None:
    hits = Hits(np.array([[5, 2, -1]]), np.array([[1e-7, 0.1, -np.inf]], np.float32)[:, [1, 0, 2]])
    write_trec_run(tmp_path / "toy.run", collection, np.array([3]), hits, "ours")
    assert (tmp_path / "toy.run").read_text().splitlines() == ["q3 Q0 Z5 1 0.1 ours", "q3 Q0 é2 2 1e-07 ours"]
    judged = replace(collection, relevant_queries=np.array([1]), relevant_passages=np.array([4]), grades=np.array([2]))
    write_qrels(tmp_path / "toy.qrels", judged)
    assert (tmp_path / "toy.qrels").read_text() == "q1 0 a4 2\n"


@pytest.mark.parametrize("name", ["toy.qrels", "toy.qrels.gz"])
def test_judgments_come_back(
    collection: Collection, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trec, "LINES", 7)
    write_qrels(tmp_path / name, collection)
    read = read_qrels(tmp_path / name)
    assert read.query_ids == [collection.query_ids[i] for i in collection.relevant_queries]
    assert read.passage_ids == [collection.passage_ids[i] for i in collection.relevant_passages]
    assert read.grades.tolist() == collection.grades.tolist()


def test_ids_may_be_read_from_disk(collection: Collection, tmp_path: Path) -> None:
    from datasets import Dataset

    on_disk = Column(Dataset.from_dict({"id": list(collection.passage_ids)}), ["id"], strip=False)
    queries, hits = hits_of(collection, 1000)
    for name, one in (("a", collection), ("b", replace(collection, passage_ids=on_disk))):
        write_trec_run(tmp_path / f"{name}.run.gz", one, queries, hits, "ours")
        write_qrels(tmp_path / f"{name}.qrels", one)
    assert (tmp_path / "a.run.gz").read_bytes() == (tmp_path / "b.run.gz").read_bytes()  # no name inside
    assert (tmp_path / "a.run.gz").read_bytes()[4:8] == bytes(4)  # no time
    assert (tmp_path / "a.qrels").read_bytes() == (tmp_path / "b.qrels").read_bytes()
    _, read = read_trec_run(tmp_path / "b.run.gz", replace(collection, passage_ids=on_disk))
    np.testing.assert_array_equal(read.passages, hits.passages[hits.passages[:, 0] >= 0])


GOOD = "q0 Q0 a0 1 0.5 t"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q0 Q0 a4 2 0.25", r"toy\.run, line 2: expected 'qid Q0 docid rank score tag'"),
        ("q0 Q0 a4 2 0.25 my tag", "line 2: expected"),
        ("q0 Q0 a4 2 half t", "line 2: the score b'half' is no number"),
        ("q0 Q0 a4 2 nan t", "line 2: the score is nan"),
        ("q0 Q0 a4 2 -inf t", "line 2: the score is -inf"),
        ("q0 Q0 a4 2 1e39 t", "line 2: the score is 1e[+]39"),
        ("q0 Q0 a0 2 0.25 t", "line 2: this query has had the same passage"),
        ("q0 Q0 b4 2 0.25 t", "line 2: toy has no passage 'b4'. Read"),
        ("q0 Q0 b4 2 0.25 t\nq0 Q0 b5 3 0.2 t", r"line 2: toy has no passage 'b4' \(nor 1 others"),
        ("0 Q0 a4 2 0.25 t", "line 2: toy has no query '0'"),
    ],
)
def test_a_bad_line_is_named(collection: Collection, line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "toy.run").write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_trec_run(tmp_path / "toy.run", collection)


def test_broken_files_are_errors(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "toy.run").write_bytes(b"q0 Q0 a\xff 1 0.5 t\n")
    with pytest.raises(UserError, match="line 1, passage id: not UTF-8"):
        read_trec_run(tmp_path / "toy.run", collection)
    packed = gzip.compress(f"{GOOD}\n".encode() * 1000)
    (tmp_path / "toy.run.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError, match="truncated"):
        read_trec_run(tmp_path / "toy.run.gz", collection)
    (tmp_path / "empty.run").write_text("\n")
    with pytest.raises(UserError, match="holds no hits"):
        read_trec_run(tmp_path / "empty.run", collection)
    with pytest.raises(UserError, match="cannot be read"):
        read_trec_run(tmp_path / "absent.run", collection)


@pytest.mark.parametrize(("identifier", "said"), [("a 1", "has white space"), ("a\u00a01", "has white"), ("", "empty")])
def test_an_id_that_trec_cannot_hold_is_an_error(identifier: str, said: str, tmp_path: Path) -> None:
    collection = collection_of([identifier, *(f"p{i}" for i in range(1, PASSAGES))])
    hits = Hits(np.array([[0, 1]]), np.ones((1, 2), np.float32))
    with pytest.raises(UserError, match=f"toy.run: the passage id .*{said}"):
        write_trec_run(tmp_path / "toy.run", collection, np.array([0]), hits, "ours")
    with pytest.raises(UserError, match=f"toy.qrels: the passage id .*{said}"):
        write_qrels(tmp_path / "toy.qrels", collection)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="tag"):
        write_trec_run(tmp_path / "toy.run", collection_of(["p0", "p1"] * 5), np.array([0]), hits, "our tag")


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_that_has_no_rank_is_not_written(collection: Collection, score: float, tmp_path: Path) -> None:
    hits = Hits(np.array([[0, 1]]), np.array([[1.0, score]], np.float32))
    with pytest.raises(UserError, match=r"query 'q7' for passage 'Z1' is (nan|inf)"):
        write_trec_run(tmp_path / "toy.run", collection, np.array([7]), hits, "ours")


@pytest.mark.parametrize("passages", [[0, 1, 2], [0, -1, 2]])
def test_hits_must_stand_best_first(collection: Collection, passages: list[int], tmp_path: Path) -> None:
    scores = np.array([[1.0, 0.5, 0.75]] if passages[1] > 0 else [[1.0, -np.inf, 0.75]], np.float32)
    with pytest.raises(ValueError, match="best first"):
        write_trec_run(tmp_path / "toy.run", collection, np.array([0]), Hits(np.array([passages]), scores), "ours")
