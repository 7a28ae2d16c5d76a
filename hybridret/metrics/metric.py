"""Description of a metric: its name, settings and tables. Each module of this folder with a `METRIC` is a metric.

The four kinds differ in the source of their values. `CutMetric` and `WholeMetric`: ranks of a query's relevant
passages. `LanguageMetric`: ranks and languages of these passages in one pool. `ScoredMetric`: data that exists only
while scores are ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from hybridret.base.records import IntArray
from hybridret.base.settings import Setting
from hybridret.metrics.ranks import RankedRelevant, Values

SETTINGS: tuple[Setting, ...] = get_args(Setting)
MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL = SETTINGS

Form = Literal["score", "rank", "percent"]  # format of a value: .976, 12,038, 3.1 %
Table = Literal["quality", "bias"]  # tables of a report: quality in all settings, bias in the pool of all languages


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A further row of metrics.csv for the values of a metric, beside their mean.

    `of` computes it from the values [n] of the queries of one language (or pair) and the number of all passages. The
    macro row is the mean of these rows.
    """

    name: str
    title: str
    of: Callable[[Values, int], float]
    form: Form = "score"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Properties of a metric for evaluation, tables and exports. Raises ValueError for values that they cannot write.

    name: the name in metrics.csv; `name@10` in result.json.
    title: the name shown to readers; `title@10` with a cutoff.
    position: metrics are ordered by position, and by name where positions are equal.
    better: +1 if higher values are better, -1 if lower values are.
    settings: the settings in which it is measured.
    full: needs the whole ranking, so it has no value in a pool that was searched.
    form, help: format of a value in tables, and its explanation there.
    table: the table of the report that has it as a column; None: no table. `column`: its position there, if other than
        `position`.
    overview: also a column of the table that is printed at the end of a sweep.
    card: a column of the table in a model card.
    ending: the cutoffs (0: none) that are shown on the terminal at the end of an evaluation.
    summaries: statistics of the values of a language or pair, beside their mean.
    """

    name: str
    title: str
    position: int
    better: Literal[-1, 1] = 1
    settings: tuple[str, ...] = SETTINGS
    full: bool = False
    form: Form = "score"
    help: str = ""
    table: Table | None = None
    column: int | None = None
    overview: bool = False
    card: bool = False
    ending: tuple[int, ...] = ()
    summaries: tuple[Summary, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.name, *(one.name for one in self.summaries)):
            if not name.isidentifier():  # `/` and `@` are separators in the keys of result.json
                raise ValueError(f"{name!r} cannot be the name of a metric: use letters, digits and underscores.")
        if unknown := set(self.settings) - set(SETTINGS):
            raise ValueError(f"{self.name} is for unknown settings {sorted(unknown)}; there are {', '.join(SETTINGS)}.")
        if self.table == "bias" and self.settings != (MULTILINGUAL,):
            raise ValueError(f"{self.name}: the table of bias shows the pool of all languages: measure it there alone.")

    @property
    def order(self) -> tuple[int, str]:
        """Sort key of metrics in metrics.csv."""
        return self.position, self.name

    @property
    def column_order(self) -> tuple[int, str]:
        """Sort key of columns in a table."""
        return self.position if self.column is None else self.column, self.name


@dataclass(frozen=True, kw_only=True)
class CutMetric(Metric):
    """One value for each query at each of `evaluation.cutoffs`: `values(relevant, cutoff)`, [n]."""

    values: Callable[[RankedRelevant, int], Values]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table == "bias":
            raise ValueError(f"{self.name}: the table of bias has no cutoffs.")


@dataclass(frozen=True, kw_only=True)
class WholeMetric(Metric):
    """One value for each query from its whole ranking: `values(relevant, None)`, [n].

    In a pool that was searched the ranking ends at a depth: the values are `values(relevant, depth)`, and the depth is
    written as a cutoff. A metric that is `full` has no value there.
    """

    values: Callable[[RankedRelevant, int | None], Values]


@dataclass(frozen=True)
class RankedLanguages:
    """Relevant passages in one full ranking of several languages, as parallel arrays [r].

    `pool` is the number of ranked passages. The rank of a passage that is no hit is `NOT_FOUND`.
    """

    queries: IntArray
    ranks: IntArray
    grades: IntArray
    languages: IntArray
    pool: int


@dataclass(frozen=True, kw_only=True)
class LanguageMetric(Metric):
    """`values(ranked)` returns the queries that have a value, ascending, and their values.

    It measures whether a ranking prefers some languages, so it needs the pool of all languages, ranked in full.
    """

    values: Callable[[RankedLanguages], tuple[IntArray, Values]]
    settings: tuple[str, ...] = (MULTILINGUAL,)
    full: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.settings != (MULTILINGUAL,) or not self.full:
            raise ValueError(f"{self.name} compares languages in one full ranking: it is multilingual and full.")


@dataclass(frozen=True, kw_only=True)
class ScoredMetric(Metric):
    """A metric whose values the rankings in `evaluation/` compute while they rank scores; they know it by its name."""
