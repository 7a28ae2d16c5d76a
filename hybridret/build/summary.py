"""The few numbers that an evaluation ends with on the terminal; all of them stand in metrics.csv."""

from __future__ import annotations

from collections.abc import Mapping

SHOWN = ("map", "mrr@10", "recall@10", "ndcg@10", "rank_distance")
TITLES = {"map": "mAP", "mrr@10": "MRR@10", "recall@10": "R@10", "ndcg@10": "nDCG@10", "rank_distance": "rank distance"}


def print_summary(macro: Mapping[str, float]) -> None:
    """Print the macro averages `dataset/setting/metric@cutoff` as a table, one row for each dataset and setting."""
    from rich.console import Console
    from rich.table import Table

    rows: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in macro.items():
        dataset, setting, metric = key.split("/")
        # A pool that was searched has a mAP that is cut at its depth.
        name, column = metric.partition("@")[0], metric
        rows.setdefault((dataset, setting), {})["map" if name == "map" else column] = value
    titles = [metric for metric in SHOWN if any(metric in row for row in rows.values())]
    table = Table("test set", "setting", *[TITLES[metric] for metric in titles], box=None, pad_edge=False)
    for number in table.columns[2:]:
        number.justify = "right"
    for (dataset, setting), row in rows.items():
        cells = [_spelled(metric, row.get(metric)) for metric in titles]
        table.add_row(dataset, setting, *cells)
    Console(soft_wrap=True).print(table)


def _spelled(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric == "rank_distance" else f"{value:.3f}"
