"""Tables of lost questions: by language pair, by group, what two configurations lose together, and examples."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hybridret.base.files import file_name
from hybridret.reporting.table import Cell, Column, Table, percent, plain

ROWS = 60  # shown on the page; the CSV has all


def pairs_table(dataset: str, pairs: pd.DataFrame) -> Table:
    """One row for each language pair, one column for each configuration: the share of the found questions it loses."""
    wide = pairs.assign(pair=pairs["query_language"] + " to " + pairs["corpus_language"]).pivot(
        index="pair", columns="configuration", values="share"
    )
    wide = wide[list(dict.fromkeys(pairs["configuration"]))]
    rows = [
        [
            Cell(str(pair)),
            *(Cell(None if pd.isna(one) else float(one), heat=None if pd.isna(one) else float(one)) for one in values),
        ]
        for pair, *values in wide.itertuples()
    ]
    return Table(
        f"pitfalls_pairs_{file_name(dataset)}",
        f"{dataset}: share of the questions found in their own language that are lost in another one. Read: language "
        f"of the question to language of the passages; darker is worse.",
        [Column("pair"), *(Column(str(name), percent, better=-1) for name in wide.columns)],
        rows,
    )


def groups_table(dataset: str, groups: pd.DataFrame) -> Table | None:
    """The tested groups, the clearest first; None where nothing was tested."""
    tested = groups[groups["p"].notna()].sort_values(["p_corrected", "p"], kind="stable")
    if tested.empty:
        return None
    columns = [
        ("group", "group", plain), ("configuration", "configuration", plain), ("inside", "share_inside", percent),
        ("outside", "share_outside", percent), ("odds ratio", "odds_ratio", _two), ("low", "low", _two),
        ("high", "high", _two), ("p", "p", _p), ("corrected p", "p_corrected", _p),
    ]  # fmt: skip
    return _plain_table(
        f"pitfalls_groups_{file_name(dataset)}",
        f"{dataset}: groups of questions, the clearest first. Read: an odds ratio above 1 whose interval (low to high, "
        f"95 %) lies above 1 means that the group is lost more often than other questions of the same language pair.",
        tested,
        columns,
    )


def transfer_table(dataset: str, moved: pd.DataFrame) -> Table:
    """Ordered pairs of configurations."""
    columns = [
        ("lost by", "lost_by", plain), ("lost too by", "lost_too_by", plain), ("lost", "lost", plain),
        ("share lost too", "share", percent), ("by chance", "chance", percent), ("lift", "lift", _two),
        ("low", "low", _two), ("high", "high", _two), ("p", "p", _p),
    ]  # fmt: skip
    return _plain_table(
        f"pitfalls_transfer_{file_name(dataset)}",
        f"{dataset}: what two configurations lose together. Read: a lift of 2 means that the second loses twice as "
        f"many of the first one's lost questions as it would if they were drawn at random.",
        moved,
        columns,
    )


def examples_table(dataset: str, found: pd.DataFrame) -> Table:
    """Questions to browse, with texts where these are known."""
    columns = [
        ("question", "text" if "text" in found else "question", plain), ("what", "kind", plain),
        ("configuration", "configuration", plain), ("from", "query_language", plain), ("to", "corpus_language", plain),
        *([("position at home", "position", _one)] if "position" in found else []),
        ("seeds", "seeds", percent), ("others that keep it", "others", plain),
        *([("passage", "passage", plain)] if "passage" in found else []),
    ]  # fmt: skip
    return _plain_table(
        f"pitfalls_examples_{file_name(dataset)}",
        f"{dataset}: examples of lost and gained questions. Read: lost ones are found in their own language (at this "
        f"position among its passages) and not in the other one; of gained ones the position is that in the other one.",
        found,
        columns,
    )


def _plain_table(name: str, caption: str, frame: pd.DataFrame, columns: list[tuple[str, str, Any]]) -> Table:
    rows = [
        [Cell(None if pd.isna(value) else value) for value in row]
        for row in frame[[key for _, key, _ in columns]].head(ROWS).astype(object).itertuples(index=False)
    ]
    note = f"The first {ROWS} of {len(frame):,} rows; the CSV has all." if len(frame) > ROWS else ""
    return Table(name, caption, [Column(title, show) for title, _, show in columns], rows, note=note)


def _two(value: Any) -> str:
    return f"{value:.2f}"


def _one(value: Any) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _p(value: Any) -> str:
    return f"{value:.2g}" if value >= 0.001 else "< .001"
