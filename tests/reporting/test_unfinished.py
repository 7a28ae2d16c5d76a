"""Points without a result: in a queue, interrupted, or never composed; and folders that are no sweeps."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from hybridret.base.errors import UserError
from hybridret.reporting.collect import collect
from hybridret.reporting.tables_runs import failure_table
from hybridret.reporting.write import write_report
from hybridret.runs.look import LOST

pytestmark = pytest.mark.slow


def test_a_queued_and_an_interrupted_point_beside_a_finished_one(fabricate: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    fabricate.run(folder, "mono", 1, datasets={"d": ("en", "de")})
    fabricate.queued(folder, "seed-2")
    fabricate.unfinished(folder, "seed-3", "interrupted", "stopped by SIGINT", 66, 400)
    fabricate.unfinished(folder, "seed-4", "running", None, 7, None)
    sweep = collect(folder)
    table = failure_table(sweep)
    assert table is not None
    assert [[cell.value for cell in row] for row in table.rows] == [
        ["seed-2", "queued", "", ""],
        ["seed-3", "interrupted", "train 66 of 400", "stopped by SIGINT"],
        ["seed-4", "interrupted", "train 7", LOST],
    ]
    page = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "train 66 of 400" in page
    assert "1 finished, 2 interrupted, 1 queued" in page
    assert "nan" not in (tmp_path / "report" / "tables" / "failures.md").read_text(encoding="utf-8")


def summary(fabricate: ModuleType, folder: Path, *points: dict[str, object]) -> None:
    fabricate.write_json(folder / "sweep.json", {"version": 1, "points": list(points)})


def test_points_that_came_to_no_run_directory_are_listed(fabricate: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    path = fabricate.run(folder, "mono", 1, datasets={"d": ("en", "de")})
    failed = fabricate.unfinished(folder, "cross", "failed", "as its status says")
    wrong = ["batching=hybird", "seed=1"]
    summary(
        fabricate,
        folder,
        fabricate.point(["batching=mono", "seed=1"], path.name, "finished"),
        fabricate.point(["batching=cross", "seed=1"], failed.name, "failed", "as the sweep says"),
        fabricate.point(wrong, None, "failed", "there is no such option <hybird>"),
        fabricate.point(wrong, None, "failed", "there is no such option <hybird>"),
        fabricate.point(["batching=x_x", "seed=1"], "gone", "finished"),
        fabricate.point(["batching=en_en", "seed=1"], "en_en", "failed", "its folder could not be made"),
    )
    sweep = collect(folder)
    assert sweep.failures[["run", "state", "reason"]].to_numpy().tolist() == [
        ["cross", "failed", "as its status says"],
        ["batching=hybird", "failed", "there is no such option <hybird>"],
        ["en_en", "failed", "its folder could not be made"],
    ]
    page = write_report(sweep, tmp_path / "report").read_text(encoding="utf-8")
    assert "there is no such option &lt;hybird&gt;" in page


def test_a_sweep_of_which_nothing_could_be_composed_says_why(fabricate: ModuleType, tmp_path: Path) -> None:
    summary(fabricate, tmp_path, fabricate.point(["batching=hybird"], None, "failed", "no such option"))
    with pytest.raises(UserError, match=r"There is: batching=hybird is failed \(no such option\)"):
        collect(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"points": 3}', '{"points": [3]}'])
def test_a_broken_summary_of_the_sweep_blocks_no_report(fabricate: ModuleType, tmp_path: Path, text: str) -> None:
    fabricate.run(tmp_path, "mono", 1, datasets={"d": ("en",)})
    (tmp_path / "sweep.json").write_text(text)
    page = write_report(collect(tmp_path), tmp_path / "report").read_text(encoding="utf-8")
    assert "sweep.json" in page
    assert "left out" in page


def test_a_folder_that_is_absent_is_named_and_nothing_beside_it(fabricate: ModuleType, tmp_path: Path) -> None:
    for name in ("var", "etc"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError) as caught:
        collect(tmp_path / "vax")  # like a name beside it, but that is no sweep
    assert str(caught.value) == (
        f"{tmp_path / 'vax'} is not the folder of a sweep: it does not exist. "
        "Give the folder of a sweep, such as multirun/default: it holds one folder per run."
    )
    fabricate.write_json(tmp_path / "etc" / "sweep.json", {"points": []})
    with pytest.raises(UserError, match=r"Sweeps in .*: etc\.$"):
        collect(tmp_path / "vax")
    with pytest.raises(UserError, match="not the folder of a sweep: it is a file"):
        collect(tmp_path / "etc" / "sweep.json")


def test_a_folder_without_runs_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no run directory\. Give the folder of a sweep"):
        collect(tmp_path)


def test_a_summary_of_overrides_in_common_alone(fabricate: ModuleType, tmp_path: Path) -> None:
    # The same typing error twice: nothing tells the points apart, so everything is shown.
    twice = fabricate.point(["a=1", "b=2"], None, "failed", "no a")
    summary(fabricate, tmp_path, twice, json.loads(json.dumps(twice)))
    with pytest.raises(UserError, match=r"There is: a=1 b=2 is failed \(no a\)\."):
        collect(tmp_path)
