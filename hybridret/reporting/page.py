"""The page: one HTML file that needs nothing else, readable without JavaScript, on a desktop and on a phone.

Its script filters, sorts, draws and compares; what it knows are the values that stand in the page as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from hybridret.base.markup import visible
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.collect import Sweep
from hybridret.reporting.opening import opening
from hybridret.reporting.page_script import policy, scripts
from hybridret.reporting.page_values import page_values
from hybridret.reporting.section import Section
from hybridret.reporting.sections import sections
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.templates import render

_HERE = Path(__file__).parent
_SCRIPTS = "<!-- scripts -->"  # no text of the data holds it: a `<` of theirs is escaped


@dataclass(frozen=True)
class Shown:
    """What a page shows of one sweep. `whole` (of the sweep) and `plots[dataset]` are the figures that were also
    written to files, by the name of their chart. `answers` open the page, and have a section each."""

    sweep: Sweep
    whole: Mapping[str, list[Plot]]
    plots: Mapping[str, Mapping[str, list[Plot]]]
    answers: Mapping[Answer, Findings] = field(default_factory=dict)


def render_page(shown: Sequence[Shown]) -> str:
    """The whole page as a string: of one sweep, or of several side by side, the first of which it is called after."""
    sweeps = [one.sweep for one in shown]
    bodies = [
        sections(one.sweep, one.whole, one.plots, one.answers, f"s{i}-" if i else "") for i, one in enumerate(shown)
    ]
    answers = [(one.sweep.name, _opening(one.answers, f"s{i}-" if i else "")) for i, one in enumerate(shown)]
    page = render(
        "page.html",
        name=" beside ".join(sweep.name for sweep in sweeps),
        folder=", ".join(str(sweep.folder) for sweep in sweeps),
        finished=sum(len(sweep.runs) for sweep in sweeps),
        compared=len(shown) > 1,
        about=[(sweep.name, facts(sweep).data) for sweep in sweeps],
        answered=any(found for _, found in answers),
        answers=answers,
        sections=_beside([sweep.name for sweep in sweeps], bodies),
        # Our own files, and no text of somebody else in them.
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        policy=policy(),
        values=page_values(sweeps),
    )
    # The library holds letters that `visible` takes out of texts, and its bytes must be those that the policy names.
    made = "\n".join(f"<script>{one}</script>" for one in scripts())
    return f"{visible(page)}\n".replace("</body>", f"{made}\n</body>")


def _opening(answers: Mapping[Answer, Findings], prefix: str) -> list[tuple[Finding, str]]:
    """The sentences that open the page, and the ids of their sections."""
    every = [(one, answer.name) for answer, found in answers.items() for one in found.sentences]
    chosen = opening([name for _, name in every], [one.importance for one, _ in every])
    return [(every[i][0], f"{prefix}answer-{every[i][1]}") for i in chosen]


def _beside(names: Sequence[str], bodies: Sequence[Sequence[Section]]) -> list[Section]:
    """The sections of all sweeps as one list: those of one subject stand in one section, in the order of the first
    sweep that has it."""
    titles = list(dict.fromkeys((one.dataset, one.title) for own in bodies for one in own))
    found = []
    for title in titles:
        own = [next((one for one in body if (one.dataset, one.title) == title), None) for body in bodies]
        first = next(one for one in own if one is not None)
        columns = [(i, names[i], one.body if one else "") for i, one in enumerate(own)]
        found.append(Section(first.key, first.title, render("beside.html", columns=columns), first.dataset))
    return found
