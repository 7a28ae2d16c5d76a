"""The few numbers that an evaluation ends with on the terminal; all of them stand in metrics.csv."""

from __future__ import annotations

from collections.abc import Mapping

from hybridret.base.markup import printable

SHOWN = ("map", "mrr@10", "recall@10", "recall@100", "ndcg@10", "rank_distance")
TITLES = {
    "map": "mAP",
    "mrr@10": "MRR@10",
    "recall@10": "R@10",
    "recall@100": "R@100",
    "ndcg@10": "nDCG@10",
    "rank_distance": "rank distance",
}


def print_summary(macro: Mapping[str, float]) -> None:
    """Print the macro averages `dataset/setting/metric@cutoff` as a table, one row for each dataset and setting."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in macro.items():
        dataset, setting, metric = key.rsplit("/", 2)  # the name of a data set may hold a slash
        rows.setdefault((dataset, setting), {})[metric] = value
    present = {metric for row in rows.values() for metric in row}
    cut = sorted(metric for metric in present if metric.startswith("map@"))  # of pools that were searched
    titles = [metric for metric in ("map", *cut, *SHOWN[1:]) if metric in present]
    named = [TITLES.get(metric, metric.replace("map", "mAP")) for metric in titles]
    table = Table("test set", "setting", *named, box=None, pad_edge=False)
    for number in table.columns[2:]:
        number.justify = "right"
    for (dataset, setting), row in rows.items():
        cells = [_spelled(metric, row.get(metric)) for metric in titles]
        table.add_row(Text(printable(dataset)), Text(printable(setting)), *cells)
    Console(soft_wrap=True).print(table)


def _spelled(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric == "rank_distance" else f"{value:.3f}"
