"""Families of comparisons as frames: columns, verdicts, directions, seeds that are not known, languages."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.bootstrap import resampled_means
from hybridret.analysis.significance.comparisons import COMPARISON, comparisons, corrected
from hybridret.analysis.significance.correction import benjamini_hochberg, holm
from hybridret.analysis.significance.languages import CELL_COMPARISON, language_comparisons, win_tie_loss
from hybridret.analysis.significance.power import needs


@pytest.fixture
def values(simulation: ModuleType) -> QuestionValues:
    """`good` is better than the others, `same` is `base` again."""
    random = np.random.default_rng(0)
    found = simulation.simulated(
        random, {"good": 0.2, "base": 0.0, "bm25": -0.02}, {"good": 3, "base": 3, "bm25": 1}, 80, cells=3, of_seeds=0.01
    )
    named = {name: found.of(name) for name in found.names}
    result: QuestionValues = simulation.values_of({**named, "same": named["base"]})
    return result


def row(frame: pd.DataFrame, a: str, b: str) -> pd.Series:
    (found,) = frame[(frame["a"] == a) & (frame["b"] == b)].to_dict("records")
    return pd.Series(found)


def test_a_row_for_every_two_in_every_measure(values: QuestionValues) -> None:
    other = replace(values, metric="rank_distance", better=-1)
    frame = comparisons([values, other], 500, 200, fixed=["bm25"])
    assert tuple(frame.columns) == COMPARISON
    assert len(frame) == 2 * 6
    assert frame["p_holm"].tolist() == pytest.approx(holm(frame["p"].to_numpy()))
    assert frame["p_bh"].tolist() == pytest.approx(benjamini_hochberg(frame["p"].to_numpy()))
    macro = dict(zip(values.names, [values.of(name).mean() for name in values.names], strict=True))
    for one in frame.to_dict("records"):
        assert one["difference"] == pytest.approx(macro[one["a"]] - macro[one["b"]])
        assert one["low"] <= one["difference"] <= one["high"]
    up, down = (frame[frame["metric"] == metric] for metric in ("map", "rank_distance"))
    assert row(up, "good", "base")["verdict"] == "a"
    assert row(down, "good", "base")["verdict"] == "b"
    same = row(up, "base", "same")
    assert (same["p"], same["difference"], same["verdict"]) == (1.0, 0.0, "undecided")


def test_what_is_known_of_seeds_is_said(values: QuestionValues) -> None:
    frame = comparisons([values], 200, 100, fixed=["bm25"])
    assert row(frame, "good", "bm25")["seed_spread"] == "known"
    assert row(frame, "good", "bm25")["interval"] == "t"
    assert row(comparisons([values], 200, 100), "good", "bm25")["seed_spread"] == "partly known"
    single = replace(values, configurations=tuple(values.runs))
    alone = comparisons([single], 200, 400)
    assert set(alone["seed_spread"]) == {"unknown"}
    assert set(alone["interval"]) == {"BCa"}
    assert alone["p_seeds"].isna().all()
    assert alone["low"].tolist() == alone["bootstrap_low"].tolist()


def test_the_interval_of_several_seeds_is_wider_than_that_of_questions(values: QuestionValues) -> None:
    several = row(comparisons([values], 200, 400), "good", "base")
    mean = replace(
        values,
        values=values.mean_over_seeds(),
        **dict.fromkeys(("runs", "configurations", "seeds"), values.names),
    )
    single = row(comparisons([mean], 200, 400), "good", "base")
    assert several["difference"] == pytest.approx(single["difference"])
    assert several["high"] - several["low"] > single["high"] - single["low"]


def test_better_seeds_alone_decide_nothing(simulation: ModuleType) -> None:
    """Every question is better with one of two seeds: questions agree, seeds do not."""
    random = np.random.default_rng(1)
    base = random.normal(0.5, 0.1, (1, 100, 1))
    values = simulation.values_of(
        {"a": np.concatenate([base + 0.1, base - 0.04]), "b": base + random.normal(0, 0.01, (2, 100, 1))}
    )
    found = row(comparisons([values], 999, 200), "a", "b")
    assert found["p_questions"] < 0.001
    assert found["p"] > 0.05
    assert found["verdict"] == "undecided"


def test_verdicts_need_a_corrected_p_and_an_interval_without_0() -> None:
    rows = [
        (0.02, 0.01, 0.03, 0.001),
        (0.02, 0.01, 0.03, 0.04),
        (0.02, -0.01, 0.05, 0.001),
        (-0.02, -0.03, -0.01, 0.001),
    ]
    frame = pd.DataFrame(rows, columns=["difference", "low", "high", "p"]).assign(better=1)
    padded = pd.concat([frame, frame.assign(p=0.9)])
    assert corrected(padded)["verdict"].tolist()[:4] == ["a", "undecided", "undecided", "b"]
    assert corrected(frame.iloc[[1]])["verdict"].tolist() == ["a"]  # in a family of one


def test_one_configuration_and_one_question(simulation: ModuleType) -> None:
    assert tuple(comparisons([simulation.values_of({"a": np.ones((2, 3, 1))})]).columns) == COMPARISON
    single = comparisons([simulation.values_of({"a": np.ones((2, 1, 1)), "b": np.zeros((1, 1, 1))})], 100, 100)
    assert single["p"].tolist() == [1.0]
    assert single["verdict"].tolist() == ["undecided"]
    assert np.isnan(needs(single)["detectable"]).all()


def test_draws_are_shared_and_the_same_each_time(values: QuestionValues) -> None:
    first, second = (comparisons([values], 200, 100, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    few = comparisons([values.only(["good", "base"])], 200, 100, seed=4)
    assert few["p_questions"].item() == row(first, "good", "base")["p_questions"]
    assert resampled_means(values, 50)[:, 1] == pytest.approx(resampled_means(values, 50)[:, 3], abs=0.05)


def test_languages_one_by_one(simulation: ModuleType) -> None:
    random = np.random.default_rng(2)
    noise = random.normal(0, 0.05, (4, 60, 3))
    noise[:2, :, 0] += 0.1
    noise[:2, :, 1] -= 0.1
    asked = np.ones((60, 3), dtype=bool)
    asked[0, 1:], asked[1:30, 2] = False, False
    values = simulation.values_of({"a": noise[:2], "b": noise[2:]}, asked)
    frame = language_comparisons([values, replace(values, metric="rank_distance", better=-1)], 500)
    assert tuple(frame.columns) == CELL_COMPARISON
    own = frame[frame["metric"] == "map"]
    assert own["verdict"].tolist() == ["a", "b", "undecided"]
    assert own["questions"].tolist() == [60, 59, 30]
    assert own["query_language"].tolist() == ["x0", "x1", "x2"]
    for i, difference in enumerate(own["difference"]):
        kept = values.values[:, asked[:, i], i]
        assert difference == pytest.approx(kept[:2].mean() - kept[2:].mean())
    single = comparisons([replace(values, values=values.values[:, :, :1], cells=values.cells[:1])], 500, 100)
    assert own["p"].iloc[0] == pytest.approx(single["p"].item())
    assert own["low"].iloc[0] == pytest.approx(single["low"].item())
    counts = win_tie_loss(frame)
    assert counts[["wins", "ties", "losses"]].to_numpy().tolist() == [[1, 1, 1], [1, 1, 1]]
    assert len(language_comparisons([values], 200, chosen=lambda a, b: False)) == 0


def test_languages_of_several_pairs_keep_their_names(values: QuestionValues) -> None:
    frame = language_comparisons([values], 100)
    assert len(frame) == 6 * 3
    means = dict(zip(values.names, values.mean_over_seeds().mean(axis=1), strict=True))
    for one in frame.to_dict("records"):
        cell = values.cells.index((one["query_language"], one["corpus_language"]))
        assert one["difference"] == pytest.approx(means[one["a"]][cell] - means[one["b"]][cell])
