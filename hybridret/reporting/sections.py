"""All sections of a page about one sweep, in their order."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.charts.registry import sweep_charts
from hybridret.reporting.collect import Sweep
from hybridret.reporting.section import Section, chart_markup, dataset_section, opening_charts
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.tables_cards import card_tables
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_leaks import leak_tables
from hybridret.reporting.tables_merge import merge_table
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.tables_runs import failure_table, run_table, token_tables
from hybridret.reporting.templates import call, render


def sections(
    sweep: Sweep,
    whole: Mapping[str, list[Plot]],
    plots: Mapping[str, Mapping[str, list[Plot]]],
    answers: Mapping[Answer, Findings],
    prefix: str = "",
) -> list[Section]:
    """The sections that have something to show. Their ids, and those inside of them, begin with `prefix`."""
    every = [
        Section(f"{prefix}trade-off", "Trade-off", opening_charts(sweep, plots, f"{prefix}trade-off")),
        *(dataset_section(sweep, name, f"{prefix}data-{i}", plots[name]) for i, name in enumerate(sweep.datasets, 1)),
        *(_answer(answer, found, prefix) for answer, found in answers.items()),
        Section(f"{prefix}curves", "Training curves", _curves(whole, f"{prefix}curve")),
        Section(f"{prefix}tokens", "Tokenization", call("sections.html", "tokens", token_tables(sweep))),
        Section(f"{prefix}training-data", "Data", _data(sweep)),
        Section(
            f"{prefix}failures", "Points without a result", call("sections.html", "failures", failure_table(sweep))
        ),
        Section(f"{prefix}runs", "Runs", _runs(sweep)),
        Section(f"{prefix}setup", "Versions and hardware", call("parts.html", "facts", facts(sweep).environment)),
    ]
    return [one for one in every if one.body]


def _answer(answer: Answer, findings: Findings, prefix: str) -> Section:
    key = f"{prefix}answer-{answer.name}"
    return Section(key, answer.title, render("answer.html", answer=answer, findings=findings, key=key))


def _curves(plots: Mapping[str, list[Plot]], key: str) -> Markup:
    return Markup("\n").join(chart_markup(chart, plots.get(chart.name, []), key) for chart in sweep_charts())


def _data(sweep: Sweep) -> Markup:
    return call("sections.html", "data", data_tables(sweep), [*card_tables(sweep), *leak_tables(sweep)])


def _runs(sweep: Sweep) -> Markup:
    return call(
        "sections.html", "runs", run_table(sweep), merge_table(sweep), mix_table(sweep), mix_language_table(sweep)
    )
