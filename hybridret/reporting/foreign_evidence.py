"""Evidence from results that other tools made, so that every answer can be asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hybridret.analysis.foreign.foreign_run import ForeignRun
from hybridret.analysis.question_values import COLUMNS
from hybridret.base.errors import UserError, nearest
from hybridret.base.progress import Progress
from hybridret.reporting.collect import Sweep
from hybridret.reporting.evidence import SEED, Evidence
from hybridret.reporting.points import FAILURE_COLUMNS
from hybridret.reporting.read import TOKEN_SHARES
from hybridret.reporting.select import METRICS, cutoff_of, select

FOREIGN = "foreign"  # the strategy of a run of which only its results are known
UNKNOWN = ("parameters_total", "parameters_body", "parameters_trainable", "alpha", "pairs", "flops")
NOTHING = ("steps", "best_step", "best_validation_loss", "monitor", "best_value", "pairs_per_second", "padding_share")


class ForeignEvidence(Evidence):
    """`Evidence` whose one sweep is made of `runs`, which are in memory; nothing is known of their training.

    Each configuration is its own `backbone`; sizes, alphas and curves are absent, so answers that need them find
    nothing. Raises UserError for two runs of one name, and for none.
    """

    def __init__(
        self,
        runs: Sequence[ForeignRun],
        name: str = FOREIGN,
        folder: Path = Path(),
        permutations: int = 10_000,
        resamples: int = 2_000,
        seed: int = SEED,
        progress: Progress | None = None,
        claims: Path | None = None,
    ) -> None:
        if not runs:
            raise UserError("There are no runs to compare. Name at least one file of results.")
        names = [one.run for one in runs]
        if twice := [one for one in names if names.count(one) > 1]:
            raise UserError(f"Two runs are called {twice[0]!r}. Give their files different names.")
        super().__init__([_collected(runs, name, folder)], permutations, resamples, seed, progress, claims)
        self.foreign = tuple(runs)

    @property
    def unit(self) -> str:
        """Languages where the results hold no values of single queries."""
        return "questions" if all("query_id" in one.values for one in self.foreign) else "languages"

    @property
    def way_to_texts(self) -> str:
        """There is none."""
        return "results of other tools do not hold them"

    @property
    def remarks(self) -> list[str]:
        """What a reader of the numbers must know, each once."""
        return list(dict.fromkeys(remark for one in self.foreign for remark in one.remarks))

    def only(self, datasets: Sequence[str]) -> ForeignEvidence:
        """With the values of these data sets alone. Raises UserError for one that is not there."""
        for name in datasets:
            if name not in self.datasets:
                raise UserError(f"--dataset {name}: no file has values of it. {nearest(name, self.datasets)}")
        runs = [
            replace(
                one,
                values=one.values[one.values["dataset"].isin(datasets)],
                averages=one.averages[one.averages["dataset"].isin(datasets)],
            )
            for one in self.foreign
        ]
        (made,) = self.sweeps
        draws = self.permutations, self.resamples, self.seed
        return ForeignEvidence(runs, made.name, made.folder, *draws, self.progress, self.claims)

    def measures(self, dataset: str) -> list[tuple[str, int]]:
        """As `Evidence.measures`, but mAP stands at its deepest cutoff (0: all hits), since results of mteb have many.
        A task that has no metric of retrieval has its main score."""
        here = select(self.metrics, dataset=dataset)
        found = []
        for metric in METRICS:
            if known := sorted({int(one) for one in here.loc[here["metric"] == metric, "cutoff"]}):
                deepest = 0 if 0 in known else known[-1]
                found.append((metric, deepest if metric == "map" else cutoff_of(here, metric)))
        others = sorted({(str(a), int(b)) for a, b in zip(here["metric"], here["cutoff"], strict=True)})
        return found or others

    def _tables(self, dataset: str) -> Iterator[tuple[str, pd.DataFrame]]:
        wanted = self.measures(dataset)
        for one in self.foreign:
            rows = select(one.values, dataset=dataset)
            measured = pd.MultiIndex.from_frame(rows[["metric", "cutoff"]]).isin(wanted)
            yield one.run, rows.loc[measured, list(COLUMNS)]


def _collected(runs: Sequence[ForeignRun], name: str, folder: Path) -> Sweep:
    frame = pd.DataFrame(
        {
            "run": [one.run for one in runs],
            "configuration": [one.configuration for one in runs],
            "family": [one.configuration for one in runs],
            "strategy": FOREIGN,
            "backbone": [one.configuration for one in runs],
            "size": "",
            "seed": [one.seed for one in runs],
            "trained": True,
            "data": None,
            "text": "",
            **dict.fromkeys(UNKNOWN, float("nan")),
            **dict.fromkeys(NOTHING),
        }
    )
    metrics = pd.concat(
        [one.averages.assign(run=one.run, configuration=one.configuration) for one in runs], ignore_index=True
    )
    return Sweep(
        name=name,
        folder=folder,
        runs=frame,
        metrics=metrics,
        history=pd.DataFrame(columns=["run", "step", "split", "loss", "configuration"]),
        tokens=pd.DataFrame(columns=["run", "evaluation", "language", *TOKEN_SHARES]),
        notes=pd.DataFrame(columns=["run", "dataset", "key", "text"]),
        failures=pd.DataFrame(columns=list(FAILURE_COLUMNS), dtype=object),
    )
