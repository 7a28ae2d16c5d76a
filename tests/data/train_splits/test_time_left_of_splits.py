"""While a train split is read, bytes of its files are counted, of which all are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from split_folders import write_miracl, write_mr_tydi

from hybridret.data import lines, parsing
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.train_splits.beir import BeirTrain
from hybridret.data.train_splits.miracl import MiraclTrain
from hybridret.data.train_splits.mr_tydi import MrTydiTrain


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "TOGETHER", 256)
    monkeypatch.setattr(parsing, "BLOCK", 256)
    monkeypatch.setattr(parsing, "ROWS", 4)


def size(*files: Path) -> int:
    return sum(file.stat().st_size for file in files)


def test_miracl_counts_the_corpus_of_each_language(tmp_path: Path, seen: Any) -> None:
    folder = write_miracl(tmp_path / "miracl")
    PreparedSource(MiraclTrain(str(folder), ["sw", "ko"], 3), seen).training()
    seen.check("prepare miracl")
    for code in ("sw", "ko"):
        corpus = (folder / f"miracl-corpus-v1.0-{code}").glob("*.gz")
        assert seen.total[f"read the passages of miracl in {code}"] == size(*corpus)


def test_mr_tydi_counts_its_rows_which_are_large(tmp_path: Path, seen: Any) -> None:
    folder = write_mr_tydi(tmp_path / "tydi")
    PreparedSource(MrTydiTrain(str(folder), ["sw", "ko"], 3), seen).training()
    seen.check("prepare mr_tydi")
    for code, name in (("sw", "swahili"), ("ko", "korean")):
        file = folder / f"mrtydi-v1.1-{name}" / "train.jsonl.gz"
        for task in (f"read the questions of mrtydi-v1.1-{name}", f"read the passages of mr_tydi in {code}"):
            assert seen.total[task] == size(file)


def test_beir_counts_questions_and_corpus(write_beir: Callable[..., Path], tmp_path: Path, seen: Any) -> None:
    corpus = [{"_id": str(n), "title": f"T{n}", "text": f"passage {n}"} for n in range(60)]
    queries = [{"_id": f"q{n}", "text": f"question {n}?"} for n in range(30)]
    folder = write_beir(tmp_path / "fiqa", corpus, queries, [(f"q{n}", str(n), 1) for n in range(20)], "train")
    PreparedSource(BeirTrain(["fiqa"], str(tmp_path), validation_questions=4), seen).training()
    seen.check("prepare beir")
    for task, stem in (("read the questions of fiqa", "queries"), ("read the passages of beir_fiqa in en", "corpus")):
        assert seen.total[task] == size(folder / f"{stem}.jsonl")
        assert seen.steps[task] > 1


def test_parquet_counts_its_bytes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"_id": [str(n) for n in range(30)]}), tmp_path / "a.parquet")
    found: list[int] = []
    list(parsing.parquet_tables(tmp_path / "a.parquet", {"_id": True}, found.append))
    assert len(found) == 8
    assert min(found) > 0
    assert sum(found) == size(tmp_path / "a.parquet")
