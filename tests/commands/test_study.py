"""The study end to end, small: `-m model=1b,3b,10b` on a hand-made mMARCO folder, with tiny random networks."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import Commands

from hybridret.data.mmarco import NAMES, PAPER, TRIPLES

pytestmark = pytest.mark.slow

QUERIES = 200
TINY = {
    "vocab_size": 600, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip


def mmarco(folder: Path) -> Path:
    for language in PAPER:
        for below, name, text in (
            ("queries/train", f"{NAMES[language]}_queries.train.tsv", "{language} what is number {number}?"),
            ("collections", f"{NAMES[language]}_collection.tsv", "{language} number {number} is {number}."),
        ):
            file = folder / "data/google" / below / name
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"{n}\t{text.format(language=language, number=n)}\n" for n in range(QUERIES)]
            file.write_text("".join(lines), encoding="utf-8")
    (folder / TRIPLES).write_text("".join(f"{n}\t{n}\t{(n + 1) % QUERIES}\n" for n in range(QUERIES)), encoding="utf-8")
    return folder


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = range(30)
    passages = [json.dumps({"_id": f"p{n}", "title": "", "text": f"en number {n} is {n}."}) for n in rows]
    queries = [json.dumps({"_id": f"q{n}", "text": f"en what is number {n}?"}) for n in rows]
    (folder / "corpus.jsonl").write_text("\n".join(passages), encoding="utf-8")
    (folder / "queries.jsonl").write_text("\n".join(queries), encoding="utf-8")
    judged = [f"q{n}\tp{n}\t1" for n in rows]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]), encoding="utf-8")
    return folder


def test_the_study_runs_from_the_sweep_to_the_report(command: Commands, tmp_path: Path) -> None:
    config = ",".join(f"{key}:{value}" for key, value in TINY.items())
    sizes = ",".join(f"{size}:{{config:{{{config}}}}}" for size in ("1b", "3b", "10b"))
    answer = command(
        "run",
        *("-m", "model=1b,3b,10b", "backbone=xlmr", "data=mmarco", "sweep=study", "eval=[folder]"),
        *("backbone.init=random", f"backbone.sizes={{{sizes}}}"),
        *(f"data.path={mmarco(tmp_path / 'mmarco')}", f"eval.folder.path={beir(tmp_path / 'beir')}"),
        *("data.validation_questions=20", "training.steps=4", "training.batch_size=16", "training.validate_every=2"),
        *("evaluation.precision=fp32", "logger=none", "hydra.launcher.n_jobs=2"),
        folder=tmp_path,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    runs = sorted((tmp_path / "multirun" / "study").glob("*/result.json"))
    results = [json.loads(path.read_text(encoding="utf-8")) for path in runs]
    assert sorted(one["size"] for one in results) == ["10b", "1b", "3b"]
    for one in results:
        assert one["data"]["name"] == "mmarco"
        assert one["data"]["summary"]["pairs"] == QUERIES
        assert one["training"]["steps"] == 4
        assert one["leaks"]["largest"]["share"] == 1.0  # the test set is made of the same sentences
    (copy,) = (tmp_path / "multirun").parent.glob("multirun/study/sweep.json")
    assert {point["state"] for point in json.loads(copy.read_text())["points"]} == {"finished"}
    assert command("report", "multirun/study", folder=tmp_path).returncode == 0
    table = pd.read_csv(tmp_path / "multirun" / "study" / "report" / "tables" / "main_folder.csv")
    assert len(table) == 3
