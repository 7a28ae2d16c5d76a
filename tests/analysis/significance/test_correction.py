"""Corrections for families against loops and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from hybridret.analysis.significance.correction import benjamini_hochberg, holm

CORRECTIONS = {"holm": holm, "fdr_bh": benjamini_hochberg}


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize("tests", [1, 2, 37])
def test_against_statsmodels(name: str, tests: int) -> None:
    p = np.random.default_rng(tests).beta(0.3, 2.0, tests)
    p[::5] = p[0]  # ties
    assert CORRECTIONS[name](p) == pytest.approx(multipletests(p, method=name)[1], abs=1e-15)


def test_holm_step_by_step() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("name", CORRECTIONS)
def test_what_was_not_tested_is_not_counted(name: str) -> None:
    p = np.array([0.01, np.nan, 0.02])
    found = CORRECTIONS[name](p)
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx(CORRECTIONS[name](p[[0, 2]]))
    assert len(CORRECTIONS[name](np.array([]))) == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        CORRECTIONS[name](np.array([0.5, 1.2]))
