"""The mix is as promised: chi-square tests on what was drawn (p > 1e-4, fixed seed, so no test is ever flaky)."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare
from slow_pairs import pairs_of, rows_of

from hybridret.batching.cross import Cross
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mono import Mono
from hybridret.batching.x_x import XX

ALMOST_NEVER = 1e-4
STEPS = 4000


def fits(counts: Counter, expected: dict) -> bool:
    """Whether counts fit the probabilities `expected`, which name everything that may occur."""
    assert set(counts) <= set(expected)
    if len(expected) == 1:
        return True
    total = sum(counts.values())
    observed = [counts[key] for key in expected]
    return bool(chisquare(observed, [share * total for share in expected.values()]).pvalue > ALMOST_NEVER)


def test_the_check_itself_can_fail():
    assert not fits(Counter(a=2200, b=1800), {"a": 0.5, "b": 0.5})


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.75])
def test_share_of_mono_batches_is_binomial(datasets, batch_size, alpha):
    schedule = Hybrid(alpha).schedule(datasets, batch_size)
    mono = sum(schedule(11, step).kind == "mono" for step in range(STEPS))
    assert binomtest(mono, STEPS, alpha).pvalue > ALMOST_NEVER
    assert binomtest(mono, STEPS, alpha + 0.1).pvalue < ALMOST_NEVER


def test_types_are_independent_of_each_other(datasets, batch_size):
    """Pairs of neighbouring steps: no alternation, no runs."""
    schedule = Hybrid(0.5).schedule(datasets, batch_size)
    kinds = [schedule(12, step).kind for step in range(STEPS)]
    counts = Counter(zip(kinds[::2], kinds[1::2], strict=True))
    assert fits(counts, {(one, two): 0.25 for one in ("mono", "cross") for two in ("mono", "cross")})


def test_datasets_in_proportion_to_size_and_languages_uniform(datasets, batch_size):
    schedule = Mono().schedule(datasets, batch_size)
    batches = [schedule(13, step) for step in range(STEPS)]
    rows = np.array([pairs.present.sum() for pairs in datasets])
    assert fits(Counter(batch.dataset for batch in batches), dict(enumerate(rows / rows.sum())))
    for dataset, pairs in enumerate(datasets):
        languages = Counter(int(batch.query_languages[0]) for batch in batches if batch.dataset == dataset)
        assert fits(languages, {index: 1 / len(pairs.languages) for index in range(len(pairs.languages))})


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
def test_languages_in_proportion_to_their_size_to_a_power(make_pairs, batch_size, exponent):
    pairs = make_pairs(questions=400)
    for language, kept in (("de", 100), ("th", 20)):
        pairs.queries[language][kept:] = [None] * (400 - kept)
    data = [pairs, make_pairs("other", languages=("ar",), questions=200)]
    schedule = Mono(exponent).schedule(data, batch_size)
    batches = [schedule(19, step) for step in range(STEPS)]
    drawn = Counter(int(batch.query_languages[0]) for batch in batches if batch.dataset == 0)
    powers = np.array([400.0, 100.0, 20.0]) ** exponent
    assert fits(drawn, dict(enumerate(powers / powers.sum())))
    assert not fits(drawn, dict(enumerate([1 / 3] * 3)))
    assert fits(Counter(batch.dataset for batch in batches), {0: 520 / 720, 1: 200 / 720})  # as without an exponent


def test_pairs_in_proportion_to_their_weights(datasets, batch_size):
    """Among those that a question has: a missing language shifts nothing between the others."""
    weights = {"en-de": 2.0, "de-en": 1.0, "ar-zh": 4.0, "zh-en": 0.5}
    pairs = datasets[1]
    schedule = Cross(weights).schedule([pairs], batch_size)
    by_question: dict[int, Counter] = {}
    for step in range(3000):
        batch = schedule(20, step)
        rows = zip(batch.questions.tolist(), batch.query_languages, batch.passage_languages, strict=True)
        for question, query, passage in rows:
            by_question.setdefault(question, Counter())[int(query), int(passage)] += 1
    for question, counts in by_question.items():
        own = {(query, passage): weight for query, passage, weight in pairs_of(weights, pairs, question)}
        assert fits(counts, {pair: weight / sum(own.values()) for pair, weight in own.items()})


@pytest.mark.parametrize("choice", ["english", ["de-en", "zh-ar"], {"en-de": 9, "zh-en": 1}])
def test_datasets_in_proportion_to_rows_that_the_pairs_leave(datasets, batch_size, choice):
    schedule = Cross(choice).schedule(datasets, batch_size)
    rows = np.array([sum(rows_of(choice, pairs, question) for question in range(len(pairs))) for pairs in datasets])
    counts = Counter(schedule(14, step).dataset for step in range(STEPS))
    assert fits(counts, dict(enumerate(rows / rows.sum())))


def test_cross_datasets_in_proportion_to_rows_that_cross_can_use(datasets, batch_size):
    schedule = Cross().schedule(datasets, batch_size)
    rows = np.array([pairs.present[pairs.present.sum(axis=1) >= 2].sum() for pairs in datasets])
    counts = Counter(schedule(14, step).dataset for step in range(STEPS))
    assert fits(counts, dict(enumerate(rows / rows.sum())))


def test_ordered_language_pairs_are_uniform(make_pairs, batch_size):
    schedule = Cross().schedule([make_pairs(languages=("en", "de", "th", "zh"))], batch_size)
    counts: Counter = Counter()
    for step in range(1500):
        batch = schedule(15, step)
        counts.update(zip(batch.query_languages.tolist(), batch.passage_languages.tolist(), strict=True))
    assert fits(counts, dict.fromkeys(permutations(range(4), 2), 1 / 12))


def test_pairs_are_uniform_among_the_languages_of_each_question(datasets, batch_size):
    """Missing languages do not favour what is left: every question has uniform pairs of its own languages."""
    pairs = datasets[1]
    schedule = Cross().schedule([pairs], batch_size)
    by_question: dict[int, Counter] = {}
    for step in range(3000):
        batch = schedule(16, step)
        rows = zip(batch.questions.tolist(), batch.query_languages, batch.passage_languages, strict=True)
        for question, query, passage in rows:
            by_question.setdefault(question, Counter())[int(query), int(passage)] += 1
    assert set(by_question) == set(np.flatnonzero(pairs.present.sum(axis=1) >= 2).tolist())
    for question, counts in by_question.items():
        own = np.flatnonzero(pairs.present[question]).tolist()
        assert fits(counts, {pair: 1 / (len(own) * (len(own) - 1)) for pair in permutations(own, 2)})


def test_x_x_languages_are_uniform_among_those_of_each_question(datasets, batch_size):
    pairs = datasets[1]
    schedule = XX().schedule([pairs], batch_size)
    by_question: dict[int, Counter] = {}
    for step in range(2000):
        batch = schedule(17, step)
        for question, language in zip(batch.questions.tolist(), batch.query_languages.tolist(), strict=True):
            by_question.setdefault(question, Counter())[language] += 1
    for question, counts in by_question.items():
        own = np.flatnonzero(pairs.present[question]).tolist()
        assert fits(counts, dict.fromkeys(own, 1 / len(own)))


def test_questions_and_tails_are_drawn_evenly(make_pairs):
    """23 questions in batches of 5: the 3 that an epoch leaves out are others each time."""
    schedule = Mono().schedule([make_pairs(languages=("en",), questions=23)], 5)
    counts = Counter(int(question) for step in range(2300) for question in schedule(18, step).questions)
    assert fits(counts, dict.fromkeys(range(23), 1 / 23))
