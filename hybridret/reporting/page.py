"""The page: one HTML file that needs nothing else, readable without JavaScript, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.charts.registry import sweep_charts
from hybridret.reporting.collect import Sweep
from hybridret.reporting.section import Section, dataset_section
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.tables_cards import card_tables
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_leaks import leak_tables
from hybridret.reporting.tables_merge import merge_table
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.tables_runs import failure_table, run_table, token_tables
from hybridret.reporting.templates import call, render

_HERE = Path(__file__).parent


SENTENCES = 7  # that open the page


def render_page(
    sweep: Sweep,
    whole: Mapping[str, list[Plot]],
    plots: Mapping[str, Mapping[str, list[Plot]]],
    answers: Mapping[Answer, Findings] | None = None,
) -> str:
    """The whole page as a string. `whole` (of the sweep) and `plots[dataset]` are the figures that were also written to
    files, by the name of their chart. `answers` open it, and have a section each.
    """
    known = facts(sweep)
    answers = answers or {}
    ranked = [(one, answer) for answer, found in answers.items() for one in found.sentences if one.importance > 0]
    first = sorted(ranked, key=lambda pair: -pair[0].importance)[:SENTENCES]
    sections = [dataset_section(sweep, name, f"data-{i}", plots[name]) for i, name in enumerate(sweep.datasets, 1)]
    rest = [
        Section("curves", "Training curves", _curves(whole)),
        Section("tokens", "Tokenization", call("sections.html", "tokens", token_tables(sweep))),
        Section("training-data", "Data", _data(sweep)),
        Section("failures", "Points without a result", call("sections.html", "failures", failure_table(sweep))),
        Section("runs", "Runs", _runs(sweep)),
        Section("setup", "Versions and hardware", call("parts.html", "facts", known.environment)),
    ]
    page = render(
        "page.html",
        name=sweep.name,
        folder=str(sweep.folder),
        finished=len(sweep.runs),
        about=known.data,
        answers=[(finding, f"answer-{answer.name}") for finding, answer in first],
        sections=[*sections, *map(_answer, answers.items()), *(one for one in rest if one.body)],
        # Our own files, and no text of somebody else in them.
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "report.js").read_text(encoding="utf-8")),
    )
    return f"{page}\n"


def _answer(found: tuple[Answer, Findings]) -> Section:
    answer, findings = found
    key = f"answer-{answer.name}"
    return Section(key, answer.title, render("answer.html", answer=answer, findings=findings, key=key))


def _curves(plots: Mapping[str, list[Plot]]) -> Markup:
    shown = [(chart, plots[chart.name]) for chart in sweep_charts() if plots.get(chart.name)]
    return Markup("\n").join(
        call("parts.html", "tiles", chart.heading, figures, "curve", chart.caption) for chart, figures in shown
    )


def _data(sweep: Sweep) -> Markup:
    return call("sections.html", "data", data_tables(sweep), [*card_tables(sweep), *leak_tables(sweep)])


def _runs(sweep: Sweep) -> Markup:
    return call(
        "sections.html", "runs", run_table(sweep), merge_table(sweep), mix_table(sweep), mix_language_table(sweep)
    )
