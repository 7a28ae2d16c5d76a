"""The report as a run of W&B, read from its offline file, and the workspace as a dictionary; no network."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from hybridret import report
from hybridret.base.errors import UserError
from hybridret.base.settings import LoggerSettings
from hybridret.export.wandb_report import answer_summary, report_id, write_wandb_report
from hybridret.export.wandb_workspace import definition, workspace
from hybridret.reporting.collect import collect
from hybridret.reporting.mirror import logger_of, metric_names, trade_off_frame
from hybridret.reporting.select import MACRO

pytest.importorskip("wandb")

TESTS = Path(__file__).resolve().parent.parent
FINDINGS = pd.DataFrame(
    {
        "answer": ["gap", "gap", "size"],
        "text": ["A beats B.", "C is undecided.", "<b>Sizes</b> matter."],
        "decided": [True, False, True],
        "importance": [1.0, 0.0, 2.0],
        "effect": [0.02, 0.001, float("nan")],
        "low": [0.01, -0.004, float("nan")],
        "high": [0.03, 0.006, float("nan")],
        "p": [0.001, 0.7, float("nan")],
        "runs": [4, 4, 2],
        "questions": [120, 120, None],
    }
)


def module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"of_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[found.__name__] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def records() -> ModuleType:
    return module(TESTS / "commands" / "wandb_records.py")


@pytest.fixture(scope="module")
def fabricated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on two test sets, logged offline to a project of their own."""
    fabricate = module(TESTS / "reporting" / "fabricate.py")
    folder = tmp_path_factory.mktemp("multirun") / "tiny"
    logger = {"mode": "offline", "project": "mine", "entity": "me", "tags": ["x"]}
    for strategy in ("mono", "cross"):
        fabricate.run(
            folder, strategy, 1, datasets={"one": ("en", "de"), "t/wo": ("en", "de")}, config={"logger": logger}
        )
    return folder


def table_of(folder: Path, name: str) -> dict[str, Any]:
    (file,) = folder.rglob(f"{name}_*.table.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_numbers_of_answers_by_name() -> None:
    summary = answer_summary(FINDINGS)
    assert summary["answers/gap/1/effect"] == 0.02
    assert summary["answers/gap/2/p"] == 0.7
    assert summary["answers/gap/2/decided"] is False
    assert summary["answers/size/1/text"] == "<b>Sizes</b> matter."
    assert "answers/size/1/effect" not in summary
    assert "answers/size/1/questions" not in summary
    assert answer_summary(FINDINGS.iloc[:0]) == {}


@pytest.mark.slow
def test_the_run_holds_the_answers(tmp_path: Path, records: ModuleType) -> None:
    settings = LoggerSettings(mode="offline", project="mine", entity="me", tags=[])
    trade_off = pd.DataFrame({"run": ["a", "b"], "Mo.": [0.9, 0.8], "Cr.": [0.1, float("nan")]})
    for _ in range(2):  # the second replaces the first
        write_wandb_report(tmp_path, settings, "tiny", FINDINGS, trade_off)
    found = records.Offline.of(tmp_path)
    assert (found.run.run_group, found.run.job_type, found.run.run_id) == ("tiny", "report", report_id("tiny"))
    assert (found.run.project, found.run.entity) == ("mine", "me")
    assert {key: found.summary[key] for key in answer_summary(FINDINGS)} == answer_summary(FINDINGS)
    assert sorted(found.tables) == ["answers", "trade_off"]
    table = table_of(found.folder, "trade_off")
    assert table["columns"] == ["run", "Mo.", "Cr."]
    assert table["data"] == [["a", 0.9, 0.1], ["b", 0.8, None]]
    assert len(table_of(found.folder, "answers")["data"]) == 3


def test_nothing_where_it_is_disabled(tmp_path: Path) -> None:
    settings = LoggerSettings(mode="disabled", project="mine", entity=None, tags=[])
    write_wandb_report(tmp_path, settings, "tiny", FINDINGS, FINDINGS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_report_writes_it_only_when_asked(
    fabricated: Path, tmp_path: Path, records: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(fabricated), "--output", str(tmp_path / "quiet")]) == 0
    assert not list((tmp_path / "quiet").rglob("*.wandb"))
    assert report.main([str(fabricated), "--output", str(tmp_path / "shown"), "--wandb"]) == 0
    assert "wandb sync" in capsys.readouterr().out
    found = records.Offline.of(tmp_path / "shown")
    assert (found.run.project, found.run.entity, found.run.run_group) == ("mine", "me", "tiny")
    rows = table_of(found.folder, "trade_off")
    assert [row[rows["columns"].index("dataset")] for row in rows["data"]] == ["one", "one", "t/wo", "t/wo"]


def test_the_trade_off_is_that_of_the_tables(fabricated: Path) -> None:
    found = collect(fabricated)
    frame = trade_off_frame(found)
    rows = found.metrics[(found.metrics["query_language"] == MACRO) & (found.metrics["cutoff"] == 0)]
    values = rows.set_index(["dataset", "run", "setting", "metric"])["value"]
    assert len(frame) == 4
    for row in frame.to_dict("records"):
        for name, setting in (("Mo.", "monolingual"), ("Cr.", "cross-lingual"), ("Mul.", "multilingual")):
            assert row[name] == values[row["dataset"], row["run"], setting, "map"]
        assert row["rank_distance"] == values[row["dataset"], row["run"], "multilingual", "rank_distance"]


def test_runs_decide_where_it_goes(fabricated: Path, tmp_path: Path) -> None:
    assert logger_of(collect(fabricated)) == LoggerSettings(mode="offline", project="mine", entity="me", tags=[])
    fabricate = module(TESTS / "reporting" / "fabricate.py")
    for number, logger in enumerate(({}, {"logger": {"mode": "disabled", "project": "other", "entity": None}})):
        folder = tmp_path / str(number)
        fabricate.run(folder, "mono", 1, config=logger)
        project = "other" if logger else "hybridret"
        assert logger_of(collect(folder)) == LoggerSettings(mode="offline", project=project, entity=None, tags=[])


def test_a_workspace_needs_a_key_and_an_entity(
    fabricated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    assert report.main([str(fabricated), "--wandb-workspace", "--output", str(tmp_path / "r")]) == 2
    assert "needs a W&B key" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    fabricate = module(TESTS / "reporting" / "fabricate.py")
    fabricate.run(tmp_path / "sweep", "mono", 1)
    assert report.main([str(tmp_path / "sweep"), "--wandb-workspace"]) == 2
    assert "no run of the sweep names logger.entity" in capsys.readouterr().err


def scatter(title: str, x: str, y: str, colour: str, **more: Any) -> dict[str, Any]:
    gradient = [{"color": c, "offset": o} for c, o in (("#3b0f70", 0.0), ("#de4968", 50.0), ("#fecf92", 100.0))]
    axes = {"xAxis": f"summary:{x}", "yAxis": f"summary:{y}", "zAxis": f"summary:{colour}"}
    return {"chartTitle": title, **axes, "customGradient": gradient, **more}


def test_the_workspace_as_a_dictionary(fabricated: Path) -> None:
    pytest.importorskip("wandb_workspaces")
    names = metric_names(collect(fabricated))
    found = definition(workspace("me", "mine", "tiny", names))
    assert found == definition(workspace("me", "mine", "tiny", names))
    (runs,) = found["section"]["runSets"]
    group = {"key": {"section": "run", "name": "group"}, "op": "=", "value": "tiny", "disabled": False}
    assert runs["filters"]["filters"] == [group]
    sections = {one["name"]: one["panels"] for one in found["section"]["panelBankConfig"]["sections"]}
    assert list(sections) == ["Answers", "one", "t/wo"]
    assert [json.dumps(panel).count('"val": "tables/') for panel in sections["Answers"]] == [0, 1, 1]
    alpha, size, mono, cross, multi, *bias, table = sections["one"]
    mo, cr = "one/monolingual/map", "one/cross-lingual/map"
    alphas, parameters = "train/realised_alpha", "parameters/body"
    name = {"legendTemplate": "${run:displayName}"}
    assert alpha["config"] == scatter("Trade-off, coloured by alpha", mo, cr, alphas, zAxisLogScale=False, **name)
    assert size["config"] == scatter("Trade-off, coloured by size", mo, cr, parameters, zAxisLogScale=True, **name)
    assert mono["config"] == scatter("Mo. by size: map", parameters, mo, alphas, xAxisLogScale=True)
    assert [one["config"]["yAxis"] for one in (cross, multi)] == [f"summary:{cr}", "summary:one/multilingual/map"]
    assert [one["viewType"] for one in bias] == ["Bar Chart"] * 3
    assert bias[0]["config"]["metrics"] == ["one/multilingual/rank_distance"]
    assert '"val": "tables/one"' in json.dumps(table)


def test_a_dataset_without_pairs_has_no_scatter_of_the_trade_off() -> None:
    pytest.importorskip("wandb_workspaces")
    made = definition(workspace("me", "mine", "tiny", {"x": ["x/monolingual/map@1000", "x/monolingual/ndcg@10"]}))
    _, only = made["section"]["panelBankConfig"]["sections"]
    assert [one["viewType"] for one in only["panels"]] == ["Scatter Plot", "Weave"]
    assert only["panels"][0]["config"]["yAxis"] == "summary:x/monolingual/map@1000"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[wandb-workspaces\]'"):
        workspace("me", "mine", "tiny", {})
