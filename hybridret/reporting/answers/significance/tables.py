"""The tables of significance: comparisons, languages won and lost, and what could have been seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hybridret.reporting.answers.significance.words import Row, p_words, seeds_words, shown, signed, title
from hybridret.reporting.select import SETTINGS
from hybridret.reporting.table import Cell, Column, Table, plain

ROWS = 60  # of a table on the page; its CSV has all
ALL = "All comparisons, with every digit, are in significance_comparisons.csv."


def family_table(dataset: str, family: pd.DataFrame, chosen: Sequence[int]) -> Table | None:
    """All measures of the comparisons that have a sentence, then the others in the first metric, up to `ROWS`."""
    own = _first_rows(family[family["dataset"] == dataset], chosen)
    if own.empty:
        return None
    columns = [
        Column("comparison"),
        Column("measure"),
        Column("difference", help="first minus second, macro average, seeds averaged"),
        Column("95% interval", help="not corrected for the number of comparisons"),
        Column("p", help="randomization over questions, and t test with the spread over seeds: the larger one"),
        Column("p (BH)", help="corrected over all comparisons: false discovery rate"),
        Column("p (Holm)", help="corrected over all comparisons: chance of any false positive"),
        Column("better"),
        Column("seeds"),
        Column("questions"),
    ]
    cells = []
    for row in own.to_dict("records"):
        show = shown(str(row["metric"]))
        texts = [
            _pair(row),
            _measure(row),
            signed(row["difference"], show),
            f"{signed(row['low'], show)} to {signed(row['high'], show)}",
            *(p_words(row[name]).removeprefix("p ").removeprefix("= ") for name in ("p", "p_bh", "p_holm")),
            "undecided" if row["verdict"] == "undecided" else row[row["verdict"]],
            seeds_words(row),
        ]
        cells.append([*(Cell(text) for text in texts), Cell(int(row["questions"]))])
    caption = f"{dataset}: differences between configurations. An interval that holds 0 leaves the comparison undecided"
    return Table(f"significance_{dataset}", caption, columns, cells, note=ALL)


def languages_table(dataset: str, counts: pd.DataFrame, family: pd.DataFrame, chosen: Sequence[int]) -> Table | None:
    """Wins, ties and losses over languages and language pairs, of the same comparisons."""
    own = counts[counts["dataset"] == dataset]
    if own.empty:
        return None
    first = {(family.at[row, "a"], family.at[row, "b"]) for row in chosen}
    own = own.assign(later=[(a, b) not in first for a, b in zip(own["a"], own["b"], strict=True)])
    own = own.sort_values("later", kind="stable").head(ROWS)
    columns = [Column("comparison"), Column("measure"), Column("wins"), Column("ties"), Column("losses")]
    cells = [
        [Cell(_pair(row)), Cell(_measure(row)), *(Cell(int(row[name])) for name in ("wins", "ties", "losses"))]
        for row in own.to_dict("records")
    ]
    caption = (
        f"{dataset}: in how many languages (Mo., Mul.) or ordered language pairs (Cr.) the first one is better, "
        "neither is shown to be, or the second one is"
    )
    note = "Every language and pair, with its difference and interval, is in significance_languages.csv."
    return Table(f"significance_languages_{dataset}", caption, columns, cells, note=note)


def detectable_table(dataset: str, family: pd.DataFrame, power: pd.DataFrame, chosen: Sequence[int]) -> Table | None:
    """What each comparison could have seen, and would need."""
    own = _first_rows(family[family["dataset"] == dataset], chosen)
    if own.empty:
        return None
    columns = [
        Column("comparison"),
        Column("measure"),
        Column("difference"),
        Column("detectable", help="true difference found with a probability of .8 by one test at .05"),
        Column("more seeds", help="of each, if the true difference is the observed one"),
        Column("more questions", help="if the true difference is the observed one"),
    ]
    cells = []
    for row, need in zip(own.to_dict("records"), power.loc[own.index].to_dict("records"), strict=True):
        show = shown(str(row["metric"]))
        unknown = "unknown" if row["seed_spread"] != "known" else "over 100" if row["difference"] else "none would do"
        none = "none would do" if need["seeds_dominate"] or row["difference"] == 0 else "unknown"
        texts = [
            _pair(row),
            _measure(row),
            signed(row["difference"], show),
            "?" if pd.isna(need["detectable"]) else str(show(need["detectable"])),
            unknown if pd.isna(need["more_seeds"]) else plain(float(need["more_seeds"])),
            none if pd.isna(need["more_questions"]) else plain(float(need["more_questions"])),
        ]
        cells.append([Cell(text) for text in texts])
    caption = f"{dataset}: the smallest differences that could be seen, and what would settle a comparison"
    note = "A true difference of the detectable size is found by one test in four of five studies like this one."
    return Table(f"significance_power_{dataset}", caption, columns, cells, note=note)


def _first_rows(own: pd.DataFrame, chosen: Sequence[int]) -> pd.DataFrame:
    """Rows of the chosen comparisons in all measures, then those of the metric of the chosen ones, or of the first."""
    if own.empty:
        return own
    pairs = {(own.at[row, "a"], own.at[row, "b"]) for row in chosen if row in own.index}
    metric = own.loc[chosen[0], "metric"] if chosen else own["metric"].iloc[0]
    asked = pd.Series([(a, b) in pairs for a, b in zip(own["a"], own["b"], strict=True)], index=own.index)
    shown_too = (own["metric"] == metric) | (own["metric"] == "rank_distance")
    return pd.concat([own[asked], own[~asked & shown_too]]).head(ROWS)


def _pair(row: Row) -> str:
    return f"{row['a']} against {row['b']}"


def _measure(row: Row) -> str:
    return f"{SETTINGS[row['setting']]} {title(row)}"
