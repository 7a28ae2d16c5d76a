"""Description of an answer: its name, position and function. A module here that holds an `ANSWER` is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from hybridret.reporting.charts.plot import Plot
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.table import Table


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence that the data say, with its uncertainty and what it rests on.

    text: the sentence, with effect and interval in it; whole, ends with a full stop, no markup.
    decided: False where the data do not settle it; the sentence then says why.
    importance: among all findings of a report the most important ones open the page; 0 is for its section alone.
    effect, low, high: the difference or value and its interval, in the unit of the sentence; p: corrected for the
        family. None where there is none.
    runs, questions: what it rests on.
    """

    text: str
    decided: bool
    importance: float = 0.0
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    runs: int
    questions: int | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one answer has to say: sentences, tables for the page, figures, and the whole numbers as `frames`, which are
    written as NAME.csv each. `remarks` say what was left out, and why. `broken`: required claims that are refuted."""

    sentences: list[Finding] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """name: of the section, and the beginning of its files. position: order on the page. title: heading of the section.
    about: what is computed, in one or two sentences for its reader. needs: the runs without which there is nothing to
    ask, after "it needs". find: None where the evidence has nothing to ask.
    """

    name: str
    position: int
    title: str
    about: str
    needs: str = "other runs"
    find: Callable[[Evidence], Findings | None]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} cannot be the name of an answer: use letters, digits and underscores.")
