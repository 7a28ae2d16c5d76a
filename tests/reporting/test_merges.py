"""Merged runs in a report: points of their own in the trade-off, averaged over seeds, and never taken for trainings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.reporting.charts.curves import curve_plots
from hybridret.reporting.charts.plot_style import plot_styles
from hybridret.reporting.charts.tradeoff import tradeoff
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.results import report_result
from hybridret.reporting.tables import main_table
from hybridret.reporting.tables_merge import merge_table
from hybridret.reporting.tables_mix import mix_table
from hybridret.reporting.tables_runs import run_table
from hybridret.reporting.write import write_report

RATIOS = (0.25, 0.5, 0.75)
SEEDS = (1, 2)


def merged(fabricate: ModuleType, folder: Path, ratio: float, seed: int, **changes: Any) -> Path:
    """A merged run as the program leaves it."""
    names = {end: f"batching-{end},model-tiny,seed-{seed}" for end in ("mono", "cross")}
    section: dict[str, Any] = {
        end: {"run": name, "config_hash": f"{end}{seed}", "weights": f"{end}{seed}", "batching": {"_target_": end}}
        for end, name in names.items()
    }
    section["cross"]["differs"] = changes.get("differs", {})
    level = tuple(
        ratio * a + (1 - ratio) * b for a, b in zip(fabricate.LEVELS["mono"], fabricate.LEVELS["cross"], strict=True)
    )
    path: Path = fabricate.run(
        folder, "merge", seed, alpha=ratio, level=level, config={"batching": {"ratio": ratio, **section}}
    )
    result = json.loads((path / "result.json").read_text())
    ends = {end: {"run": name, "start": f"seed {seed}", "steps": 1200, "seconds": 61.2} for end, name in names.items()}
    result |= {"alpha": None, "training": None, "merge": {"ratio": ratio, **ends}, **changes.get("result", {})}
    fabricate.write_json(path / "result.json", result)
    (path / "history.jsonl").unlink()
    return path


@pytest.fixture(scope="module")
def folder(fabricate: ModuleType, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = Path(shutil.copytree(small, tmp_path_factory.mktemp("merges") / "sweep"))
    for ratio in RATIOS:
        for seed in SEEDS:
            merged(fabricate, found, ratio, seed)
    return found


@pytest.fixture(scope="module")
def sweep(folder: Path) -> Sweep:
    return collect(folder)


def labels(sweep: Sweep) -> list[str]:
    return [str(name) for name in sweep.runs["configuration"].unique()]


NAMES = [f"merge, ratio={ratio:g}" for ratio in RATIOS]


def test_every_ratio_is_a_configuration_of_several_seeds(sweep: Sweep, small: Path) -> None:
    assert [name for name in labels(sweep) if "merge" in name] == NAMES
    assert [name for name in labels(sweep) if "merge" not in name] == labels(collect(small))  # as without them
    table = main_table(sweep, "cldr_combinations")
    rows = {str(row[0].value): row for row in table.rows}
    for name in NAMES:
        assert rows[name][1].value == 2
        assert rows[name][2].spread is not None
    runs = sweep.runs[sweep.runs["configuration"] == NAMES[0]]
    values = tradeoff(sweep, "cldr_combinations", "map", 0)
    mean = values[values["configuration"] == NAMES[0]]["mono"].mean()
    assert (len(runs), rows[NAMES[0]][2].value) == (2, pytest.approx(mean))


def test_one_ratio_alone_is_named(fabricate: ModuleType, small: Path, tmp_path: Path) -> None:
    found = Path(shutil.copytree(small, tmp_path / "sweep"))
    merged(fabricate, found, 0.0, 1)
    assert "merge, ratio=0" in labels(collect(found))


def test_other_parents_are_another_configuration(fabricate: ModuleType, folder: Path, tmp_path: Path) -> None:
    """The cross run had another learning rate; names and hashes of the parents, which differ by seed, do not count."""
    found = Path(shutil.copytree(folder, tmp_path / "sweep"))
    moved = merged(fabricate, tmp_path / "apart", 0.5, 1, differs={"optim.lr": 0.1})
    shutil.move(moved, found / "other")
    names = [name for name in labels(collect(found)) if "merge" in name and "ratio=0.5" in name]
    assert names == ["merge, ratio=0.5", "merge, lr=0.1, ratio=0.5"]


def test_marks_and_colours_of_their_own(sweep: Sweep) -> None:
    styles = plot_styles(sweep.runs)
    assert len({styles[name].colour for name in NAMES}) == 1
    assert styles[NAMES[0]].colour not in {styles[name].colour for name in styles if name not in NAMES}
    assert len({styles[name].mark for name in NAMES}) == 3
    shown = tradeoff(sweep, "cldr_combinations", "map", 0)["configuration"]
    assert [(shown == name).sum() for name in NAMES] == [2, 2, 2]


def test_they_are_no_trainings(sweep: Sweep) -> None:
    runs = sweep.runs[sweep.runs["strategy"] == "merge"]
    assert len(runs) == 6
    assert runs["steps"].isna().all()
    assert runs["seconds"].isna().all()
    assert not sweep.history["run"].isin(runs["run"]).any()
    rows = {str(row[0].value): row for row in run_table(sweep).rows}
    titles = [column.title for column in run_table(sweep).columns]
    shown = dict(zip(titles, rows[str(runs["run"].iloc[0])], strict=True))
    assert shown["stopped by"].value == "no training: merged"
    assert all(shown[title].missing for title in ("steps", "best step", "best val. loss", "pairs/s", "seconds"))
    mix = mix_table(sweep)
    assert mix is not None
    assert not {str(row[0].value) for row in mix.rows} & set(runs["run"])
    for plot in curve_plots(sweep):
        assert b"merge" not in plot.svg


def test_what_they_cost_is_what_their_parents_cost(sweep: Sweep, small: Path) -> None:
    table = merge_table(sweep)
    assert table is not None
    assert len(table.rows) == 6
    row = dict(zip([column.title for column in table.columns], (cell.value for cell in table.rows[0]), strict=True))
    assert row["own steps"] == 0
    assert (row["steps of both"], row["seconds of both"], row["start"]) == (2400, 122, "same")
    assert (row["mono"], row["cross"]) == ("batching-mono,model-tiny,seed-1", "batching-cross,model-tiny,seed-1")
    assert merge_table(collect(small)) is None


def test_a_start_that_differs_is_shown(fabricate: ModuleType, small: Path, tmp_path: Path) -> None:
    found = Path(shutil.copytree(small, tmp_path / "sweep"))
    path = merged(fabricate, found, 0.5, 1)
    result = json.loads((path / "result.json").read_text())
    result["merge"]["cross"] |= {"start": "seed 2", "seconds": None}
    fabricate.write_json(path / "result.json", result)
    table = merge_table(collect(found))
    assert table is not None
    assert [cell.value for cell in table.rows[0]][4:] == ["different", 0, 2400, None]


@pytest.mark.slow
def test_the_page_shows_them(sweep: Sweep, tmp_path: Path) -> None:
    page = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "Merged runs: no training of their own" in page
    assert all(name in page for name in NAMES)
    assert (tmp_path / "report" / "tables" / "merges.csv").read_text().count("\n") == 7


@pytest.mark.parametrize(
    ("value", "words"),
    [("half", "merge must be"), ({"ratio": "a"}, "merge.ratio must be"), ({"mono": {"run": 3}}, "merge.mono.run must")],
)
def test_a_damaged_record_is_named(fabricate: ModuleType, tmp_path: Path, value: Any, words: str) -> None:
    path = merged(fabricate, tmp_path / "s", 0.5, 1, result={"merge": value})
    with pytest.raises(UserError, match=words):
        report_result(path / "result.json")


def test_pareto_front_may_hold_them(sweep: Sweep) -> None:
    points = tradeoff(sweep, "cldr_combinations", "map", 0)
    assert set(NAMES) <= set(points["configuration"])
    assert np.isfinite(points[["mono", "cross"]].to_numpy()).all()
