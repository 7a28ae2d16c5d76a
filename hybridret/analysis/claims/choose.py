"""Which configurations a `Choice` means: by strategy and alpha, where hybrid's ends are mono and cross."""

from __future__ import annotations

import pandas as pd

from hybridret.analysis.claims.statements import Choice

_ENDS = {"mono": 1.0, "cross": 0.0}  # hybrid at this alpha draws the same batches, bit for bit
_CLOSE = 1e-9


def chosen(configurations: pd.DataFrame, choice: Choice) -> list[str]:
    """Names of the configurations that `choice` means, in their order; [] without any.

    `configurations`: one row each, with the columns configuration, strategy and alpha (NaN where there is none). Where
    a strategy was trained under its own name, the end of an alpha grid does not stand for it a second time.
    """
    strategy, alpha = configurations["strategy"], configurations["alpha"].astype(float)
    own = strategy == choice.strategy
    if choice.strategy in _ENDS and not own.any():
        own = (strategy == "hybrid") & ((alpha - _ENDS[choice.strategy]).abs() < _CLOSE)
    if isinstance(choice.alpha, tuple):
        low, high = choice.alpha
        own &= (alpha >= low - _CLOSE) & (alpha <= high + _CLOSE)
    elif choice.alpha is not None:
        own &= (alpha - choice.alpha).abs() < _CLOSE
    return [str(name) for name in configurations.loc[own, "configuration"]]
