"""The section of one test set on the page, and the pieces that sections are made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from hybridret.base.languages import language_name
from hybridret.reporting import tables as t
from hybridret.reporting.collect import Sweep
from hybridret.reporting.facts import Fact
from hybridret.reporting.paper import differences, paper_table
from hybridret.reporting.plot import Plot
from hybridret.reporting.plot_style import plot_styles
from hybridret.reporting.scatter import legend_html, scatter_choices, scatter_svg, tradeoff
from hybridret.reporting.select import MACRO, configurations, map_cutoffs, select, title_of
from hybridret.reporting.table import Table
from hybridret.reporting.tables_bias import bias_summary, bias_table
from hybridret.reporting.text_remarks import text_difference

_RANK_DISTANCE = (
    " Rank distance is the worst minus the best rank of a question's answers in all languages: lower is less biased."
)
_FULL_RANKING = (
    "<p>Rank distance in the full ranking of the pooled corpus. Its least possible value is the number of parallel "
    "answers minus one.</p>"
)
_CUT = (
    " {title} counts the passages up to rank {cutoff}: a pool that was searched is not ranked in full, and has no rank "
    "distance."
)
_OPEN = 6  # heat maps shown before the rest folds away


def dataset_section(sweep: Sweep, name: str, key: str, plots: dict[str, Plot]) -> str:
    """All that is shown of the test set `name`; `key` begins its ids, `plots` are its figures."""
    parts = [f'<section id="{key}"><h2>{escape(name)}</h2>', _notes(sweep, name)]
    main = t.main_table(sweep, name)
    biased = any(column.group == "Bias" for column in main.columns)
    cut = [cutoff for cutoff in map_cutoffs(sweep, name) if cutoff]
    parts.append(
        "<p>Best value <strong>bold</strong>, second best <u>underlined</u>. The number below a mean is the standard "
        "deviation over seeds."
        + (_RANK_DISTANCE if biased else "")
        + "".join(_CUT.format(title=title_of("map", cutoff), cutoff=cutoff) for cutoff in cut)
        + "</p>"
    )
    parts.append(main.html())
    parts.append(_scatter(sweep, name, key))
    growth = [plot for label, plot in plots.items() if label.startswith("alpha")]
    parts.append(figure_tiles("Sampling ratio", growth, key, "Mean over seeds; bars are one standard deviation."))
    sizes = [plot for label, plot in plots.items() if label.startswith("size")]
    parts.append(figure_tiles("Model size", sizes, key, "Mean over seeds; bars are one standard deviation."))
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
    if said := text_difference(sweep, dataset):
        rows.append(Fact("text settings", said))
    named = ", ".join(f"{language_name(one)} ({one})" for one in languages)
    return f'<p class="lead">{len(languages)} language{"s" * (len(languages) != 1)}: {escape(named)}.</p>' + fact_list(
        rows
    )


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
        f'<h3 id="{key}-tradeoff">Trade-off</h3><figure data-choices>{panels}'
        f"{legend_html(plot_styles(sweep.runs), names)}"
        "<figcaption>One mark per run; up and to the right is better. Point at a mark, or tab to it, to see its "
        "run.</figcaption></figure>"
    )


def _pairs(sweep: Sweep, dataset: str) -> str:
    found = [table for name in configurations(sweep, dataset) if (table := t.pair_table(sweep, dataset, name))]
    if not found:
        return ""
    tiles = [table.html("heat") for table in found]
    quality = title_of("map", map_cutoffs(sweep, dataset)[0])
    more = ""
    if len(tiles) > _OPEN:
        rest = "".join(tiles[_OPEN:])
        more = f"<details><summary>{len(tiles) - _OPEN} more configurations</summary>"
        more += f'<div class="maps">{rest}</div></details>'
    return (
        f"<h3>Language pairs</h3><p>{quality} of queries in the language of the row against passages in the language "
        "of the column, mean over seeds. The diagonal is monolingual. "
        '<span class="nowrap">0 <span class="scale"></span> 1</span></p>'
        f'<div class="maps">{"".join(tiles[:_OPEN])}</div>{more}'
        + folded(f"{quality} by query language", t.language_table(sweep, dataset))
    )


def _bias(sweep: Sweep, dataset: str, key: str, plots: dict[str, Plot]) -> str:
    summary = bias_summary(sweep, dataset)
    if summary is None:
        return ""
    said = _FULL_RANKING if any(column.title == "rank distance" for column in summary.columns) else ""
    figure = figure_tiles("", [plots["bias"]], key, "Logarithmic scale.") if "bias" in plots else ""
    return f"<h3>Language bias</h3>{said}{summary.html()}{figure}" + folded(
        "Rank distance by query language", bias_table(sweep, dataset)
    )


def figure_tiles(title: str, plots: list[Plot], key: str, caption: str) -> str:
    """Figures side by side under a heading, "" without any."""
    if not plots:
        return ""
    drawn = "".join(f"<figure>{plot.inline(f'{key}-{plot.name}')}</figure>" for plot in plots)
    head = f"<h3>{escape(title)}</h3>" if title else ""
    tile = 340 if len(plots) == 3 else 460
    return f'{head}<div class="tiles" style="--tile:{tile}px">{drawn}</div><p class="lead">{escape(caption)}</p>'


def folded(title: str, table: Table | None, classes: str = "") -> str:
    """A table that opens on a click, "" without one."""
    return f"<details><summary>{escape(title)}</summary>{table.html(classes)}</details>" if table else ""


def fact_list(rows: Iterable[Fact]) -> str:
    """Names and texts as a list, "" without any."""
    items = "".join(
        f'<div class="{"long" if len(row.text) > 90 else "short"}">'
        f"<dt>{escape(row.name)}</dt><dd>{escape(row.text)}</dd></div>"
        for row in rows
    )
    return f'<dl class="facts">{items}</dl>' if items else ""
