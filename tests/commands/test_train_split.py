"""A training on the train split of a benchmark, from the command to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import Commands

pytestmark = pytest.mark.slow


def write_set(folder: Path, questions: int = 40) -> Path:
    """A set in BEIR's layout; the last ten questions are the test split."""
    (folder / "qrels").mkdir(parents=True)
    for name, text in (("corpus", "number {} is {}."), ("queries", "what is number {}?")):
        rows = [{"_id": f"{name}{n}", "text": text.format(n, n)} for n in range(questions)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for split, numbers in (("train", range(questions - 10)), ("test", range(questions - 10, questions))):
        lines = ["query-id\tcorpus-id\tscore", *(f"queries{n}\tcorpus{n}\t1" for n in numbers)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_the_record_and_the_report_say_what_it_is(command: Commands, tmp_path: Path) -> None:
    write_set(tmp_path / "sets" / "fiqa")
    arguments = (
        *("data=beir", "data.names=[fiqa]", f"data.path={tmp_path / 'sets'}", "data.validation_questions=5"),
        *("eval=[beir]", "eval.beir.names=[fiqa]", f"eval.beir.path={tmp_path / 'sets'}", "eval.beir.allow_other=true"),
        *("model=nano", "training.steps=4", "training.batch_size=8", "training.validate_every=2", "logger=none"),
    )
    refused = command("run", "batching=hybrid", *arguments, folder=tmp_path)
    assert refused.returncode == 2
    assert "Or add a parallel dataset (data=mix)" in refused.stderr
    done = command("run", "-m", "batching=mono", "sweep=one", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "multirun" / "one").glob("*/result.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["training"]["mix"]["kinds"] == {"mono": 4}
    assert result["training"]["mix"]["monolingual_datasets"] == ["beir_fiqa"]
    assert result["data"]["summary"]["train_split_of"] == ["beir_fiqa"]
    assert command("report", "multirun/one", folder=tmp_path).returncode == 0
    table = pd.read_csv(tmp_path / "multirun" / "one" / "report" / "tables" / "data.csv", index_col=0)["counts"]
    assert table["not zero-shot"] == "beir_fiqa_other: the train split was trained on"
