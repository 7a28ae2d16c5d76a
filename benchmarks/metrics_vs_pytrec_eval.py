"""CPU seconds of pytrec_eval over seconds of our metrics on the same hits: 10,000 queries with 1,000 hits each.

    python benchmarks/metrics_vs_pytrec_eval.py
        # about 2 minutes and 2 GB on one thread; target: at least 20

Ours starts from the arrays of a search (`Hits.passages`) and the judgments, ends at one value per query, and includes
the ranks. pytrec_eval has its evaluator and its dictionaries ready; a second ratio has the dictionaries built from the
same arrays inside the clock, which whoever has a search result must do. Both measure MRR, recall@10, recall@100,
success@10, nDCG@10 and mAP; ours cuts MRR at 10 and at 100, for which pytrec_eval would need two further runs.
Our time grows with the judgments as well as with the hits, which is why queries with 2, 11 and 100 of them are timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytrec_eval

from hybridret.base.records import Hits, IntArray
from hybridret.metrics.average_precision import average_precision
from hybridret.metrics.hits import ranks_in_hits
from hybridret.metrics.ndcg import ndcg
from hybridret.metrics.ranks import RankedRelevant, Values
from hybridret.metrics.recall import recall
from hybridret.metrics.reciprocal_rank import reciprocal_rank
from hybridret.metrics.success import success

Run = dict[str, dict[str, float]]
MEASURES = {"recip_rank", "recall.10,100", "success.10", "ndcg_cut.10", "map"}


@dataclass(frozen=True)
class Searched:
    """Hits of q queries in a pool of P passages, and the judgments [R] as rows, passages and grades."""

    hits: Hits
    rows: IntArray
    passages: IntArray
    grades: IntArray
    ids: list[str]

    def run(self) -> Run:
        """The hits as pytrec_eval takes them."""
        ids = self.ids
        return {
            f"q{query}": {ids[passage]: score for passage, score in zip(row, scores, strict=True)}
            for query, (row, scores) in enumerate(
                zip(self.hits.passages.tolist(), self.hits.scores.tolist(), strict=True)
            )
        }

    def qrels(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {f"q{query}": {} for query in range(len(self.hits.passages))}
        for row, passage, grade in zip(self.rows.tolist(), self.passages.tolist(), self.grades.tolist(), strict=True):
            found[f"q{row}"][self.ids[passage]] = grade
        return found


def searched(queries: int, depth: int, pool: int, judged: int, seed: int) -> Searched:
    """Random hits; each query judges `judged` passages, about two thirds of them among its hits."""
    rng = np.random.default_rng(seed)
    # `depth` different passages from a random place on, in steps that share no factor with a prime pool
    steps = rng.integers(1, pool, (queries, 1)) * np.arange(depth)
    passages = rng.permuted((rng.integers(0, pool, (queries, 1)) + steps) % pool, axis=1)
    scores = np.tile(np.linspace(1, 0, depth, dtype=np.float32), (queries, 1))  # all different: hits need no tie order
    columns = rng.permuted(np.tile(np.arange(3 * judged), (queries, 1)), axis=1)[:, :judged] * (depth // (2 * judged))
    inside = columns < depth
    chosen = np.where(inside, np.take_along_axis(passages, np.minimum(columns, depth - 1), axis=1), -1)
    elsewhere = rng.integers(0, pool, chosen.shape)
    chosen = np.where(inside, chosen, elsewhere)
    pairs = np.unique(np.repeat(np.arange(queries), judged) * pool + chosen.ravel())
    rows, relevant = np.divmod(pairs, pool)
    return Searched(
        Hits(passages, scores), rows, relevant, rng.integers(1, 3, len(rows)), [f"d{i}" for i in range(pool)]
    )


def ours(data: Searched) -> dict[str, Values]:
    ranks = ranks_in_hits(data.hits.passages, data.rows, data.passages, len(data.ids))
    relevant = RankedRelevant.gather(data.rows, ranks, data.grades)
    return {
        "mrr_10": reciprocal_rank(relevant, 10),
        "mrr_100": reciprocal_rank(relevant, 100),
        "recall_10": recall(relevant, 10),
        "recall_100": recall(relevant, 100),
        "success_10": success(relevant, 10),
        "ndcg_cut_10": ndcg(relevant, 10),
        "map": average_precision(relevant),
    }


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def agree(mine: Mapping[str, Values], theirs: Mapping[str, Mapping[str, float]]) -> None:
    for name in sorted(mine.keys() - {"mrr_10", "mrr_100"}):
        values = np.array([theirs[f"q{query}"][name] for query in range(len(mine[name]))])
        np.testing.assert_allclose(mine[name], values, rtol=0, atol=1e-12, err_msg=name)
    first = np.array([theirs[f"q{query}"]["recip_rank"] for query in range(len(mine["mrr_10"]))])
    for cutoff in (10, 100):
        cut = np.where(first >= 1 / cutoff, first, 0.0)  # exact: no two ranks are equal after a division
        np.testing.assert_allclose(mine[f"mrr_{cutoff}"], cut, rtol=0, atol=1e-12)


def compare(data: Searched, judged: int, repeats: int) -> None:
    """Check that both agree, then time them by turns and print the ratios of CPU time."""
    evaluator = pytrec_eval.RelevanceEvaluator(data.qrels(), MEASURES)
    run = data.run()
    agree(ours(data), evaluator.evaluate(run))  # also warms both up
    ready: list[float] = []
    built: list[float] = []
    for _ in range(repeats):
        theirs = seconds(partial(evaluator.evaluate, run))
        building = seconds(data.run)
        mine = seconds(partial(ours, data))
        ready.append(theirs / mine)
        built.append((theirs + building) / mine)
        print(
            f"{judged} judged: pytrec_eval {theirs:.2f} s, its dictionaries {building:.2f} s, ours {mine:.4f} s of "
            f"CPU; ratio {ready[-1]:.0f}, with dictionaries {built[-1]:.0f}; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    for what, ratios in (("dictionaries ready", ready), ("dictionaries built inside", built)):
        spread = f"{min(ratios):.0f} to {max(ratios):.0f}"
        print(f"{judged} judged, {what}: median ratio {statistics.median(ratios):.0f} ({spread}), target 20")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--depth", type=int, default=1_000)
    parser.add_argument("--pool", type=int, default=1_000_003, help="a prime")
    parser.add_argument("--judged", type=int, nargs="+", default=[2, 11, 100], help="relevant passages of a query")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for judged in options.judged:
        compare(searched(options.queries, options.depth, options.pool, judged, seed=0), judged, options.repeats)


if __name__ == "__main__":
    main()
