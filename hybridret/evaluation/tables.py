"""The two tables of an evaluation, tidy and small: `metrics.csv` and `queries.parquet` (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals

from hybridret.base.errors import UserError
from hybridret.base.files import atomic_path
from hybridret.runs.query_values import KEYS, QUERY_COLUMNS, read_queries, with_columns
from hybridret.runs.sums import check_sum

METRIC_COLUMNS = (*KEYS, "value", "num_queries")
MACRO = "macro"


@dataclass(frozen=True)
class Evaluation:
    """The results of a retriever, as two tables.

    `metrics`: `METRIC_COLUMNS`, one row per dataset, setting, language (or pair), metric and cutoff (missing for a
    metric without cutoffs), and macro rows. `queries`: `QUERY_COLUMNS`, one row per query for each of these (cutoff 0:
    none), text columns categorical; it has no rows of rank_distance_median and rank_distance_share, which follow from
    rank_distance.
    """

    metrics: pd.DataFrame
    queries: pd.DataFrame

    def macro(self) -> dict[str, float]:
        """`dataset/setting/metric@cutoff` -> macro average; without `@cutoff` for a metric that has none."""
        rows = self.metrics[self.metrics["query_language"] == MACRO]
        names = rows["dataset"] + "/" + rows["setting"] + "/" + rows["metric"]
        cuts = ["" if pd.isna(cutoff) else f"@{cutoff}" for cutoff in rows["cutoff"]]
        return {name + cut: float(value) for name, cut, value in zip(names, cuts, rows["value"], strict=True)}

    def write(self, folder: Path) -> None:
        """Write `metrics.csv` and `queries.parquet` into `folder`, each atomically. Raises UserError if it cannot."""
        with atomic_path(Path(folder) / "metrics.csv") as path:
            self.metrics.to_csv(path, index=False)
        with atomic_path(Path(folder) / "queries.parquet") as path:
            self.queries.to_parquet(path, index=False, compression="zstd")

    @classmethod
    def read(cls, folder: Path) -> Evaluation:
        """The tables of `folder`. Raises UserError if a file is missing or broken."""
        return cls(read_metrics(Path(folder) / "metrics.csv"), read_queries(Path(folder) / "queries.parquet"))

    @classmethod
    def join(cls, parts: Sequence[Evaluation]) -> Evaluation:
        """One evaluation from those of several benchmarks. Raises UserError if `parts` is empty."""
        if not parts:
            raise UserError("Nothing was evaluated: name at least one benchmark, for example eval=[heldout].")
        metrics = pd.concat([part.metrics for part in parts], ignore_index=True)
        # pd.concat would turn columns with different categories into plain strings: fifty times the memory.
        columns = {
            name: union_categoricals([part.queries[name] for part in parts])
            if isinstance(parts[0].queries[name].dtype, pd.CategoricalDtype)
            else pd.concat([part.queries[name] for part in parts], ignore_index=True)
            for name in QUERY_COLUMNS
        }
        return cls(metrics, pd.DataFrame(columns))


def read_metrics(path: Path) -> pd.DataFrame:
    """A `metrics.csv`, values exact to the bit. Raises UserError if it is missing, broken or changed."""
    types: dict[str, str] = {"cutoff": "Int64", "num_queries": "int64"}
    empty: dict[str, list[str]] = {"cutoff": [""]}
    check_sum(path)
    try:
        # Without keep_default_na a language or dataset called "nan" or "null" would become a missing value.
        table = pd.read_csv(
            path,
            dtype=types,
            keep_default_na=False,
            na_values=empty,
            converters={"value": float},  # exact in every version of pandas
        )
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path}: {error}. Evaluate the run again to write it anew.") from error
    return with_columns(table, METRIC_COLUMNS, path)
