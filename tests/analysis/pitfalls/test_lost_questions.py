"""What is lost and gained, against loops over runs, questions and pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pitfall_worlds import made, values
from scipy.stats import binomtest, norm, studentized_range

from hybridret.analysis.pitfalls.lost import lost_by_pair, lost_questions, wilson
from hybridret.analysis.pitfalls.lost_share import lost_share, question_weights, share_difference

RUNS = [("a1", "a", "1"), ("a2", "a", "2"), ("a3", "a", "3"), ("b1", "b", "1"), ("b2", "b", "2")]


def test_lost_is_found_at_home_and_not_elsewhere_in_most_seeds() -> None:
    own, other = values(0, "monolingual", RUNS), values(1, "cross-lingual", RUNS[::-1])
    own.values[:, 2, 0], other.values[:, 3, 0] = np.nan, np.nan  # asked in one of the two languages only
    found = lost_questions(own, other)
    assert list(found) == ["a", "b"]
    for name, one in found.items():
        members = [run for run, configuration, _ in RUNS if configuration == name]
        assert one.seeds == len(members)
        for i, question in enumerate(one.questions):
            for j, pair in enumerate(one.pairs):
                home, away = [], []
                for run in members:
                    row = (own.runs.index(run), own.questions.index(question), own.cells.index((pair[0], pair[0])))
                    home.append(own.values[row])
                    away.append(
                        other.values[other.runs.index(run), other.questions.index(question), other.cells.index(pair)]
                    )
                if any(map(np.isnan, home + away)):
                    assert np.isnan(one.lost[i, j])
                    assert not one.asked[i, j]
                    assert not (one.found | one.missed | one.is_lost | one.is_gained)[i, j]
                    continue
                lost = sum(x > 0 and y == 0 for x, y in zip(home, away, strict=True))
                gained = sum(x == 0 and y > 0 for x, y in zip(home, away, strict=True))
                assert one.lost[i, j] == pytest.approx(lost / len(members))
                assert one.is_lost[i, j] == (lost > len(members) / 2)
                assert one.is_gained[i, j] == (gained > len(members) / 2)
                assert one.found[i, j] == (sum(x > 0 for x in home) > len(members) / 2)
                assert one.found[i, j] or not one.is_lost[i, j]
                assert one.missed[i, j] or not one.is_gained[i, j]
        assert one.is_lost.any()
        assert one.is_gained.any()


def test_only_common_runs_and_questions_count() -> None:
    own, other = values(0, "monolingual", RUNS), values(1, "cross-lingual", RUNS[1:])
    fewer = replace(other, values=other.values[:, 3:], questions=other.questions[3:])
    found = lost_questions(own, fewer)
    assert found["a"].seeds == 2
    assert found["a"].questions == other.questions[3:]


def test_other_measures_are_refused() -> None:
    own, other = values(0, "monolingual", RUNS), values(1, "cross-lingual", RUNS)
    with pytest.raises(ValueError, match="one dataset twice"):
        lost_questions(own, replace(other, cutoff=5))
    with pytest.raises(ValueError, match="monolingual and cross-lingual"):
        lost_questions(other, own)
    with pytest.raises(ValueError, match="no run"):
        lost_questions(own, replace(other, runs=tuple("vwxyz")))
    with pytest.raises(ValueError, match="recall or MRR"):
        lost_questions(replace(own, metric="map"), replace(other, metric="map"))


def test_counts_of_pairs() -> None:
    one = made(0)
    table = lost_by_pair(one).set_index(["query_language", "corpus_language"])
    for j, pair in enumerate(one.pairs):
        row = table.loc[pair]
        found = [i for i in range(len(one.questions)) if one.own[i, j] == 1]
        gone = [i for i in found if one.lost[i, j] == 1]
        assert (row["found"], row["lost"], row["asked"]) == (len(found), len(gone), 120)
        assert row["share"] == len(gone) / len(found)
        assert row["low"] < row["share"] < row["high"]
        assert row["missed"] == 120 - len(found)
        interval = binomtest(len(gone), len(found)).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert np.isnan(wilson(np.zeros(1, int), np.zeros(1, int))).all()


def test_a_share_of_nothing_lost_has_an_interval() -> None:
    one = made(0, added=-30.0)
    found = lost_share(one, 200, 7)
    assert (found.share, found.low) == (0, 0)
    exact = binomtest(0, int(one.found.any(axis=1).sum())).proportion_ci(method="exact")
    assert found.high == pytest.approx(exact.high)


def test_the_interval_over_questions_is_that_of_drawn_questions() -> None:
    one, two = made(0), made(1)
    found = lost_share(one, 400, 7)
    shares = []
    for weights in question_weights(len(one.questions), 400, 7):
        rows = np.repeat(np.arange(len(one.questions)), weights.astype(int))
        shares.append(one.is_lost[rows].sum() / one.found[rows].sum())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(shares, [2.5, 97.5])), rel=1e-9)
    assert found.share == found.lost / found.found
    difference = share_difference(one, two, 400, 7)
    assert difference.difference == pytest.approx(found.share - lost_share(two, 400, 7).share)
    assert difference.low < difference.difference < difference.high
    with pytest.raises(ValueError, match="other questions"):
        share_difference(one, made(1, questions=50), 100, 7)


def test_questions_are_the_unit_of_the_interval() -> None:
    """The cells of a question depend on each other: the interval is much wider than one of independent cells."""
    found = lost_share(made(0, questions=400), 1000, 7)
    low, high = wilson(np.array([found.lost]), np.array([found.found]))
    assert found.high - found.low > 3 * (high - low)[0]


def test_the_extremes_of_many_equal_configurations_differ_by_chance() -> None:
    decided, worlds, among = 0, 60, 8
    base = made(1, 80, ("de", "en", "th"), found=1.0)
    for world in range(worlds):
        random = np.random.default_rng(world)
        rate = random.beta(2.0, 3.0, (80, 1))
        marks = [(random.random(base.lost.shape) < rate).astype(float) for _ in range(among)]
        equal = sorted((replace(base, lost=one) for one in marks), key=lambda one: float(one.lost.sum()))
        found = share_difference(equal[-1], equal[0], 1000, world, among)
        decided += not found.low <= 0 <= found.high
    assert decided <= 10  # expected: 3 to 5; without the factor 34
    two = share_difference(equal[-1], equal[0], 200, 0)
    many = share_difference(equal[-1], equal[0], 200, 0, among)
    assert many.difference == two.difference
    q = studentized_range.ppf(0.95, among, np.inf) / np.sqrt(2)
    assert (many.high - many.low) / (two.high - two.low) == pytest.approx(q / norm.ppf(0.975))
