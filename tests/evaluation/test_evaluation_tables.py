from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.evaluate import evaluate
from hybridret.evaluation.tables import METRIC_COLUMNS, Evaluation
from hybridret.runs.query_values import QUERY_COLUMNS, read_queries


@pytest.fixture
def two(make_collection: Callable[..., Collection], given: Any, settings: EvaluationSettings) -> list[Evaluation]:
    """Of two collections with other names, languages and ids."""
    parts = []
    for seed, name, languages in ((0, "null", 3), (1, "other", 4)):
        collection = replace(make_collection(seed, languages=languages), name=name)
        matrix = np.random.default_rng(seed).random((len(collection.query_ids), 50)).astype(np.float32)
        parts.append(evaluate(given(matrix), collection, settings, 0, Quiet()))
    return parts


def test_written_and_read_exactly(two: list[Evaluation], tmp_path: Path) -> None:
    joined = Evaluation.join(two)
    joined.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.csv", "queries.parquet"]
    again = Evaluation.read(tmp_path)
    assert again.metrics.columns.tolist() == list(METRIC_COLUMNS)
    assert again.queries.columns.tolist() == list(QUERY_COLUMNS)
    pd.testing.assert_frame_equal(again.metrics, joined.metrics, check_exact=True)
    pd.testing.assert_frame_equal(again.queries, joined.queries, check_exact=True)
    assert again.macro() == joined.macro()
    # Names that pandas would take for missing values.
    assert set(again.metrics["dataset"]) == {"null", "other"}
    assert "nan" in set(again.metrics["query_language"])


def test_the_cutoff_is_empty_where_there_is_none(two: list[Evaluation], tmp_path: Path) -> None:
    two[0].write(tmp_path)
    lines = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(METRIC_COLUMNS)
    assert any(line.startswith("null,monolingual,en,en,map,,") for line in lines)
    assert any(line.startswith("null,monolingual,en,en,mrr,10,") for line in lines)
    assert (two[0].queries.query("metric == 'map'")["cutoff"] == 0).all()


def test_join_keeps_rows_and_categories(two: list[Evaluation]) -> None:
    joined = Evaluation.join(two)
    assert len(joined.queries) == sum(len(part.queries) for part in two)
    plain = pd.concat([part.queries.astype({"query_id": str, "dataset": str}) for part in two], ignore_index=True)
    assert joined.queries["query_id"].tolist() == plain["query_id"].tolist()
    assert joined.queries["dataset"].tolist() == plain["dataset"].tolist()
    assert all(
        isinstance(joined.queries[name].dtype, pd.CategoricalDtype)
        for name in ("dataset", "setting", "query_language", "corpus_language", "metric", "query_id")
    )
    assert joined.macro() == {**two[0].macro(), **two[1].macro()}


def test_join_of_nothing() -> None:
    with pytest.raises(UserError, match="Nothing was evaluated"):
        Evaluation.join([])


def test_broken_files_are_named(two: list[Evaluation], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"metrics\.csv"):
        Evaluation.read(tmp_path)
    two[0].write(tmp_path)
    whole = (tmp_path / "queries.parquet").read_bytes()
    (tmp_path / "queries.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"queries\.parquet"):
        Evaluation.read(tmp_path)
    (tmp_path / "metrics.csv").write_text("dataset,value\nx,1.0\n", encoding="utf-8")
    with pytest.raises(UserError, match="the column 'setting' is missing"):
        Evaluation.read(tmp_path)


def test_some_columns(two: list[Evaluation], tmp_path: Path) -> None:
    two[0].write(tmp_path)
    assert read_queries(tmp_path / "queries.parquet", ["metric", "value"]).columns.tolist() == ["metric", "value"]
