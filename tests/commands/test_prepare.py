"""`python -m hybridret.prepare`: the tables it prints, the leak check alone, and what disturbs it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import Commands, Train, paragraph, rows, run_of, write_rows

from hybridret.data.prepared.folder import ABOUT, PreparedFolder

pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """The cache of one test alone."""
    return {"HYBRIDRET_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "boxes", rows())


def beir(folder: Path, passage: str) -> Path:
    """A test set of one question with `passage`."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "p", "title": "", "text": passage}), encoding="utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "Who knows?"}), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tp\t1\n", encoding="utf-8")
    return folder


def copies(own: dict[str, str]) -> list[Path]:
    return [path.parent for path in (Path(own["HYBRIDRET_CACHE"]) / "prepared").glob(f"*/{ABOUT}")]


def test_it_prints_what_the_copy_holds(command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path) -> None:
    answer = command("prepare", "data=jsonl", f"data.path={boxes}", folder=tmp_path, environment=own)
    assert answer.returncode == 0, answer.stderr
    (copy,) = copies(own)
    for words in ("Prepared data", "Characters in boxes", "questions exist in all languages", "jsonl prepared in "):
        assert words in answer.stdout
    assert f"Data card: {copy}/README.md" in answer.stdout.replace("\n", "")
    again = command("prepare", "data=jsonl", f"data.path={boxes}", folder=tmp_path, environment=own)
    assert "jsonl was prepared before" in again.stdout


def test_a_benchmark_without_its_folder_is_asked_for_only_where_it_is_read(
    command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path
) -> None:
    asked = ("data=jsonl", f"data.path={boxes}", "eval=[xquad_r,heldout]")
    assert command("prepare", *asked, folder=tmp_path, environment=own).returncode == 0
    answer = command("prepare", *asked, "leaks=true", folder=tmp_path, environment=own)
    assert (answer.returncode, paragraph(answer).startswith("Error: eval.xquad_r.path has no value")) == (2, True)


def test_the_leak_check_alone(command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path) -> None:
    """Refused as a run refuses, after the table; the table stands in the page of the copy, too."""
    trained = rows()[0]["passage"]
    leaked = beir(tmp_path / "leaked", trained)
    asked = ("data=jsonl", f"data.path={boxes}", "data.test_share=0", "data.validation_share=0.05", "leaks=true",
             "eval=[folder]", f"eval.folder.path={leaked}")  # fmt: skip
    answer = command("prepare", *asked, folder=tmp_path, environment=own)
    assert answer.returncode == 0, answer.stderr
    assert "Test texts in the training data" in answer.stdout
    assert "Prepared data" not in answer.stdout
    (copy,) = copies(own)
    assert "| boxes | folder | passages | en | 1 | 1 | 0 | 0 |" in (copy / "README.md").read_text(encoding="utf-8")
    refused = command("prepare", *asked, "data.leaks.allowed=0.5", folder=tmp_path, environment=own)
    assert refused.returncode == 2
    assert "data.leaks.allowed=0.5: 1 of 1 passages of folder in en (100.0%)" in paragraph(refused)
    assert "Test texts in the training data" in refused.stdout


def test_without_leaks_there_is_no_such_table(
    command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path
) -> None:
    asked = ("data=jsonl", f"data.path={boxes}")
    answer = command("prepare", *asked, "leaks=false", folder=tmp_path, environment=own)
    assert answer.returncode == 0, answer.stderr
    assert "Test texts" not in answer.stdout
    bad = command("prepare", *asked, "leaks=perhaps", folder=tmp_path, environment=own)
    assert bad.returncode == 2
    assert "leaks=perhaps: true prints the table" in paragraph(bad)


def test_two_at_once_leave_one_whole_copy(command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path) -> None:
    """Neither disturbs the other: of four both end well, with the same copy and no half of one beside it."""
    cache = [{"target": "os:environ", "value": {**os.environ, **own}}]
    answers = command.together(
        "prepare",
        "data=jsonl",
        f"data.path={boxes}",
        folder=tmp_path,
        hooks=dict.fromkeys(range(4), cache),
        processes=4,
    )
    assert [one.returncode for one in answers] == [0] * 4, answers
    (copy,) = copies(own)
    PreparedFolder(copy)
    assert len({one.stdout[one.stdout.index("Data card") :] for one in answers}) == 1
    assert not [one for one in copy.parent.iterdir() if one.suffix == ".part"]


@pytest.mark.parametrize(
    "hook",
    [
        {"target": "hybridret.data.prepared.stored_pairs:write_texts", "call": 4, "error": "OSError"},
        {"file_size": 900},
    ],
)
def test_a_full_disk_is_one_paragraph(
    command: Commands, boxes: Path, own: dict[str, str], tmp_path: Path, hook: dict[str, Any]
) -> None:
    asked = ("data=jsonl", f"data.path={boxes}")
    answer = command("prepare", *asked, folder=tmp_path, environment=own, hooks=[hook])
    assert answer.returncode == 2
    assert "Cannot write the prepared copy of jsonl" in paragraph(answer)
    assert "HYBRIDRET_CACHE" in paragraph(answer)
    assert copies(own) == []
    assert command("prepare", *asked, folder=tmp_path, environment=own).returncode == 0


def test_an_added_evaluation_checks_what_the_run_was_trained_on(
    command: Commands, train: Train, own: dict[str, str], tmp_path: Path
) -> None:
    """From the prepared copy alone; where that is gone it states that nothing was checked."""
    asked = (*train.arguments, "data.test_share=0", "data.validation_share=0.05", "eval=[folder]")
    clean = beir(tmp_path / "clean", "A passage that no box has seen.")
    done = command("run", *asked, f"eval.folder.path={clean}", folder=tmp_path, environment=own)
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    card = json.loads((run / "result.json").read_text())["data"]["card"]
    assert card["tokens"]["languages"]["en"]["question"]["texts"] > 0
    assert card["datasets"][0]["texts"]["de"]["questions"] > 0
    leaked = beir(tmp_path / "leaked", rows()[0]["passage"])

    def evaluate(name: str) -> tuple[str, dict[str, Any]]:
        answer = command(
            "evaluate", f"checkpoint={run}", "logger=none", "eval=[folder]", f"eval.folder.path={leaked}",
            f"name={name}", folder=tmp_path, environment=own,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        return answer.stdout, json.loads((run / "evaluations" / name / "result.json").read_text())

    printed, result = evaluate("first")
    assert "Leaks: 1 of 1 passages of folder in en (100.0%)" in printed
    assert [(row["side"], row["exact"]) for row in result["leaks"]["rows"]] == [("passages", 1)]
    assert "leaks" not in result["notes"]["folder"]
    shutil.rmtree(tmp_path / "cache" / "prepared")
    printed, result = evaluate("second")
    assert "Leaks: not checked" in printed
    assert result["leaks"] is None
    assert result["notes"]["folder"]["leaks"].startswith("not checked: the prepared copy")
    report = command("report", str(run.parent), folder=tmp_path, environment=own)
    assert report.returncode == 0, report.stderr
    page = next(run.parent.glob("report/*.html")).read_text(encoding="utf-8")
    assert "Languages and lengths of the training data (1 run)" in page
