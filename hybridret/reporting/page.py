"""The page: one HTML file that needs nothing else, readable without JavaScript, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from hybridret.languages import language_name
from hybridret.reporting import tables as t
from hybridret.reporting.collect import Sweep
from hybridret.reporting.facts import Fact, facts
from hybridret.reporting.look import looks
from hybridret.reporting.paper import differences, paper_table
from hybridret.reporting.plot import Plot
from hybridret.reporting.scatter import legend_html, scatter_choices, scatter_svg, tradeoff
from hybridret.reporting.select import MACRO, configurations, select
from hybridret.reporting.table import Table
from hybridret.reporting.tables_bias import bias_summary, bias_table
from hybridret.reporting.tables_data import data_tables
from hybridret.reporting.tables_mix import mix_language_table, mix_table
from hybridret.reporting.tables_runs import failure_table, run_table, token_tables

_HERE = Path(__file__).parent
_OPEN = 6  # heat maps shown before the rest folds away


def render_page(sweep: Sweep, curves: dict[str, Plot], plots: dict[str, dict[str, Plot]]) -> str:
    """The whole page as a string. `curves` and `plots[dataset]` are the figures that were also written to files."""
    links = [(f"data-{i}", name) for i, name in enumerate(sweep.datasets, 1)]
    sections = [_dataset(sweep, name, f"data-{i}", plots[name]) for i, name in enumerate(sweep.datasets, 1)]
    rest = [
        ("curves", "Training curves", _curves(curves)),
        ("tokens", "Tokenization", _tokens(sweep)),
        ("training-data", "Data", _data(sweep)),
        ("failures", "Points without a result", _table(failure_table(sweep), "wrap")),
        ("runs", "Runs", _runs(sweep)),
        ("setup", "Versions and hardware", _facts(facts(sweep).environment)),
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
        f"bias of {len(sweep.runs)} finished run{'' if len(sweep.runs) == 1 else 's'}.</p>" + _facts(facts(sweep).data)
    )


def _dataset(sweep: Sweep, name: str, key: str, plots: dict[str, Plot]) -> str:
    parts = [f'<section id="{key}"><h2>{escape(name)}</h2>', _notes(sweep, name)]
    parts.append(
        "<p>Best value <strong>bold</strong>, second best <u>underlined</u>. The number below a mean is the standard "
        "deviation over seeds. "
        "Rank distance is the worst minus the best rank of a question's answers in all languages: lower is less "
        "biased.</p>"
    )
    parts.append(t.main_table(sweep, name).html())
    parts.append(_scatter(sweep, name, key))
    growth = [plot for label, plot in plots.items() if label.startswith("alpha")]
    parts.append(_figures("Sampling ratio", growth, key, "Mean over seeds; bars are one standard deviation."))
    sizes = [plot for label, plot in plots.items() if label.startswith("size")]
    parts.append(_figures("Model size", sizes, key, "Mean over seeds; bars are one standard deviation."))
    parts.append(_pairs(sweep, name))
    parts.append(_bias(sweep, name, key, plots))
    if table := t.entropy_table(sweep, name):
        parts.append(
            "<h3>Contrastive entropy</h3><p>Surprise of the right passage among a fixed sample; the quantity that "
            "scaling laws fit.</p>"
        )
        parts.append(table.html())
    if table := paper_table(sweep, name):
        said = "".join(f'<p class="warning">{escape(text)}</p>' for text in differences(sweep, name))
        parts.append(f"<h3>Beside the paper</h3>{said}{table.html()}")
    return "".join(parts) + "</section>"


def _notes(sweep: Sweep, dataset: str) -> str:
    known = select(sweep.notes, dataset=dataset).drop_duplicates(["key", "text"])
    here = select(sweep.metrics, dataset=dataset)
    languages = sorted(str(one) for one in here["query_language"].unique() if one != MACRO)
    rows = [Fact(str(row["key"]), str(row["text"])) for row in known.to_dict("records")]
    named = ", ".join(f"{language_name(one)} ({one})" for one in languages)
    return f'<p class="lead">{len(languages)} languages: {escape(named)}.</p>' + _facts(rows)


def _scatter(sweep: Sweep, dataset: str, key: str) -> str:
    choices = scatter_choices(sweep, dataset)
    if not choices:
        return ""
    panels = "".join(
        f'<div data-panel="{escape(choice.name)}">{scatter_svg(sweep, dataset, choice)}</div>' for choice in choices
    )
    shown = set(tradeoff(sweep, dataset, choices[0].metric, choices[0].cutoff)["configuration"])
    names = [name for name in configurations(sweep, dataset) if name in shown]
    return (
        f'<h3 id="{key}-tradeoff">Trade-off</h3><figure data-choices>{panels}{legend_html(looks(sweep.runs), names)}'
        "<figcaption>One mark per run; up and to the right is better. Point at a mark, or tab to it, to see its "
        "run.</figcaption></figure>"
    )


def _pairs(sweep: Sweep, dataset: str) -> str:
    found = [table for name in configurations(sweep, dataset) if (table := t.pair_table(sweep, dataset, name))]
    if not found:
        return ""
    tiles = [table.html("heat") for table in found]
    more = ""
    if len(tiles) > _OPEN:
        rest = "".join(tiles[_OPEN:])
        more = f"<details><summary>{len(tiles) - _OPEN} more configurations</summary>"
        more += f'<div class="maps">{rest}</div></details>'
    return (
        "<h3>Language pairs</h3><p>mAP of queries in the language of the row against passages in the language of the "
        "column, mean over "
        'seeds. The diagonal is monolingual. <span class="nowrap">0 <span class="scale"></span> 1</span></p>'
        f'<div class="maps">{"".join(tiles[:_OPEN])}</div>{more}'
        + _folded("mAP by query language", t.language_table(sweep, dataset))
    )


def _bias(sweep: Sweep, dataset: str, key: str, plots: dict[str, Plot]) -> str:
    summary = bias_summary(sweep, dataset)
    if summary is None:
        return ""
    figure = _figures("", [plots["bias"]], key, "Logarithmic scale.") if "bias" in plots else ""
    return (
        "<h3>Language bias</h3><p>Rank distance in the full ranking of the pooled corpus. Its least possible value "
        "is the number of parallel "
        f"answers minus one.</p>{summary.html()}{figure}"
        + _folded("Rank distance by query language", bias_table(sweep, dataset))
    )


def _curves(curves: dict[str, Plot]) -> str:
    return _figures("", list(curves.values()), "curve", "One line per run, coloured by strategy.") if curves else ""


def _figures(title: str, plots: list[Plot], key: str, caption: str) -> str:
    if not plots:
        return ""
    drawn = "".join(f"<figure>{plot.inline(f'{key}-{plot.name}')}</figure>" for plot in plots)
    head = f"<h3>{escape(title)}</h3>" if title else ""
    tile = 340 if len(plots) == 3 else 460
    return f'{head}<div class="tiles" style="--tile:{tile}px">{drawn}</div><p class="lead">{escape(caption)}</p>'


def _tokens(sweep: Sweep) -> str:
    found = token_tables(sweep)
    if not found:
        return ""
    said = "<p>Share of texts cut at the length limit, and of tokens that the tokenizer does not know, by language.</p>"
    return said + f'<div class="tiles" style="--tile:430px">{"".join(table.html() for table in found)}</div>'


def _data(sweep: Sweep) -> str:
    return "".join(_folded(f"Rows read, used and dropped: {one.caption}", one, "wrap") for one in data_tables(sweep))


def _runs(sweep: Sweep) -> str:
    return (
        run_table(sweep).html()
        + _folded("Realised mix of batches", mix_table(sweep))
        + _folded("Languages of the batches in one language", mix_language_table(sweep))
    )


def _table(table: Table | None, classes: str = "") -> str:
    return table.html(classes) if table else ""


def _folded(title: str, table: Table | None, classes: str = "") -> str:
    return f"<details><summary>{escape(title)}</summary>{table.html(classes)}</details>" if table else ""


def _facts(rows: Iterable[Fact]) -> str:
    items = "".join(
        f'<div class="{"long" if len(row.text) > 90 else "short"}">'
        f"<dt>{escape(row.name)}</dt><dd>{escape(row.text)}</dd></div>"
        for row in rows
    )
    return f'<dl class="facts">{items}</dl>' if items else ""
