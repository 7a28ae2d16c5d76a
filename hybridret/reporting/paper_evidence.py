"""Evidence from the numbers that the paper printed, language by language: its units are languages, not questions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from hybridret.analysis.foreign.foreign_run import ForeignRun
from hybridret.analysis.foreign.mteb_folder import language_rows
from hybridret.analysis.foreign.rows import with_macro
from hybridret.analysis.question_values import CELL, MEASURE
from hybridret.base.progress import Progress
from hybridret.metrics.metric import CROSS_LINGUAL, MONOLINGUAL
from hybridret.reporting.evidence import SEED
from hybridret.reporting.foreign_evidence import ForeignEvidence
from hybridret.reporting.paper import SOURCE, paper_results
from hybridret.reporting.select import MACRO

BY_LANGUAGE = (
    f"{SOURCE} prints one average of each language and says nothing of seeds. The units of every test and interval are "
    "languages, also where a column of a table is called questions."
)
ANSWERS = ("significance", "claims")  # what languages as units can be asked
_ALPHA = 0.5  # of hybrid in all its tables
_OTHERS = "others"  # the paper's cross-lingual rows are means over the other languages


class PaperEvidence(ForeignEvidence):
    """Six runs: mono, cross and hybrid with XLM-R and with LaBSE, on XQuAD-R, MLQA-R and MIRACL dev."""

    def __init__(
        self,
        permutations: int = 10_000,
        resamples: int = 2_000,
        seed: int = SEED,
        progress: Progress | None = None,
        claims: Path | None = None,
    ) -> None:
        super().__init__(paper_runs(), SOURCE, Path(), permutations, resamples, seed, progress, claims)
        (made,) = self.sweeps
        names = made.runs["configuration"].str.split(", ", expand=True)
        strategy = names[0].str.split(" ").str[0]
        alpha = strategy.map({"hybrid": _ALPHA})
        self.sweeps = (replace(made, runs=made.runs.assign(strategy=strategy, backbone=names[1], alpha=alpha)),)

    def measures(self, dataset: str) -> list[tuple[str, int]]:
        """Every metric that is printed by language."""
        here = self.metrics[self.metrics["dataset"] == dataset]
        return sorted({(str(a), int(b)) for a, b in zip(here["metric"], here["cutoff"], strict=True)})


def paper_runs() -> list[ForeignRun]:
    """The printed values by language as runs; macro averages are those of these values."""
    printed = paper_results()
    rows = printed[printed["query_language"] != MACRO]
    asked = rows["setting"].map({MONOLINGUAL: None, CROSS_LINGUAL: _OTHERS}).fillna("all")
    asked = asked.where(rows["setting"] != MONOLINGUAL, rows["query_language"])
    rows = rows.assign(corpus_language=asked, num_queries=1)
    found = []
    for (backbone, batching), own in rows.groupby(["backbone", "batching"], sort=False):
        label = f"hybrid α={_ALPHA}" if batching == "hybrid" else str(batching)
        name = f"{label}, {backbone}"
        cells = own[[*MEASURE, *CELL, "value", "num_queries"]].drop_duplicates([*MEASURE, *CELL])
        values = language_rows(cells)
        values["question"] = values["question"].str.split("-").str[0]
        found.append(ForeignRun(name, name, "0", values, with_macro(pd.DataFrame(cells)), (BY_LANGUAGE,)))
    return found
