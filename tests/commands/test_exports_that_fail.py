"""What an export cannot hold is said before the work, and never costs the evaluation its metrics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Commands, run_of

pytestmark = pytest.mark.slow

EVALUATE = ("backbone=bm25", "eval=[folder]", "logger=none", "evaluation.trec=true", "evaluation.mteb=true")


def beir(folder: Path, passage: str) -> Path:
    """One query whose relevant passage is called `passage`, and another passage."""
    (folder / "qrels").mkdir(parents=True)
    texts = {passage: "blue whale", "d2": "red fox"}
    lines = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "whale"}) + "\n")
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\t{passage}\t1\n")
    return folder


def test_an_id_that_trec_cannot_hold(command: Commands, tmp_path: Path) -> None:
    data = beir(tmp_path / "data", "a b")
    done = command("evaluate", *EVALUATE, f"eval.folder.path={data}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = (
        "folder: no TREC files will be written: the passage id 'a b' has white space, which TREC's format cannot hold."
    )
    assert said in done.stderr
    run = run_of(tmp_path)
    result = json.loads((run / "result.json").read_text())
    assert result["metrics"]["folder/monolingual/map"] == 1.0
    assert "a b" in result["notes"]["folder"]["trec"]
    assert (run / "metrics.csv").is_file()
    assert list(run.glob("trec/*")) == []
    assert list(run.glob("mteb/**/*.json"))


@pytest.mark.parametrize(
    "target", ["hybridret.pipelines.trec_export:write_trec_run", "hybridret.pipelines.score_files:write_mteb_results"]
)
def test_an_export_that_fails_behind_the_work(command: Commands, tmp_path: Path, target: str) -> None:
    data = beir(tmp_path / "data", "d1")
    hook = {"target": target, "call": 1, "error": "UserError"}
    done = command("evaluate", *EVALUATE, f"eval.folder.path={data}", folder=tmp_path, hooks=[hook])
    assert done.returncode == 0, done.stderr
    result = json.loads((run_of(tmp_path) / "result.json").read_text())
    assert result["metrics"]["folder/monolingual/map"] == 1.0
    assert any("not written" in note for note in result["notes"]["folder"].values())
