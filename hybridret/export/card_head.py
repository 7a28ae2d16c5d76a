"""The head of a model card: what the hub reads of it, in YAML."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

from hybridret.base.markup import printable
from hybridret.export.card_results import SHOWN

TAGS = ("sentence-transformers", "sentence-similarity", "feature-extraction", "dense-retrieval")


def card_head(name: str, languages: Iterable[str], results: pd.DataFrame) -> str:
    """The YAML between two lines of `---`. `results`: of `shown_results`.

    The hub joins results of one task, dataset and config, so the setting is the config. Names lose their control
    characters; values keep all digits, and what is not a finite number is left out.
    """
    found = _results(results)
    data = ModelCardData(
        language=[printable(one) for one in languages] or None,
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=list(TAGS),
        # Without results the name would be a key that the hub does not know.
        model_name=printable(name) if found else None,
        eval_results=found or None,
    )
    return f"---\n{data.to_yaml()}\n---"


def _results(results: pd.DataFrame) -> list[EvalResult]:
    rows = results.sort_values("order", kind="stable").to_dict("records")
    return [
        EvalResult(
            task_type="text-retrieval",
            task_name="Retrieval",
            dataset_type=printable(str(row["dataset"])),
            dataset_name=f"{printable(str(row['dataset']))} ({printable(str(row['setting']))})",
            dataset_config=printable(str(row["setting"])),
            metric_type=str(row["measure"]),
            metric_name=str(row["measure"]).replace(str(row["metric"]), SHOWN[str(row["metric"])], 1),
            metric_value=float(row["value"]),
        )
        for row in rows
        if math.isfinite(float(row["value"]))
    ]
