"""How configurations look in figures: colour by strategy, mark and dash by what else differs.

Colours are Okabe and Ito's, which readers with colour vision deficiencies can tell apart; marks and dashes repeat the
distinction within a strategy.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hybridret.reporting.configurations import strategy_rank

# In the order of `strategy_rank`: mono, cross, hybrid, x_x, en_en, then names that are not known here.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7b4fa3", "#8c564b")
_UNTRAINED = "#5f6770"
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class PlotStyle:
    """`mark` and `dash` in matplotlib's letters; `colour` as #rrggbb."""

    colour: str
    mark: str
    dash: str


def plot_styles(runs: pd.DataFrame) -> dict[str, PlotStyle]:
    """The look of each configuration of `runs` (a collected sweep's table of runs)."""
    rows = runs.drop_duplicates("configuration").to_dict("records")
    known = len({strategy_rank(name) for name in ("mono", "cross", "hybrid", "x_x", "en_en")})
    others = sorted(
        {str(row["strategy"]) for row in rows if row["trained"] and strategy_rank(row["strategy"]) >= known}
    )
    variants: list[str] = []
    found = {}
    for row in rows:
        label, strategy = str(row["configuration"]), str(row["strategy"])
        # With one alpha in the sweep it names the strategy; with several it is a variant of it.
        alphas = runs.loc[runs["strategy"] == strategy, "alpha"].nunique()
        variant = label.removeprefix(strategy) if alphas > 1 else label.removeprefix(strategy).split(", ", 1)[-1]
        variant = variant if ", " in label or alphas > 1 else ""
        variant = variant if row["trained"] else label
        if variant not in variants:
            variants.append(variant)
        i = variants.index(variant)
        number = known + others.index(strategy) if strategy in others else strategy_rank(strategy)
        colour = _COLOURS[number % len(_COLOURS)] if row["trained"] else _UNTRAINED
        found[label] = PlotStyle(colour, _MARKS[i % len(_MARKS)], _DASHES[i % len(_DASHES)])
    return found
