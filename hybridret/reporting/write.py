"""Write a report: `report.html`, `tables/*.{csv,md}`, `figures/*.{png,svg}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hybridret.base.files import write_text
from hybridret.base.progress import Progress, Quiet
from hybridret.reporting import tables as t
from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.answers.files import write_answers
from hybridret.reporting.charts.registry import dataset_plots, sweep_plots
from hybridret.reporting.collect import Sweep
from hybridret.reporting.page import Shown, render_page
from hybridret.reporting.paper import paper_table
from hybridret.reporting.select import configurations
from hybridret.reporting.table import Table
from hybridret.reporting.tables_bias import bias_summary, bias_table
from hybridret.reporting.tables_cards import card_tables
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_leaks import leak_tables
from hybridret.reporting.tables_merge import merge_table
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.tables_runs import failure_table, run_table, token_tables


def write_report(
    sweep: Sweep,
    folder: Path,
    progress: Progress | None = None,
    answers: Mapping[Answer, Findings] | None = None,
    beside: tuple[Sweep, Mapping[Answer, Findings]] | None = None,
) -> Path:
    """Write the report of `sweep` with the `answers` found in it into `folder`, and return the path of its page. Same
    runs, same bytes. `beside` is another sweep, with its answers, that the page shows side by side with this one; its
    tables and figures are files of its own report."""
    whole = sweep_plots(sweep)
    plots = {name: dataset_plots(sweep, name) for name in sweep.datasets}
    figures = [plot for charts in (whole, *plots.values()) for of_chart in charts.values() for plot in of_chart]
    written = all_tables(sweep)
    with (progress or Quiet()).task("report", len(figures) + len(written) + 1) as advance:
        for table in written:
            name = re.sub(r"[^\w.=-]+", "_", table.name.replace("α", "alpha"), flags=re.ASCII)
            write_text(folder / "tables" / f"{name}.csv", table.csv())
            write_text(folder / "tables" / f"{name}.md", table.markdown())
            advance()
        for plot in figures:
            plot.write(folder / "figures")
            advance()
        write_answers(answers or {}, folder / "analysis")
        shown = [Shown(sweep, whole, plots, answers or {})]
        if beside:
            other, found = beside
            drawn = {name: dataset_plots(other, name) for name in other.datasets}
            shown.append(Shown(other, sweep_plots(other), drawn, found))
        page = folder / "report.html"
        write_text(page, render_page(shown))
        advance()
    return page


def all_tables(sweep: Sweep) -> list[Table]:
    """Every table of the report that the data allow."""
    found: list[Table | None] = []
    for name in sweep.datasets:
        found += [
            t.main_table(sweep, name),
            t.language_table(sweep, name),
            bias_summary(sweep, name),
            bias_table(sweep, name),
        ]
        found += [t.entropy_table(sweep, name), paper_table(sweep, name)]
        found += [t.pair_table(sweep, name, one) for one in configurations(sweep, name)]
    found += [*token_tables(sweep), *data_tables(sweep), *card_tables(sweep), *leak_tables(sweep), run_table(sweep)]
    found += [merge_table(sweep), mix_table(sweep), mix_language_table(sweep), failure_table(sweep)]
    return [table for table in found if table is not None]
