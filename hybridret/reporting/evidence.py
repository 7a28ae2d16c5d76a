"""What the answers of a report rest on: one sweep or several, and the values of single questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from hybridret.analysis.pitfalls.texts import QuestionTexts
from hybridret.analysis.question_values import COLUMNS, QuestionValues, question_values
from hybridret.base.errors import UserError
from hybridret.base.progress import Progress, Quiet
from hybridret.metrics.registry import known_metrics
from hybridret.reporting.collect import Sweep
from hybridret.reporting.distinct_names import distinct_names
from hybridret.reporting.select import METRICS, cutoff_of, map_cutoffs
from hybridret.runs.query_values import read_queries

SEED = 20240810  # of every resampling: same runs, same answers


class Evidence:
    """Collected sweeps and what is derived from them once for all answers.

    `sweeps` may share names of runs and configurations: with several, both begin with the name of their sweep
    (and of folders above it, where sweeps share that, too). Raises UserError where a folder is given twice.
    `permutations` and `resamples` are the numbers of draws of tests and intervals. `left_out`: why the values of single
    questions of a run are not there, by run; its averages count all the same. `claims`: a file of claims; None: those
    of the paper. `texts`: dataset -> its questions and relevant passages, for answers that look into them; it raises
    UserError where there are none. None: no texts.
    """

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        permutations: int = 10_000,
        resamples: int = 2_000,
        seed: int = SEED,
        progress: Progress | None = None,
        claims: Path | None = None,
        texts: Callable[[str], QuestionTexts] | None = None,
    ) -> None:
        self.sweeps = tuple(distinct_names(sweeps))
        self.permutations, self.resamples, self.seed = permutations, resamples, seed
        self.progress = progress or Quiet()
        self.claims = claims
        self.texts = texts
        self.left_out: dict[str, str] = {}
        self._values: dict[str, dict[tuple[str, str, int], QuestionValues]] = {}

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The rows of `Sweep.runs` of all sweeps, with the column `sweep`."""
        return self._joined("runs")

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """The rows of `Sweep.metrics` of all sweeps, with the column `sweep`."""
        return self._joined("metrics")

    @cached_property
    def history(self) -> pd.DataFrame:
        """The rows of `Sweep.history` of all sweeps, with the column `sweep`."""
        return self._joined("history")

    @property
    def unit(self) -> str:
        """What tests draw, in the plural: a question with all its translations."""
        return "questions"

    @property
    def way_to_texts(self) -> str:
        """How a user lets the answers look into the questions, as a clause."""
        return "`python -m hybridret.analyse SWEEP --texts` reads them"

    @property
    def datasets(self) -> list[str]:
        """In order of first appearance."""
        return list(dict.fromkeys(name for sweep in self.sweeps for name in sweep.datasets))

    def measures(self, dataset: str) -> list[tuple[str, int]]:
        """The metrics of quality with their cutoffs, in the order of tables: mAP first (at its first cutoff)."""
        here = self.metrics[self.metrics["dataset"] == dataset]
        found = []
        for metric in METRICS:
            if (here["metric"] == metric).any():
                first = [one for sweep in self.sweeps for one in map_cutoffs(sweep, dataset)]
                found.append((metric, min(first) if metric == "map" else cutoff_of(here, metric)))
        return found

    def values(self, dataset: str) -> dict[tuple[str, str, int], QuestionValues]:
        """(setting, metric, cutoff) -> the values of single questions of all runs on `dataset`, read once.

        Metrics are those of `measures`, rank distance and contrastive entropy. A run whose file is
        missing or damaged is `left_out`.
        """
        if dataset not in self._values:
            found = question_values(self.runs, self._tables(dataset), {one.name: one.better for one in known_metrics()})
            self._values[dataset] = {(one.setting, one.metric, one.cutoff): one for one in found}
        return self._values[dataset]

    def name(self, sweep: Sweep, name: str) -> str:
        """How a run or a configuration of `sweep` is called among all sweeps."""
        return f"{sweep.name}: {name}" if len(self.sweeps) > 1 else name

    def _tables(self, dataset: str) -> Iterator[tuple[str, pd.DataFrame]]:
        wanted = {*self.measures(dataset), ("rank_distance", 0), ("contrastive_entropy", 0)}
        folders = [
            (self.name(sweep, run), own[dataset])
            for sweep in self.sweeps
            for run, own in sweep.evaluated_in.items()
            if dataset in own
        ]
        where = [
            [("dataset", "==", dataset), ("metric", "==", metric), ("cutoff", "==", cutoff)]
            for metric, cutoff in sorted(wanted)
        ]
        with self.progress.task(f"read {dataset}", len(folders)) as advance:
            for run, folder in folders:
                try:
                    yield run, read_queries(folder / "queries.parquet", COLUMNS, where)
                except UserError as error:
                    self.left_out[run] = str(error)
                advance()

    def _joined(self, table: str) -> pd.DataFrame:
        parts: list[pd.DataFrame] = []
        for sweep in self.sweeps:
            part: pd.DataFrame = getattr(sweep, table).assign(sweep=sweep.name)
            for column in ("run", "configuration", "family"):
                if column in part:
                    part[column] = [self.name(sweep, one) for one in part[column]]
            parts.append(part)
        return pd.concat(parts, ignore_index=True)
