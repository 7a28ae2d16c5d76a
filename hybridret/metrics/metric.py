"""What a metric says of itself. A module of this folder that holds a `METRIC` is evaluated, written and shown.

Four kinds, by what the values come from: `CutMetric` and `WholeMetric` from the ranks of a query's relevant passages,
`LanguageMetric` from their ranks and languages in one pool, `ScoredMetric` from what is at hand only while scores are
ranked.
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

Form = Literal["score", "rank", "percent"]  # how a value is written: .976, 12,038, 3.1 %
Table = Literal["quality", "bias"]  # of a report: one for all settings, one for the pool of all languages


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A further row of metrics.csv for the values of a metric, beside their mean; its macro row is a mean of rows.

    `of`: from the values [n] of the queries of one language (or pair) and the number of all passages.
    """

    name: str
    title: str
    of: Callable[[Values, int], float]
    form: Form = "score"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What evaluation, tables and exports need to know of a metric. Raises ValueError for what they cannot write.

    name: in metrics.csv; `name@10` in result.json.
    title: for people; `title@10` where there is a cutoff.
    position: metrics come in the order of their positions, and of their names at one position.
    better: +1 higher, -1 lower.
    settings: where it is measured.
    full: needs the whole ranking, so that a pool that was searched has none.
    form, help: how tables write a value, and what they say of it.
    table: of the report, of which it is a column; None: of none. `column` is its position there, else `position`.
    overview: a column of the table that ends a sweep, too.
    card: a column of the table in a model card.
    ending: the cutoffs (0: none) that an evaluation shows on the terminal when it ends.
    summaries: of the values of a language or pair, beside their mean.
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
            if not name.isidentifier():  # `/` and `@` part the names of result.json
                raise ValueError(f"{name!r} cannot be the name of a metric: use letters, digits and underscores.")
        if unknown := set(self.settings) - set(SETTINGS):
            raise ValueError(f"{self.name} is for unknown settings {sorted(unknown)}; there are {', '.join(SETTINGS)}.")
        if self.table == "bias" and self.settings != (MULTILINGUAL,):
            raise ValueError(f"{self.name}: the table of bias shows the pool of all languages: measure it there alone.")

    @property
    def order(self) -> tuple[int, str]:
        """Of metrics in metrics.csv."""
        return self.position, self.name

    @property
    def column_order(self) -> tuple[int, str]:
        """Of columns in a table."""
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

    Where a pool was searched the ranking ends at a depth: `values(relevant, depth)`, and the depth is written as a
    cutoff. A metric that is `full` has no value there.
    """

    values: Callable[[RankedRelevant, int | None], Values]


@dataclass(frozen=True)
class RankedLanguages:
    """Relevant passages in one full ranking of several languages, as parallel arrays [r], and its `pool` of passages.

    `ranks` of what is no hit are `NOT_FOUND`.
    """

    queries: IntArray
    ranks: IntArray
    grades: IntArray
    languages: IntArray
    pool: int


@dataclass(frozen=True, kw_only=True)
class LanguageMetric(Metric):
    """`values(ranked)` gives the queries that have a value, ascending, and their values.

    It says whether one ranking prefers some languages, so it is of the pool of all languages, ranked in full.
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
    """Its values are taken while scores are ranked: by the rankings in `evaluation/`, under its name."""
