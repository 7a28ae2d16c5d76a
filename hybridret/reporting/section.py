"""The sections of the page: what each one shows, as markup of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from hybridret.base.languages import language_name
from hybridret.reporting import tables as t
from hybridret.reporting.charts.chart import Chart
from hybridret.reporting.charts.chart import Section as ChartSection
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.charts.registry import dataset_charts
from hybridret.reporting.collect import Sweep
from hybridret.reporting.paper import differences, paper_table
from hybridret.reporting.recipe_remarks import recipe_difference
from hybridret.reporting.select import MACRO, configurations, map_cutoffs, map_title, select, title_of
from hybridret.reporting.sweep_facts import Fact
from hybridret.reporting.tables_bias import bias_summary, bias_table
from hybridret.reporting.templates import call, render
from hybridret.reporting.text_remarks import text_difference

_OPEN, _MAPS = 6, 40  # heat maps shown before the rest folds away, and in all; all are files


@dataclass(frozen=True)
class Section:
    """`key` is the id of the section and begins those inside of it. `dataset`: the test set that it is about."""

    key: str
    title: str
    body: Markup
    dataset: str = ""


_SMALL = 150_000  # bytes of the figures of a chart that a page also holds for readers without JavaScript


def chart_markup(chart: Chart, plots: list[Plot], key: str, dataset: str = "") -> Markup:
    """A chart as the page shows it: drawn by the script where it can be, else its figures; "" without any."""
    if not chart.drawn:
        return call("parts.html", "tiles", chart.heading, plots, key, chart.caption)
    small = bool(plots) and sum(len(plot.svg) for plot in plots) <= _SMALL
    return call("parts.html", "drawn", chart.heading, chart.drawn, dataset, plots, key, chart.caption, small)


def opening_charts(sweep: Sweep, plots: Mapping[str, Mapping[str, list[Plot]]], key: str) -> Markup:
    """The charts that stand before all sections, of each test set."""
    charts = [
        (name, [one for one in _charts(name, f"{key}-{i}", plots[name], "opening") if one])
        for i, name in enumerate(sweep.datasets, 1)
    ]
    shown = [(name, found) for name, found in charts if found]
    return render("opening.html", datasets=shown) if shown else Markup()


def dataset_section(sweep: Sweep, name: str, key: str, plots: Mapping[str, list[Plot]]) -> Section:
    """All that is shown of the test set `name`; `plots` are its figures, by chart."""
    main = t.main_table(sweep, name)
    bias = bias_summary(sweep, name)
    pairs = [table for one in configurations(sweep, name) if (table := t.pair_table(sweep, name, one))]
    body = render(
        "dataset.html",
        key=key,
        languages=_languages(sweep, name),
        notes=_notes(sweep, name),
        biased=any(column.group == "Bias" for column in main.columns),
        cuts=[(title_of("map", cutoff), cutoff) for cutoff in map_cutoffs(sweep, name) if cutoff],
        main=main,
        charts=_charts(name, key, plots, "quality"),
        quality=map_title(sweep, name),
        pairs=pairs[:_MAPS],
        filed=max(0, len(pairs) - _MAPS),
        open=_OPEN,
        by_language=t.language_table(sweep, name),
        bias=bias,
        ranked=bias is not None and any(column.title == "rank distance" for column in bias.columns),
        bias_charts=_charts(name, key, plots, "bias"),
        bias_by_language=bias_table(sweep, name),
        entropy=t.entropy_table(sweep, name),
        paper=(paper := paper_table(sweep, name)),
        differences=differences(sweep, name) if paper else [],
    )
    return Section(key, name, body, name)


def _languages(sweep: Sweep, dataset: str) -> list[str]:
    codes = {str(one) for one in select(sweep.metrics, dataset=dataset)["query_language"].unique()} - {MACRO}
    return [f"{language_name(one)} ({one})" for one in sorted(codes)]


def _notes(sweep: Sweep, dataset: str) -> list[Fact]:
    known = select(sweep.notes, dataset=dataset).drop_duplicates(["key", "text"])
    rows = [Fact(str(row["key"]), str(row["text"])) for row in known.to_dict("records")]
    differences = (("text settings", text_difference), ("recipes differ", recipe_difference))
    return [*rows, *(Fact(key, text) for key, words in differences if (text := words(sweep, dataset)))]


def _charts(dataset: str, key: str, plots: Mapping[str, list[Plot]], section: ChartSection) -> list[Markup]:
    shown = [chart for chart in dataset_charts() if chart.section == section]
    return [chart_markup(chart, plots.get(chart.name, []), key, dataset) for chart in shown]
