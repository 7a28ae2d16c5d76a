"""Run files of other tools: their values are those of trec_eval, their faults one paragraph each."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from hybridret.analysis.foreign.trec import depth, query_values, unanswered, unjudged
from hybridret.base.errors import UserError
from hybridret.data.qrels import read_qrels
from hybridret.data.trec_hits import read_trec_hits

NAMES = {"map": "map", "ndcg": "ndcg_cut", "recall": "recall", "success": "success"}
MEASURES = {"map", *(f"{name}.1,5,10,100" for name in ("ndcg_cut", "recall", "success"))}


def write(folder: Path, distinct: int, queries: int = 30, passages: int = 80) -> tuple[Path, Path]:
    """A run with ties, in no order, with wrong ranks, and graded judgments; each has queries that the other lacks."""
    rng = np.random.default_rng(distinct)
    ids = [f"{'aZé文'[i % 4]}{i}" for i in range(passages)]
    lines, judged = [], []
    for query in range(queries):
        if query % 7:
            for i in rng.permutation(passages)[: rng.integers(1, passages)]:
                score = float(rng.integers(0, distinct) / 7)
                lines.append(f"q{query} Q0 {ids[i]} {rng.integers(1, 9)} {score!r} tag")
        if query % 5:
            for i in rng.permutation(passages)[: rng.integers(1, 12)]:
                judged.append(f"q{query} 0 {ids[i]} {rng.integers(-1, 4)}")
    run, qrels = folder / "made.run", folder / "made.qrels"
    run.write_text("\n".join(rng.permutation(lines)) + "\n", encoding="utf-8")
    qrels.write_text("\n".join(judged) + "\n", encoding="utf-8")
    return run, qrels


def as_dictionaries(run: Path, qrels: Path) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    hits: dict[str, dict[str, float]] = {}
    for line in run.read_text("utf-8").splitlines():
        query, _, passage, _, score, _ = line.split()
        hits.setdefault(query, {})[passage] = float(np.float32(score))
    judged: dict[str, dict[str, int]] = {}
    for line in qrels.read_text("utf-8").splitlines():
        query, _, passage, grade = line.split()
        judged.setdefault(query, {})[passage] = int(grade)
    return hits, judged


@pytest.mark.parametrize("distinct", [1, 3, 20, 100_000])
def test_equal_to_trec_eval(tmp_path: Path, distinct: int) -> None:
    run, qrels = write(tmp_path, distinct)
    found = query_values(read_trec_hits(run), read_qrels(qrels, "trec"), (1, 5, 10, 100)).set_index(
        ["query_id", "metric", "cutoff"]
    )["value"]
    hits, judged = as_dictionaries(run, qrels)
    expected = pytrec_eval.RelevanceEvaluator(judged, MEASURES).evaluate(hits)
    compared = 0
    for (query, metric, cutoff), value in found.items():
        if query not in hits:
            assert value == 0
        elif metric in NAMES:
            name = NAMES[metric] + (f"_{cutoff}" if cutoff else "")
            assert value == pytest.approx(expected[query][name], rel=0, abs=1e-12), (query, name)
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("distinct", [1, 3, 100_000])
def test_mrr_equals_a_walk_down_the_list(tmp_path: Path, distinct: int) -> None:
    run, qrels = write(tmp_path, distinct)
    found = query_values(read_trec_hits(run), read_qrels(qrels, "trec"), (10,))
    hits, judged = as_dictionaries(run, qrels)
    for query, value in found[found["metric"] == "mrr"][["query_id", "value"]].itertuples(index=False):
        own = sorted(hits.get(query, {}).items(), key=lambda one: (one[1], one[0]), reverse=True)
        firsts = [i for i, (passage, _) in enumerate(own[:10], 1) if judged[query].get(passage, 0) > 0]
        assert value == (1 / firsts[0] if firsts else 0.0)


def test_queries_that_one_file_lacks(tmp_path: Path) -> None:
    run, qrels = write(tmp_path, 20)
    hits, judgments = read_trec_hits(run), read_qrels(qrels, "trec")
    own, judged = as_dictionaries(run, qrels)
    relevant = {query for query, grades in judged.items() if max(grades.values()) > 0}
    assert set(query_values(hits, judgments)["query_id"]) == relevant
    assert unanswered(hits, judgments) == len(relevant - set(own)) > 0
    assert unjudged(hits, judgments) == len(set(own) - relevant) > 0
    assert depth(hits) == max(map(len, own.values()))


def test_tabs_and_gzip_are_read_alike(tmp_path: Path) -> None:
    run, qrels = write(tmp_path, 20)
    tabbed = tmp_path / "tabbed.run.gz"
    tabbed.write_bytes(gzip.compress(run.read_bytes().replace(b" ", b" \t ")))
    judgments = read_qrels(qrels, "trec")
    plain, packed = (query_values(read_trec_hits(path), judgments) for path in (run, tabbed))
    assert plain.equals(packed)


GOOD = "q1 Q0 d1 1 2.0 a\nq1 Q0 d2 2 1.0 a\nq2 Q0 d1 1 1.0 a\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "q2 Q0 d2 2 0.5\n", r"x\.run, line 4: expected 'qid Q0 docid rank score tag', found 5 columns"),
        (GOOD + "q2 Q0 d2 2 high a\n", r"x\.run, line 4: the score b'high' is no number"),
        (GOOD + "q2 Q0 d2 2 nan a\n", r"x\.run, line 4: the score is nan"),
        (GOOD + "q2 Q0 d2 2 -inf a\n", r"x\.run, line 4: the score is -inf"),
        (GOOD + "q2 Q0 d1 2 0.5 a\n", r"x\.run, line 4: this query has had the same passage"),
        ("", r"x\.run holds no hits"),
        ("\n\n", r"x\.run holds no hits"),
        (GOOD.replace("q1", "001").replace("q2", "002"), r"no query in common: the run's first is '001'.*001 is not 1"),
        (GOOD.replace("q1", "x1").replace("q2", "x2"), r"no query in common: the run's first is 'x1'.*judgments '1'"),
        (GOOD.replace("q", "").replace("d", "D"), r"no query has a hit that its judgments call relevant.*'D1'.*'d1'"),
    ],
)
def test_a_bad_run_is_one_paragraph(tmp_path: Path, text: str, message: str) -> None:
    run, qrels = tmp_path / "x.run", tmp_path / "q"
    run.write_text(text)
    qrels.write_text("1 0 d1 1\n2 0 d2 1\n")
    with pytest.raises(UserError, match=message) as raised:
        query_values(read_trec_hits(run), read_qrels(qrels, "trec"))
    assert "\n" not in str(raised.value)


def test_a_gzip_that_is_cut(tmp_path: Path) -> None:
    run = tmp_path / "x.run.gz"
    run.write_bytes(gzip.compress((GOOD * 500).encode())[:-20])
    with pytest.raises(UserError, match=r"x\.run\.gz, after line \d+: the gzip archive is truncated"):
        read_trec_hits(run)


def test_judgments_without_a_relevant_passage(tmp_path: Path) -> None:
    run, qrels = tmp_path / "x.run", tmp_path / "q"
    run.write_text(GOOD)
    qrels.write_text("q1 0 d1 0\nq2 0 d2 -1\n")
    with pytest.raises(UserError, match="no grade above 0"):
        query_values(read_trec_hits(run), read_qrels(qrels, "trec"))
