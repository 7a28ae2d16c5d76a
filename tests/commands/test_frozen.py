"""What an earlier version wrote is still read, with the same numbers: runs, curves, metrics, options (tests/frozen)."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from commands import Commands, run_of

from hybridret.runs.environment import environment

pytestmark = pytest.mark.slow

FROZEN = Path(__file__).resolve().parent.parent / "frozen"


def _module(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, FROZEN / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


recipes = _module("recipes")


def is_same_machine() -> bool:
    """Whether bits can be compared: another processor or another torch sums in another order.

    The model name does not tell: virtual machines call several generations of a processor by one name.
    """
    kept, here = json.loads((FROZEN / "curves" / "environment.json").read_text()), environment()
    same = kept["cpu"] == here["cpu"] and kept["packages"]["torch"] == here["packages"]["torch"]
    return bool(same and kept.get("processor") == recipes.processor())


def assert_same_metrics(made: Path, kept: Path) -> None:
    """Byte for byte; elsewhere a few of the 24 questions of a set may change places."""
    if is_same_machine():
        assert made.read_bytes() == kept.read_bytes()
    ours, theirs = pd.read_csv(made), pd.read_csv(kept)
    pd.testing.assert_frame_equal(ours.drop(columns="value"), theirs.drop(columns="value"))
    shares = ours["metric"].isin(["map", "mrr", "ndcg", "recall"]).to_numpy()
    assert (ours["value"] - theirs["value"])[shares].abs().max() < 0.1


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in recipes.TIMES} for row in rows]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the data and the runs of the earlier version."""
    shutil.copytree(FROZEN / "boxes", tmp_path / "boxes")
    shutil.copytree(FROZEN / "kept", tmp_path / "multirun" / "kept")
    return tmp_path


def run_with(place: Path, part: str) -> Path:
    (found,) = place.glob(f"multirun/kept/*{part}*")
    return found


@pytest.mark.parametrize(
    ("module", "arguments"), [("run", recipes.FINISHED), ("run", recipes.LORA), ("evaluate", recipes.BM25)]
)
def test_the_same_command_finds_its_finished_run(
    command: Commands, place: Path, module: str, arguments: tuple[str, ...]
) -> None:
    before = {path: path.read_bytes() for path in sorted(place.rglob("*.*")) if path.is_file()}
    done = command(module, *arguments, folder=place)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(place.glob("multirun/*/*"))) == 4


def test_a_stopped_run_goes_on_and_ends_like_a_new_one(command: Commands, place: Path) -> None:
    run = run_with(place, "_seed-2")
    resumed = command("run", *recipes.STOPPED, folder=place)
    assert resumed.returncode == 0, resumed.stderr
    assert f"Resuming {run.relative_to(place)} at step 4." in resumed.stdout
    again = place / "again"
    shutil.copytree(place / "boxes", again / "boxes")
    new = command("run", *recipes.STOPPED, folder=again)
    assert new.returncode == 0, new.stderr
    assert run_of(again).name == run.name
    assert_same_metrics(run / "metrics.csv", run_of(again) / "metrics.csv")
    if is_same_machine():
        best = Path("checkpoints", "best", "model.safetensors")
        assert (run / best).read_bytes() == (run_of(again) / best).read_bytes()
        assert rows_of(run / "history.jsonl") == rows_of(run_of(again) / "history.jsonl")


@pytest.mark.parametrize("part", ["adapter-lora", "_e5b0adf030a8_seed-1"])
def test_an_earlier_run_is_evaluated_and_published(command: Commands, place: Path, part: str) -> None:
    run = run_with(place, part)
    done = command("evaluate", f"checkpoint={run}", "eval=[heldout]", "logger=none", "name=again", folder=place)
    assert done.returncode == 0, done.stderr
    assert_same_metrics(run / "evaluations" / "again" / "metrics.csv", run / "metrics.csv")
    assert command("publish", str(run), "published", folder=place).returncode == 0
    assert (place / "published" / "modules.json").is_file()


def test_earlier_runs_are_reported(command: Commands, place: Path) -> None:
    done = command("report", "multirun/kept", folder=place)
    assert done.returncode == 0, done.stderr
    page = (place / "multirun" / "kept" / "report" / "report.html").read_text()
    assert "damaged" not in page
    kept = json.loads((run_with(place, "adapter-lora") / "result.json").read_text())
    assert f"{kept['metrics']['boxes/monolingual/map']:.3f}"[1:] in page


@pytest.mark.parametrize("name", recipes.CURVES)
def test_thirty_steps_are_those_of_earlier_versions(command: Commands, tmp_path: Path, name: str) -> None:
    shutil.copytree(FROZEN / "boxes", tmp_path / "boxes")
    done = command("run", *recipes.STEPS, *recipes.CURVES[name], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    made, kept = rows_of(run_of(tmp_path) / "history.jsonl"), rows_of(FROZEN / "curves" / f"{name}.jsonl")
    if is_same_machine():
        assert made == kept
    assert [list(row) for row in made] == [list(row) for row in kept]
    assert [row["loss"] for row in made] == pytest.approx([row["loss"] for row in kept], rel=1e-3)
    if name == "hybrid":
        assert_same_metrics(run_of(tmp_path) / "metrics.csv", FROZEN / "curves" / "hybrid_metrics.csv")


def test_no_option_of_a_command_is_gone_or_new(command: Commands, tmp_path: Path) -> None:
    found = _module("make").options(command, tmp_path)
    assert found == json.loads((FROZEN / "options.json").read_text())
