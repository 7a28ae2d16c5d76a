"""The page: one HTML file that needs nothing else, readable without JavaScript, on a desktop and on a phone."""

from __future__ import annotations

from html import escape
from pathlib import Path

from hybridret.reporting.collect import Sweep
from hybridret.reporting.facts import facts
from hybridret.reporting.plot import Plot
from hybridret.reporting.section import dataset_section, fact_list, figure_tiles, folded
from hybridret.reporting.table import Table
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.tables_runs import failure_table, run_table, token_tables

_HERE = Path(__file__).parent


def render_page(sweep: Sweep, curves: dict[str, Plot], plots: dict[str, dict[str, Plot]]) -> str:
    """The whole page as a string. `curves` and `plots[dataset]` are the figures that were also written to files."""
    links = [(f"data-{i}", name) for i, name in enumerate(sweep.datasets, 1)]
    sections = [dataset_section(sweep, name, f"data-{i}", plots[name]) for i, name in enumerate(sweep.datasets, 1)]
    rest = [
        ("curves", "Training curves", _curves(curves)),
        ("tokens", "Tokenization", _tokens(sweep)),
        ("training-data", "Data", _data(sweep)),
        ("failures", "Points without a result", _table(failure_table(sweep), "wrap")),
        ("runs", "Runs", _runs(sweep)),
        ("setup", "Versions and hardware", fact_list(facts(sweep).environment)),
    ]
    rest = [(key, title, body) for key, title, body in rest if body]
    sections += [f'<section id="{key}"><h2>{escape(title)}</h2>{body}</section>' for key, title, body in rest]
    links += [(key, title) for key, title, _ in rest]
    nav = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title in links)
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(sweep.name)} – "
        f"hybridret</title><style>{(_HERE / 'report.css').read_text(encoding='utf-8')}</style></head>"
        f"<body><header><div>{_head(sweep)}</div></header><nav aria-label='Sections'><div>{nav}</div></nav>"
        f"<main>{''.join(sections)}</main><footer>Made by hybridret from the files in "
        f"<code>{escape(str(sweep.folder))}</code>. "
        "Tables are beside this page in <code>tables/</code>, figures in "
        f"<code>figures/</code>.</footer><script>{script}</script></body></html>\n"
    )


def _head(sweep: Sweep) -> str:
    return (
        f"<h1>Sweep {escape(sweep.name)}</h1>"
        '<p class="lead">Multilingual dense retrieval: monolingual (Mo.), cross-lingual (Cr.) and multilingual '
        "(Mul.) quality and language "
        f"bias of {len(sweep.runs)} finished run{'' if len(sweep.runs) == 1 else 's'}.</p>"
        + fact_list(facts(sweep).data)
    )


def _curves(curves: dict[str, Plot]) -> str:
    return figure_tiles("", list(curves.values()), "curve", "One line per run, coloured by strategy.") if curves else ""


def _tokens(sweep: Sweep) -> str:
    found = token_tables(sweep)
    if not found:
        return ""
    said = "<p>Share of texts cut at the length limit, and of tokens that the tokenizer does not know, by language.</p>"
    return said + f'<div class="tiles" style="--tile:430px">{"".join(table.html() for table in found)}</div>'


def _data(sweep: Sweep) -> str:
    return "".join(folded(f"Rows read, used and dropped: {one.caption}", one, "wrap") for one in data_tables(sweep))


def _runs(sweep: Sweep) -> str:
    return (
        run_table(sweep).html()
        + folded("Realised mix of batches", mix_table(sweep))
        + folded("Languages of the batches in one language", mix_language_table(sweep))
    )


def _table(table: Table | None, classes: str = "") -> str:
    return table.html(classes) if table else ""
