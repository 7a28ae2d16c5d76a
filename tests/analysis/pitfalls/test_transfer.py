"""What two configurations lose together, against a loop; independent ones share no more than chance."""

from __future__ import annotations

import numpy as np
import pytest
from pitfall_worlds import LANGUAGES, made

from hybridret.analysis.pitfalls.transfer import transfer

FEW = LANGUAGES[:4]


def test_shares_and_chance_are_those_of_a_loop() -> None:
    lost = {name: made(i, 60, FEW, name=name) for i, name in enumerate("abc")}
    table = transfer(lost, 100, 100, 0)
    assert [(a, b) for a, b in zip(table["lost_by"], table["lost_too_by"], strict=True)] == [
        (a, b) for a in "abc" for b in "abc" if a != b
    ]
    for row in table.to_dict("records"):
        a, b = lost[row["lost_by"]], lost[row["lost_too_by"]]
        gone = too = 0
        chance = 0.0
        for j in range(len(a.pairs)):
            common = [i for i in range(60) if a.found[i, j] and b.found[i, j]]
            first = [i for i in common if a.is_lost[i, j]]
            second = [i for i in common if b.is_lost[i, j]]
            gone, too = gone + len(first), too + len(set(first) & set(second))
            chance += len(first) * len(second) / len(common)
        assert (row["lost"], row["lost_too"]) == (gone, too)
        assert row["share"] == pytest.approx(too / gone)
        assert row["chance"] == pytest.approx(chance / gone)
        assert row["lift"] == pytest.approx(too / chance)
        assert row["low"] < row["lift"] < row["high"]


def test_questions_that_are_hard_for_both_are_lost_by_both() -> None:
    hard = np.random.default_rng(1).normal(0, 2, 100)
    table = transfer({name: made(i, 100, FEW, hard=hard, name=name) for i, name in enumerate("ab")}, 500, 300, 0)
    assert (table["low"] > 1.2).all()
    assert (table["p"] < 0.01).all()


def test_nothing_lost_has_no_lift() -> None:
    none = made(0, 60, FEW, added=-30.0)
    table = transfer({"a": none, "b": made(1, 60, FEW)}, 100, 100, 0)
    assert table["lift"].isna().all()
    assert table["p"].isna().all()
    assert table.loc[1, ["share", "chance"]].tolist() == [0.0, 0.0]
    assert np.isnan(table.at[0, "share"])
    with pytest.raises(ValueError, match="other questions"):
        transfer({"a": none, "b": made(1, 50, FEW)}, 100, 100, 0)


@pytest.mark.slow
def test_independent_runs_have_a_lift_of_one() -> None:
    """Also where a third is not found at home, so that the cells that count are others for each run."""
    lifts, positive, covered, trials = [], 0, 0, 300
    for seed in range(trials):
        lost = {name: made(1000 * i + seed, 120, FEW, found=0.65, name=name) for i, name in enumerate("ab")}
        row = transfer(lost, 199, 200, seed).iloc[0]
        lifts.append(row["lift"])
        positive += row["p"] <= 0.05
        covered += row["low"] < 1 < row["high"]
    assert np.mean(lifts) == pytest.approx(1, abs=0.015)
    assert 0.02 < positive / trials < 0.085
    assert covered / trials > 0.91
