"""Mean and spread over seeds, and the smoothing of curves, on hand cases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.smoothing import smooth
from hybridret.analysis.spread import mean_and_spread


def test_mean_and_sample_deviation() -> None:
    frame = pd.DataFrame({"name": ["b", "b", "a", "b"], "value": [1.0, 2.0, 5.0, 3.0]})
    found = mean_and_spread(frame, ["name"])
    assert found["name"].tolist() == ["b", "a"]  # order of first appearance
    assert found["mean"].tolist() == [2.0, 5.0]
    assert found["n"].tolist() == [3, 1]
    assert found["std"][0] == pytest.approx(1.0)  # ddof = 1
    assert math.isnan(found["std"][1])  # unknown, not zero


def test_missing_keys_are_groups_and_missing_values_do_not_count() -> None:
    frame = pd.DataFrame({"alpha": [np.nan, np.nan, 0.5, 0.7], "value": [1.0, 3.0, np.nan, 4.0]})
    found = mean_and_spread(frame, ["alpha"])
    assert found["mean"].tolist() == [2.0, 4.0]


def test_smoothing_against_the_sum_written_out() -> None:
    values = np.random.default_rng(0).random(30)
    keep = 1 - 2 / (5 + 1)
    for i, found in enumerate(smooth(values, 5)):
        weights = keep ** np.arange(i, -1, -1)
        assert found == pytest.approx(float((weights * values[: i + 1]).sum() / weights.sum()))


def test_smoothing_keeps_constants_and_leaves_out_nan() -> None:
    np.testing.assert_allclose(smooth(np.full(9, 3.0), 4), 3.0)
    np.testing.assert_allclose(smooth(np.array([np.nan, 2.0, np.nan, 2.0]), 3)[1:], 2.0)
    np.testing.assert_array_equal(smooth(np.array([1.0, 5.0]), 1), [1.0, 5.0])
    with pytest.raises(ValueError, match="span"):
        smooth(np.zeros(2), 0.5)
