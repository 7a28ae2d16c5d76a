"""Tests and intervals against loops; planted groups are found, and no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from pitfall_worlds import LANGUAGES, made, marked, pairs_of
from scipy.stats import fisher_exact

from hybridret.analysis.pitfalls.exchange import exchange_test, exchanges, joint_exchange_tests, row_classes
from hybridret.analysis.pitfalls.groups import Group, language_groups
from hybridret.analysis.pitfalls.language_labels import language_odds_ratio, language_test
from hybridret.analysis.pitfalls.mantel_haenszel import odds_ratio
from hybridret.analysis.pitfalls.over_representation import (
    corrected,
    over_representation,
    over_representation_by_pair,
)


def slow_odds_ratio(event: np.ndarray, trial: np.ndarray, member: np.ndarray, weights: Sequence[float]) -> float:
    above = below = 0.0
    for stratum in range(event.shape[1]):
        table: Counter[tuple[bool, bool]] = Counter()
        for row, weight in enumerate(weights):
            if trial[row, stratum]:
                table[bool(member[row, stratum]), bool(event[row, stratum])] += weight
        if total := sum(table.values()):
            above += table[True, True] * table[False, False] / total
            below += table[True, False] * table[False, True] / total
    return above / below


def test_the_odds_ratio_is_that_of_a_loop_and_its_error_a_jackknife() -> None:
    one = made(3, questions=40, languages=LANGUAGES[:3])
    member = np.random.default_rng(0).random(one.own.shape) < 0.4
    found = odds_ratio(one.is_lost, one.found, member)
    assert found.ratio == pytest.approx(slow_odds_ratio(one.is_lost, one.found, member, [1.0] * 40), rel=1e-12)
    slopes = []
    for row in range(40):
        logs = []
        for step in (1e-5, -1e-5):
            weights = [1.0 + step * (i == row) for i in range(40)]
            logs.append(np.log(slow_odds_ratio(one.is_lost, one.found, member, weights)))
        slopes.append((logs[0] - logs[1]) / 2e-5)
    assert found.error == pytest.approx(np.sqrt(np.sum(np.square(slopes)) * 40 / 39), rel=1e-6)
    assert found.low < found.ratio < found.high


def test_an_empty_cell_has_no_interval() -> None:
    event, member = np.array([[True], [False], [False]]), np.array([[True], [True], [False]])
    found = odds_ratio(event, np.ones((3, 1), dtype=bool), member)
    assert found.ratio == np.inf
    assert np.isnan(found.low)
    assert np.isnan(odds_ratio(event, np.zeros((3, 1), dtype=bool), member).ratio)
    assert odds_ratio(event, np.ones((3, 1), dtype=bool), ~member).ratio == 0


def test_exchanged_totals_are_those_of_every_order() -> None:
    random = np.random.default_rng(1)
    residuals = random.normal(size=(6, 4))
    members = random.random((3, 6, 4)) < 0.5
    members[:, :, 1] = members[:, :, 0]  # one look-up for both
    classes = np.array([0, 1, 0, 0, 1, 0])
    totals = []
    for order in permutations(range(6)):
        if (classes[list(order)] == classes).all():
            totals.append([(residuals[list(order)] * member).sum() for member in members])
    every = np.array(totals)
    observed = np.array([(residuals * member).sum() for member in members])
    far = np.abs(every - every.mean(axis=0)) >= np.abs(observed - every.mean(axis=0)) - 1e-9
    found = exchange_test(residuals, members, classes, 20_000, 0)
    assert found == pytest.approx(far.mean(axis=0), abs=0.012)
    studentised = []
    second = random.normal(size=(6, 4))
    for order in permutations(range(6)):
        if (classes[list(order)] == classes).all():
            products = (residuals * second[list(order)]).sum(axis=1)
            studentised.append(abs(products.sum()) / np.sqrt((products**2).sum()))
    expected = np.mean(np.array(studentised) >= studentised[0] - 1e-9)
    joint = joint_exchange_tests([(residuals, second), (second, second)], classes, 20_000, 0)
    assert joint[0] == pytest.approx(expected, abs=0.012)


def test_rows_stay_in_their_class() -> None:
    classes = row_classes(np.array([[True, True], [True, False], [True, True], [False, True], [True, False]]))
    assert len(set(classes.tolist())) == 3
    blocks = np.concatenate(list(exchanges(classes, 300, 5)))
    assert blocks.shape == (300, 5)
    assert (classes[blocks] == classes).all()
    assert len({tuple(row) for row in blocks.tolist()}) == 4


def test_labels_of_languages_are_exchanged() -> None:
    languages = LANGUAGES[:5]
    pairs = pairs_of(languages)
    residuals = np.random.default_rng(2).normal(size=len(pairs))
    member = np.array([("ar" in pair) for pair in pairs])
    totals = []
    for order in permutations(languages):
        other = dict(zip(languages, order, strict=True))
        totals.append(sum(r for r, (x, y) in zip(residuals, pairs, strict=True) if "ar" in (other[x], other[y])))
    far = np.abs(np.array(totals) - np.mean(totals)) >= abs(totals[0] - np.mean(totals)) - 1e-9
    assert language_test(residuals, member, pairs, 100, 0) == pytest.approx(far.mean())
    one = made(4, languages=languages)
    whole = np.broadcast_to(member, one.own.shape)
    found = language_odds_ratio(one.is_lost, one.found, whole, pairs)
    assert found.ratio == pytest.approx(slow_odds_ratio(one.is_lost.T, one.found.T, whole.T, [1.0] * len(pairs)))


def planted(one_questions: int = 200) -> tuple[np.ndarray, list[Group]]:
    """A planted group of 30% of the questions, and 19 that mean nothing."""
    random = np.random.default_rng(9)
    pairs = len(pairs_of())
    chosen = random.random((20, one_questions)) < np.r_[0.3, np.full(19, 0.25)][:, None]
    return chosen[0], [marked(chosen[i], pairs, f"g{i}") for i in range(20)]


def test_a_planted_group_is_found_and_no_other() -> None:
    member, groups = planted()
    lost = {"a": made(5, 200, added=2.0 * member[:, None])}
    table = over_representation(lost, groups, 2000, 0).set_index("group")
    assert table.at["g0", "p_corrected"] < 0.01
    assert table.at["g0", "low"] > 1.5
    assert (table.drop("g0")["p_corrected"] > 0.05).all()
    row = table.loc["g0"]
    assert row["lost_inside"] == (lost["a"].is_lost & member[:, None]).sum()
    assert row["found_outside"] == (lost["a"].found & ~member[:, None]).sum()
    assert row["share_inside"] > row["share_outside"]
    assert row["questions"] == member.sum()


def test_a_pair_has_fishers_test() -> None:
    _, groups = planted()
    lost = {"a": made(5, 200)}
    table = over_representation_by_pair(lost, groups[:2])
    assert len(table) == 2 * len(pairs_of())
    row = table.iloc[7]
    cells = [[row["lost_inside"], row["found_inside"] - row["lost_inside"]]]
    cells += [[row["lost_outside"], row["found_outside"] - row["lost_outside"]]]
    tails = [fisher_exact(cells, side).pvalue for side in ("less", "greater")]
    assert row["p"] == pytest.approx(min(1.0, 2 * min(tails)))


def test_what_cannot_be_tested_has_a_reason() -> None:
    pairs = pairs_of(("de", "en", "th"))
    few = marked(np.arange(120) < 4, len(pairs))
    table = over_representation(
        {"a": made(0, languages=("de", "en", "th"))}, [few, *language_groups(120, pairs)], 200, 0
    )
    assert table["p"].isna().all()
    assert table["reason"].str.contains("fewer than 10|too few").all()
    with pytest.raises(ValueError, match="is not of the"):
        over_representation({"a": made(0)}, [few], 200, 0)
    assert np.isnan(corrected(np.array([np.nan, 0.5]))[0])


@pytest.mark.slow
def test_false_positives_are_at_the_level() -> None:
    """400 sweeps of cells that depend on each other, with a group of a third and one of 15 questions. At 5%, between
    2.2% and 7.8% of the tests are positive (99% of the time)."""
    positive, covered, trials = Counter[str](), Counter[str](), 400
    for seed in range(trials):
        random = np.random.default_rng([seed, 1])
        pairs = len(pairs_of(LANGUAGES[:5]))
        groups = [
            marked(random.random(120) < 1 / 3, pairs, "third"),
            marked(random.permutation(120) < 15, pairs, "few"),
        ]
        table = over_representation({"a": made(seed, languages=LANGUAGES[:5])}, groups, 199, seed)
        for row in table.to_dict("records"):
            positive[row["group"]] += row["p"] <= 0.05
            covered[row["group"]] += row["low"] < 1 < row["high"]
    for name in ("third", "few"):
        assert 0.022 < positive[name] / trials < 0.078, positive
    assert 0.92 < covered["third"] / trials < 0.98, covered
    assert 0.87 < covered["few"] / trials < 0.98, covered  # a sandwich of 15 questions is a little too narrow


@pytest.mark.slow
def test_planted_and_unplanted_language_properties() -> None:
    """Every language has a difficulty of its own, so pairs of it are alike. Labels of languages keep the level."""
    pairs = pairs_of()
    group = Group("script", "g", *(np.broadcast_to(one, (60, len(pairs))) for one in _latin(pairs)), unit="language")
    positive = hits = 0
    for seed in range(150):
        random = np.random.default_rng([seed, 2])
        own = dict(zip(LANGUAGES, random.normal(0, 1.0, len(LANGUAGES)), strict=True))
        added = np.array([own[x] + own[y] for x, y in pairs])
        found = over_representation({"a": made(seed, 60, added=added)}, [group], 199, seed)
        positive += float(found["p"].iloc[0]) <= 0.05
        planted_too = over_representation({"a": made(seed, 60, added=3.0 * _latin(pairs)[0])}, [group], 199, seed)
        hits += float(planted_too["p"].iloc[0]) <= 0.05
    assert positive / 150 < 0.11
    assert hits / 150 > 0.9


def _latin(pairs: Sequence[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    one = language_groups(1, pairs)[2]
    return one.member[0], one.defined[0]
