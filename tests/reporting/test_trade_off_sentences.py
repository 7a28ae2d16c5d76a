"""Sentences, bands and volumes of a trade-off from measures that are made for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hybridret.analysis.trade_off.preference import pick, weighted, within
from hybridret.analysis.trade_off.resamples import Resamples
from hybridret.reporting.answers.trade_off.figure import front_bands
from hybridret.reporting.answers.trade_off.groups import Group
from hybridret.reporting.answers.trade_off.measure import Measure, group_result
from hybridret.reporting.answers.trade_off.sentences import (
    bias_sentence,
    decimal,
    front_sentence,
    knee_sentence,
    loss_sentence,
    volume_sentence,
    weight_sentence,
    whole_percent,
)

NAMES = ("mono", "hybrid α=0.75", "hybrid α=0.5", "cross")
NAMES = ("mono", "hybrid α=0.75", "hybrid α=0.5", "cross")


def made(observed: list[list[float]], noise: float, seeds: int = 3, bias: list[float] | None = None) -> Measure:
    """A measure whose draws scatter by `noise` around `observed` [configurations, 2]; distances by one per cent."""
    random, names = np.random.default_rng(0), NAMES[: len(observed)]
    means = np.array(observed)
    values = means + random.normal(0, noise, (1_000, *means.shape))
    goals, same = ("monolingual", "cross-lingual"), (seeds,) * len(names)
    draws = Resamples(values, means, names, goals, (1, 1), same, 40)
    biased = None
    if bias:
        three = np.concatenate([means, np.array(bias)[:, None]], axis=1)
        third = np.array(bias) * np.exp(random.normal(0, 0.01, (1_000, len(bias))))
        whole = np.concatenate([values, third[..., None]], axis=2)
        biased = Resamples(whole, three, names, (*goals, "rank distance"), (1, 1, -1), same, 40)
    return Measure("d", "map", 0, draws, biased, (Group("", names, True),))


CLEAR = [[0.980, 0.10], [0.978, 0.80], [0.960, 0.90], [0.950, 0.92]]


def test_sentences_of_a_clear_case() -> None:
    measure = made(CLEAR, 0.0002)
    result = group_result(measure, measure.groups[0])
    front = front_sentence(measure, result)
    assert front.text == (
        "mAP of d: mono is on the front of monolingual and cross-lingual quality in 100 % of resamples, hybrid α=0.75 "
        "in 100 %, hybrid α=0.5 in 100 %, cross in 100 %."
    )
    assert front.decided
    lost = loss_sentence(measure, result, pick(result.draws, within()))
    assert lost.decided
    assert lost.text.startswith(
        "mAP of d: if .005 Mo. mAP may be lost, take hybrid α=0.75 (picked in 100 % of resamples):"
    )
    assert "it changes Mo. mAP by -.002 [-.003, -.001] and Cr. mAP by +.700 [+.69" in lost.text
    assert lost.effect == pytest.approx(0.7)
    assert (lost.runs, lost.questions) == (12, 40)
    weight = weight_sentence(measure, result, pick(result.draws, weighted()))
    assert weight.text == "mAP of d: equal weights of Mo. and Cr. pick cross in 100 % of resamples."
    knee = knee_sentence(measure, result)
    assert knee.text == "mAP of d: the knee of the front is hybrid α=0.75 in 100 % of resamples."
    volume = volume_sentence(measure, result)
    assert volume is not None
    assert "of the box between Mo. .947 and Cr. .018 and the best values; without hybrid α=0.75 it loses" in volume.text
    assert volume.low < volume.effect < volume.high < 1


def test_sentences_of_an_open_case_name_what_is_open() -> None:
    measure = made([[0.98, 0.80], [0.981, 0.799], [0.979, 0.80]], 0.01)
    result = group_result(measure, measure.groups[0])
    for one in (
        front_sentence(measure, result),
        loss_sentence(measure, result, pick(result.draws, within())),
        weight_sentence(measure, result, pick(result.draws, weighted())),
        knee_sentence(measure, result),
    ):
        assert not one.decided
        assert "undecided" in one.text
    assert "hybrid α=0.75" in front_sentence(measure, result).text.split("undecided")[1]


def test_one_seed_decides_nothing() -> None:
    measure = made(CLEAR, 0.0005, seeds=1, bias=[9000.0, 100.0, 110.0, 120.0])
    result = group_result(measure, measure.groups[0])
    for one in (
        front_sentence(measure, result),
        loss_sentence(measure, result, pick(result.draws, within())),
        weight_sentence(measure, result, pick(result.draws, weighted())),
        knee_sentence(measure, result),
        volume_sentence(measure, result),
        bias_sentence(measure, result),
    ):
        assert one is not None
        assert not one.decided
        assert "with one seed each the spread over seeds is unknown" in one.text


def test_the_third_goal_brings_a_configuration_to_the_front() -> None:
    measure = made([[0.98, 0.80], [0.97, 0.79], [0.96, 0.70]], 0.0005, bias=[9000.0, 100.0, 5000.0])
    result = group_result(measure, measure.groups[0])
    assert result.on_front[1] < 0.05
    third = bias_sentence(measure, result)
    assert third is not None
    assert third.text == "mAP of d: with the rank distance as a third goal also on the front: hybrid α=0.75 (100 %)."
    assert result.volume_with_bias is not None
    assert result.volume_with_bias.reference[-1] > 9000  # a distance again, not its logarithm
    assert result.volume_with_bias.parts[1, 0] > 0
    assert result.volume.parts[1, 0] == 0
    alone = made(CLEAR, 0.0005)
    assert bias_sentence(alone, group_result(alone, alone.groups[0])) is None


def test_equal_configurations_have_no_hypervolume() -> None:
    measure = made([[0.98, 0.80], [0.98, 0.70]], 0.001)
    assert volume_sentence(measure, group_result(measure, measure.groups[0])) is None


def test_a_shift_of_all_configurations_does_not_move_the_hypervolume() -> None:
    measure = made(CLEAR, 0.0)
    shift = np.random.default_rng(1).normal(0, 0.05, (1_000, 1, 2))
    draws = Resamples(**{**measure.draws.__dict__, "values": measure.draws.values + shift})
    result = group_result(Measure("d", "map", 0, draws, None, measure.groups), measure.groups[0])
    np.testing.assert_allclose(result.volume.whole, result.volume.whole[0])


def test_bands_hold_the_front_of_the_means() -> None:
    measure = made(CLEAR, 0.0005)
    bands = front_bands(group_result(measure, measure.groups[0]))
    at = bands[(bands["mono"] > 0.962) & (bands["mono"] < 0.976)]
    assert (at["low"] < 0.80).all()
    assert (at["high"] > 0.80).all()
    assert at["median"].to_numpy() == pytest.approx(0.80, abs=0.001)
    assert bands["low"].isna().any()  # nothing is sure at the far end


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (whole_percent, 0.998, "over 99 %"),
        (whole_percent, 0.002, "under 1 %"),
        (whole_percent, 1.0, "100 %"),
        (whole_percent, 0.914, "91 %"),
        (decimal, 0.25, ".25"),
        (decimal, -0.25, "-.25"),
        (decimal, -0.001, ".00"),
        (decimal, 1.0, "1.00"),
        (decimal, 10.05, "10.05"),
    ],
)
def test_numbers_in_sentences(show: Callable[[float], str], value: float, text: str) -> None:
    assert show(value) == text
