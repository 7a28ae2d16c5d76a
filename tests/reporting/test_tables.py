"""The tables: numbers equal a slow recomputation from the files, marks follow the direction, formats are stable."""

from __future__ import annotations

import csv
import io
import statistics
from pathlib import Path

import pytest

from hybridret.reporting import tables as t
from hybridret.reporting.collect import collect
from hybridret.reporting.paper import differences, paper_languages, paper_table
from hybridret.reporting.select import select
from hybridret.reporting.summary import summary_table
from hybridret.reporting.table import Cell, Column, Table, heat_style, percent, rank, score
from hybridret.reporting.tables_mix import mix_table
from hybridret.reporting.tables_runs import failure_table, token_tables
from hybridret.reporting.templates import call


def slow_macro(folder: Path, start: str, setting: str, metric: str, cutoff: str) -> list[float]:
    found = []
    for file in sorted(folder.glob(f"{start}*/metrics.csv")):
        with file.open() as handle:
            values = [
                float(row["value"])
                for row in csv.DictReader(handle)
                if row["setting"] == setting
                and row["metric"] == metric
                and row["cutoff"] == cutoff
                and row["query_language"] != "macro"
            ]
        found.append(statistics.fmean(values))
    return found


@pytest.mark.parametrize(
    ("column", "setting", "metric", "cutoff"),
    [
        ("Mo. mAP", "monolingual", "map", ""),
        ("Cr. MRR@10", "cross-lingual", "mrr", "10"),
        ("Mul. R@10", "multilingual", "recall", "10"),
        ("Mul. nDCG@10", "multilingual", "ndcg", "10"),
        ("Bias rank distance", "multilingual", "rank_distance", ""),
    ],
)
def test_main_table_equals_the_files(small: Path, column: str, setting: str, metric: str, cutoff: str) -> None:
    rows = list(csv.DictReader(io.StringIO(t.main_table(collect(small), "cldr_combinations").csv())))
    values = slow_macro(small, "batching-hybrid", setting, metric, cutoff)
    hybrid = next(row for row in rows if row["configuration"].startswith("hybrid"))
    assert hybrid["seeds"] == "3"
    assert float(hybrid[column]) == pytest.approx(statistics.fmean(values))
    assert float(hybrid[f"{column} std"]) == pytest.approx(statistics.stdev(values))


def test_best_is_highest_except_for_rank_distance(small: Path) -> None:
    table = t.main_table(collect(small), "cldr_combinations")
    names = [column.name for column in table.columns]
    best = {
        name: next(row[0].value for row in table.rows if row[j].position == 1) for j, name in enumerate(names[2:], 2)
    }
    assert best["Mo. mAP"] == "mono"
    assert best["Cr. mAP"] == "cross"
    assert best["Bias rank distance"] == "hybrid α=0.5"


def test_places_share_what_looks_equal_and_need_two_values() -> None:
    columns = [Column("name"), Column("value", score, better=1)]
    rows = [[Cell("a"), Cell(0.9001)], [Cell("b"), Cell(0.9004)], [Cell("c"), Cell(0.5)], [Cell("d"), Cell()]]
    assert [row[1].position for row in Table("n", "c", columns, rows).with_positions().rows] == [1, 1, 2, 0]
    assert [row[1].position for row in Table("n", "c", columns, rows[:1]).with_positions().rows] == [0]
    lower = [Column("name"), Column("value", rank, better=-1)]
    assert [row[1].position for row in Table("n", "c", lower, rows[:3]).with_positions().rows] == [2, 2, 1]


def test_number_formats() -> None:
    assert [score(v) for v in (0.9764, 1.0, 0.0, -0.25, 1.5)] == [".976", "1.000", ".000", "-.250", "1.500"]
    assert [rank(v) for v in (12038.4, 99.95, 10.0)] == ["12,038", "100.0", "10.0"]
    assert [percent(v) for v in (0.5, 0.0004, 0.0)] == ["50.0 %", "0.04 %", "0.0 %"]
    assert heat_style(0.0).startswith("background:#f7fbff")
    assert heat_style(2.0) == heat_style(1.0)


def test_text_is_escaped_in_html_and_markdown() -> None:
    table = Table("n", "<x>", [Column("run"), Column("why")], [[Cell("a|b"), Cell("<b>&")]])
    html = call("table.html", "table", table)
    assert "&lt;b&gt;&amp;" in html
    assert "<x>" not in html
    assert "a\\|b" in table.markdown()


def test_pairs_have_the_monolingual_values_on_the_diagonal(small: Path) -> None:
    sweep = collect(small)
    table = t.pair_table(sweep, "cldr_combinations", "mono")
    assert table is not None
    rows = select(sweep.metrics, configuration="mono", setting="monolingual", metric="map", query_language="sw")
    i = next(i for i, row in enumerate(table.rows) if row[0].value == "sw")
    assert table.rows[i][i + 1].value == pytest.approx(rows["value"].mean())
    assert len(table.rows) == 8


def test_tokens_mix_and_failures(small: Path) -> None:
    sweep = collect(small)
    (tokens,) = token_tables(sweep)
    assert "language,query unknown,query truncated,passage unknown,passage truncated" in tokens.csv()
    mix = mix_table(sweep)
    assert mix is not None
    assert "0.4917" in mix.csv()
    failures = failure_table(sweep)
    assert failures is not None
    assert "train 300 of 1200" in failures.csv()


def test_papers_numbers_stand_beside_ours(rich: Path) -> None:
    sweep = collect(rich)
    table = paper_table(sweep, "xquad_r")
    assert table is not None
    assert "| paper | XLM-R | hybrid | .798 | .705 | .593 | 287 |" in table.markdown()
    assert [row[2].value for row in table.rows if row[0].value == "this sweep"] == [
        "mono, tiny",
        "cross, tiny",
        "hybrid α=0.5, tiny",
    ]
    assert paper_table(sweep, "cldr_combinations") is None
    assert len(paper_languages("xquad_r")) == 11
    assert len(differences(sweep, "xquad_r")) == 1  # same languages


def test_fewer_languages_than_the_paper_are_said(fabricate, tmp_path: Path) -> None:
    fabricate.run(tmp_path, "mono", 1, datasets={"xquad_r": ("en", "de"), "miracl": ("sw", "en")})
    sweep = collect(tmp_path)
    assert "2 here (without ar, el" in differences(sweep, "xquad_r")[1]
    table = paper_table(sweep, "miracl")  # printed per language only: averaged
    assert table is not None
    assert [column.name for column in table.columns[3:]] == ["Mo. nDCG@10", "Mo. R@100"]


def test_summary_has_one_row_per_configuration(small: Path) -> None:
    table = summary_table(collect(small))
    assert table.row_count == 5
    assert len(table.columns) == 2 + 9 + 1
