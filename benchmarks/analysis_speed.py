"""Are all comparisons of a large sweep tested and given intervals in a minute, against a plain loop with scipy?

    python benchmarks/analysis_speed.py     # half a minute; targets: 60 s of CPU, 2 GB, a twentieth of scipy's time

A sweep as one on XQuAD-R would leave it, with generated values in arrays, as `question_values` gives them to the
analysis: 20 configurations of 3 seeds (60 runs), 1,190 questions in 11 languages, monolingual, cross-lingual (110
pairs) and multilingual, with mAP, MRR, nDCG, R and, in the pool of all languages, rank distance. The family is all 190
pairs of configurations in all 13 measures, with 10,000 permutations and 2,000 resamples; then mAP and rank distance in
every language and language pair. Values are made before the clock starts; the memory is that of the whole process.

The rival is `scipy.stats.permutation_test` in a loop over comparisons, on the same seed averages, with as many draws.
It is timed on a few comparisons and multiplied. A second size is 13,000 questions by 100 language pairs.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TypeVar

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # one thread for both, before numpy is loaded
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import scipy.stats  # noqa: E402

from hybridret.analysis.question_values import QuestionValues  # noqa: E402
from hybridret.analysis.significance.comparisons import comparisons  # noqa: E402
from hybridret.analysis.significance.languages import language_comparisons  # noqa: E402
from hybridret.analysis.significance.power import needs  # noqa: E402
from hybridret.analysis.significance.randomization import randomization_test  # noqa: E402
from hybridret.analysis.significance.system_values import system_values  # noqa: E402

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
CELLS = {
    "monolingual": [(one, one) for one in LANGUAGES],
    "cross-lingual": [(q, c) for q, c in product(LANGUAGES, LANGUAGES) if q != c],
    "multilingual": [(one, "all") for one in LANGUAGES],
}
SECONDS, MEGABYTES, SPEEDUP, LARGE = 60.0, 2_000.0, 20.0, 10.0
Result = TypeVar("Result")


def generated(configurations: int, seeds: int, questions: int) -> list[QuestionValues]:
    """Values between 0 and 1 (ranks for the distance) in which questions are as hard for all runs."""
    random = np.random.default_rng(0)
    runs = [(f"c{i}", str(seed)) for i, seed in product(range(configurations), range(1, seeds + 1))]
    names, numbers = zip(*runs, strict=True)
    measures = [(where, metric) for where in CELLS for metric in ("map", "mrr", "ndcg", "recall")]
    found = []
    for where, metric in [*measures, ("multilingual", "rank_distance")]:
        values = random.random((len(runs), questions, len(CELLS[where])))
        values *= 0.1
        values += 0.6 + random.normal(0, 0.2, (questions, 1))
        values += np.array([0.001 * int(name[1:]) for name in names])[:, None, None]
        values += random.normal(0, 0.003, (len(runs), 1, 1))
        if metric == "rank_distance":
            values = np.round(values * 1_000)
        found.append(
            QuestionValues(
                "xquad_r",
                where,
                metric,
                0 if metric in ("map", "rank_distance") else 10,
                values=values,
                runs=tuple(f"{name}-{seed}" for name, seed in runs),
                questions=tuple(f"q{i}" for i in range(questions)),
                cells=tuple(CELLS[where]),
                configurations=names,
                seeds=numbers,
                better=-1 if metric == "rank_distance" else 1,
            )
        )
    return found


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and its seconds of CPU."""
    start = time.process_time()
    return work(), time.process_time() - start


def rival(contributions: np.ndarray, draws: int) -> None:
    """scipy's test of each of the differences [comparisons, questions], one after another."""
    for difference in contributions:
        scipy.stats.permutation_test(
            (difference, np.zeros(len(difference))),
            lambda x, y, axis: (x - y).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=draws,
            batch=1_000,
            rng=0,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=1_190)
    parser.add_argument("--permutations", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--sample", type=int, default=5, help="comparisons that the rival is timed on")
    options = parser.parse_args()
    measures = generated(options.configurations, options.seeds, options.questions)
    by_language = [one for one in measures if one.metric in ("map", "rank_distance")]
    held = sum(one.values.nbytes for one in measures) / 2**20
    print(f"generated arrays: {len(measures[0].runs)} runs, {len(measures)} measures, {held:.0f} MB")

    family, first = timed(partial(comparisons, measures, options.permutations, options.resamples))
    cells, second = timed(partial(language_comparisons, by_language, options.permutations))
    _, third = timed(partial(needs, family))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"{len(family):,} comparisons: {first:.1f} s of CPU; in languages and pairs {len(cells):,}: {second:.1f} s")
    print(f"with what they could see and need: {first + second + third:.1f} s of CPU, target {SECONDS:g}")
    print(f"peak memory of the process, its arrays included: {peak:,.0f} MB, target {MEGABYTES:,.0f}")

    shares = system_values(measures[0]).contributions[:, :, 0]
    _, slow = timed(partial(rival, shares[0] - shares[1 : 1 + options.sample], options.permutations))
    tests = len(family) + len(cells)
    whole = slow / options.sample * tests
    print(
        f"scipy.stats.permutation_test: {slow / options.sample:.2f} s of CPU for one comparison, so {whole:,.0f} s for "
        f"{tests:,}: {whole / (first + second):,.0f} times ours, target {SPEEDUP:g}"
    )
    large = np.random.default_rng(1).normal(0.0, 0.2, (2, 13_000, 100)) / 13_000
    _, spent = timed(partial(randomization_test, large, np.array([[0, 1]]), 10_000))
    print(f"13,000 questions x 100 language pairs x 10,000 permutations: {spent:.1f} s of CPU, target {LARGE:g}")


if __name__ == "__main__":
    main()
