"""Pools that were searched (mAP with a cut, no rank distance), and test sets that are the mean of several."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.reporting import tables as t
from hybridret.reporting.charts.registry import dataset_plots
from hybridret.reporting.charts.tradeoff import measures
from hybridret.reporting.collect import collect
from hybridret.reporting.select import MACRO, select
from hybridret.reporting.summary import summary_table
from hybridret.reporting.tables_bias import bias_summary
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

LANGUAGES = ("de", "en")


@pytest.fixture(scope="module")
def folder(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alphas and sizes, so that every figure is drawn, all on a pool that was searched."""
    folder = tmp_path_factory.mktemp("searched") / "sweep"
    for alpha in (0.0, 0.5, 1.0):
        for size, body in (("tiny", 55_000), ("small", 209_000)):
            path = fabricate.run(folder, "hybrid", 1, alpha=alpha, size=size, body=body)
            rows = fabricate.metric_rows("big", LANGUAGES, (0.9 - alpha / 10, 0.8, 0.7, 3.0), 1)
            fabricate.write_rows(path / "metrics.csv", fabricate.searched(rows))
    return folder


def test_the_main_table_has_the_cut_map_and_no_bias(folder: Path) -> None:
    sweep = collect(folder)
    table = t.main_table(sweep, "big")
    names = [column.name for column in table.columns]
    assert [name for name in names if "mAP" in name] == ["Mo. mAP@1000", "Cr. mAP@1000", "Mul. mAP@1000"]
    assert not any("Bias" in name for name in names)
    first = next(csv.DictReader(io.StringIO(table.csv())))
    values = select(sweep.metrics, configuration=first["configuration"], setting="monolingual", metric="map")
    values = values.loc[values["query_language"] != MACRO, "value"]
    assert float(first["Mo. mAP@1000"]) == pytest.approx(values.mean())
    assert len(summary_table(sweep, "big").columns) == 2 + 9


def test_the_other_tables_and_figures_fall_back_to_it(folder: Path) -> None:
    sweep = collect(folder)
    assert [choice.title for choice in measures(sweep, "big")][:2] == ["mAP@1000", "MRR@10"]
    pairs = t.pair_table(sweep, "big", str(sweep.runs["configuration"].iloc[0]))
    assert pairs is not None
    assert not any(cell.missing for row in pairs.rows for cell in row)
    languages = t.language_table(sweep, "big")
    assert languages is not None
    assert languages.caption == "big: mAP@1000 by query language"
    plots = dataset_plots(sweep, "big")
    assert {"scatter", "pairs", "alpha", "size"} <= set(plots)
    assert "bias" not in plots
    assert [plots[name][0].draw().axes[0].get_ylabel() for name in ("scatter", "alpha", "size")] == [
        "Cross-lingual mAP@1000",
        "mAP@1000",
        "mAP@1000",
    ]
    for name in ("alpha", "size"):
        assert all(len(line.get_xdata()) for line in plots[name][0].draw().axes[0].lines), name


def test_the_page_says_so(folder: Path, tmp_path: Path) -> None:
    sweep = collect(folder)
    text = write_report(sweep, tmp_path).read_text(encoding="utf-8")
    assert "<p>mAP@1000 of queries in the language of the row" in text
    assert "mAP@1000 counts the passages up to rank 1000" in text
    assert "ank distance in the full ranking" not in text
    assert "ank distance is the worst" not in text
    summary = bias_summary(sweep, "big")  # AWRF needs the first passages only
    assert summary is not None
    assert [column.title for column in summary.columns] == ["configuration", "AWRF"]


def test_full_and_cut_map_are_never_mixed(fabricate: ModuleType, tmp_path: Path) -> None:
    """The same test set, ranked in full by one run and searched by another."""
    full = fabricate.metric_rows("d", LANGUAGES, (0.9, 0.8, 0.7, 3.0), 1)
    fabricate.run(tmp_path, "mono", 1, datasets={"d": LANGUAGES})
    path = fabricate.run(tmp_path, "cross", 1, datasets={"d": LANGUAGES})
    fabricate.write_rows(path / "metrics.csv", fabricate.searched(full))
    sweep = collect(tmp_path)
    table = t.main_table(sweep, "d")
    names = [column.name for column in table.columns]
    rows = {row[0].value: dict(zip(names, row, strict=True)) for row in table.rows}
    assert [rows["mono"][f"Mo. {name}"].missing for name in ("mAP", "mAP@1000")] == [False, True]
    assert [rows["cross"][f"Mo. {name}"].missing for name in ("mAP", "mAP@1000")] == [True, False]
    assert t.pair_table(sweep, "d", "cross") is None


def test_a_test_set_that_is_the_mean_of_several(fabricate: ModuleType, tmp_path: Path) -> None:
    """It has rows in metrics.csv and none in queries.parquet, and one language only."""
    for seed in (1, 2):
        path = fabricate.run(tmp_path / "sweep", "mono", seed)
        members = [
            [
                row
                for row in fabricate.metric_rows(name, ("en",), (level, 0.5, 0.5, 3.0), seed)
                if row[1] == "monolingual"
            ]
            for name, level in (("cqa_gis", 0.4), ("cqa_tex", 0.6))
        ]
        mean = [
            ["cqa", *one[1:6], (float(one[6]) + float(two[6])) / 2, one[7] + two[7]]
            for one, two in zip(*members, strict=True)
        ]
        rows = [row for member in (*members, mean) for row in member]
        fabricate.write_rows(path / "metrics.csv", fabricate.searched(rows))
        queries = pd.DataFrame({"dataset": ["cqa_gis", "cqa_tex"], "query_id": ["1", "1"], "value": [0.4, 0.6]})
        queries.to_parquet(path / "queries.parquet")
    sweep = collect(tmp_path / "sweep")
    assert sweep.datasets == ["cqa_gis", "cqa_tex", "cqa"]
    shown = {name: next(csv.DictReader(io.StringIO(t.main_table(sweep, name).csv()))) for name in sweep.datasets}
    assert {row["seeds"] for row in shown.values()} == {"2"}
    mean_of_both = (float(shown["cqa_gis"]["Mo. mAP@1000"]) + float(shown["cqa_tex"]["Mo. mAP@1000"])) / 2
    assert float(shown["cqa"]["Mo. mAP@1000"]) == pytest.approx(mean_of_both)
    text = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "1 language: English (en)." in text
    assert "Trade-off" not in text
