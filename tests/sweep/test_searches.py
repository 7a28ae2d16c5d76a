"""Real searches, killed, resumed and shared, in processes of their own; their points take no time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from hybridret.runs import RunDirectory, State
from hybridret.runs.status import write_status

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIG = """
defaults:
  - _self_
  - override hydra/launcher: basic
  - override hydra/sweeper: optuna
  - override hydra/job_logging: none
  - override hydra/hydra_logging: none
seed: 1
output: out
sweep: s
x: 0.5
y: 0.0
kind: a
fails: false
unmeasured: false
training: {validate_retrieval: 10}
hydra:
  output_subdir: null
  run: {dir: .}
  sweep: {dir: ., subdir: .}
  job: {chdir: false}
"""


@dataclass(frozen=True)
class SearchApp:
    """The application in `folder`."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "search_app", "-m", *arguments]

    def environment(self, armed: str = "") -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]), "ARMED": armed}

    def run(self, *arguments: str, armed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(armed),
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "out" / "s" / "search.csv", keep_default_na=False)

    def computed(self) -> dict[str, int]:
        """How often each run was computed."""
        files = (self.folder / "out" / "s").glob("*/computed.txt")
        return {file.parent.name: len(file.read_text().splitlines()) for file in files}


SPACE = ("x=interval(0,1)", "y=tag(log,interval(0.001,0.5))", "kind=choice(a,b)")
TWO = ("hydra.sweeper.objectives=[mono_mrr,cross_mrr]", "hydra.sweeper.n_trials=12")


def app_in(folder: Path) -> SearchApp:
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "search_app.py", folder)
    (folder / "config.yaml").write_text(CONFIG)
    return SearchApp(folder)


@pytest.fixture
def app(tmp_path: Path) -> SearchApp:
    return app_in(tmp_path / "app")


@pytest.mark.parametrize("together", [1, 2])
def test_a_killed_search_goes_on_to_the_same_trials_and_front(tmp_path: Path, together: int) -> None:
    arguments = (*SPACE, *TWO, f"hydra.sweeper.batch_size={together}")
    whole, killed = app_in(tmp_path / "whole"), app_in(tmp_path / "killed")
    done = whole.run(*arguments)
    assert done.returncode == 0, done.stderr
    for armed in ("before:4", "after:3", "before:1"):
        assert killed.run(*arguments, armed=armed).returncode == -signal.SIGKILL
    resumed = killed.run(*arguments)
    assert resumed.returncode == 0, resumed.stderr
    expected = whole.table()
    assert len(expected) == 12
    assert expected["state"].eq("complete").all()
    assert 2 <= expected["front"].sum() < 12
    pd.testing.assert_frame_equal(killed.table(), expected)
    assert resumed.stdout == done.stdout
    # Killed twice before the end of a point: those two alone were computed again, in their own directories.
    assert sorted(killed.computed().values()) == [1] * 10 + [2, 2]
    again = killed.run(*arguments)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert sum(killed.computed().values()) == 14
    more = killed.run(*arguments, "hydra.sweeper.n_trials=14")
    assert more.returncode == 0, more.stderr
    assert len(killed.table()) == 14
    assert not list((killed.folder / "out" / "s" / ".search").glob("[0-9a-f]*.lock"))


def test_two_launchers_share_the_trials(app: SearchApp, started: Callable[..., subprocess.Popen[str]]) -> None:
    for name in ("held", "free"):
        os.mkfifo(app.folder / name)
    arguments = ("x=interval(0,1)", "hydra.sweeper.objectives=[mono_mrr]", "hydra.sweeper.n_trials=6")
    first = started(
        app.command(*arguments), cwd=app.folder, env=app.environment("hold:2"), stdout=subprocess.PIPE, text=True
    )
    (app.folder / "held").read_text()
    second = app.run(*arguments)
    assert second.returncode == 0, second.stderr
    assert "1 trials are run by another launcher of this search." in second.stdout
    assert app.table()["state"].tolist() == ["complete", "running", *["complete"] * 4]
    (app.folder / "free").write_text("x")
    out, _ = first.communicate(timeout=250)
    assert first.returncode == 0
    assert "search: 6 trials (6 complete)" in out
    assert app.table()["state"].eq("complete").all()
    assert len(app.computed()) == 6
    assert set(app.computed().values()) == {1}
    owners = {file.read_text() for file in (app.folder / "out" / "s").glob("*/computed.txt")}
    assert len(owners) == 2


def test_equal_parameters_are_one_run_and_failures_are_told_as_such(app: SearchApp) -> None:
    arguments = (
        "x=choice(0.2,0.95)", "fails=true", "hydra.sweeper.objectives=[cross_mrr:last]", "hydra.sweeper.n_trials=6",
    )  # fmt: skip
    done = app.run(*arguments)
    assert done.returncode == 1
    table = app.table()
    assert app.computed() == {"fails-true_x-0.2_seed-1": 1, "fails-true_x-0.95_seed-1": 1}
    states = table.groupby("params_x")["state"].unique().map(list).to_dict()
    assert states == {0.2: ["complete"], 0.95: ["failed"]}
    failed = table[table["state"] == "failed"]
    assert failed["reason"].iloc[0] == "x is too large"
    assert failed["values_cross_mrr:last"].eq("").all()
    assert table["front"].sum() == 1
    assert f"6 trials ({6 - len(failed)} complete, {len(failed)} failed)" in done.stdout


def clear(run: Path) -> None:
    """As `hybridret.retry --failed` does."""
    write_status(run / "status.json", State.QUEUED, RunDirectory(run).look().get("config_hash"))


def test_failed_trials_are_tried_again_once_they_are_cleared(app: SearchApp) -> None:
    arguments = (
        "x=choice(0.2,0.95,0.99)", "fails=true", "hydra.sweeper.objectives=[mono_mrr]", "hydra.sweeper.sampler=grid",
        "hydra.sweeper.n_trials=3",
    )  # fmt: skip
    assert app.run(*arguments).returncode == 1
    runs = sorted((app.folder / "out" / "s").glob("*/status.json"))
    (app.folder / "cured").touch()
    assert app.run(*arguments).returncode == 1  # as long as nobody asks for it, nothing runs again
    assert set(app.computed().values()) == {1}
    clear(runs[1].parent)
    killed = app.run(*arguments, armed="after:1")
    assert killed.returncode == -9
    assert app.run(*arguments).returncode == 1  # the other one
    assert app.table()["reason"].tolist() == ["", "tried again as trial 3: x is too large", "x is too large", ""]
    clear(runs[2].parent)
    done = app.run(*arguments)
    assert done.returncode == 0, done.stderr
    table = app.table()
    assert table["state"].tolist() == ["complete", "failed", "failed", "complete", "complete"]
    assert table["params_x"].tolist() == [0.2, 0.95, 0.99, 0.95, 0.99]
    assert table["front"].tolist() == [False, False, False, False, True]
    assert sorted(app.computed().values()) == [1, 2, 2]
    assert app.run(*arguments).returncode == 0
    assert len(app.table()) == 5


def test_commands_of_a_table_are_those_of_their_own_search(app: SearchApp) -> None:
    shared = ("x=interval(0,1)", "hydra.sweeper.objectives=[mono_mrr]", "hydra.sweeper.n_trials=1")
    for other in (("kind=a", "y=0.1"), ("kind=b", "y=0.4")):
        assert app.run(*shared, *other, "hydra.sweeper.per=[kind]").returncode == 0
    first, second = ({*command.split()} for command in app.table()["command"])
    assert {"kind=a", "y=0.1"} <= first
    assert {"kind=b", "y=0.4"} <= second


def test_a_missing_value_is_a_failure(app: SearchApp) -> None:
    name = "hydra.sweeper.objectives=[d/multilingual/map]"
    done = app.run(
        "x=choice(0.2,0.4)", "unmeasured=true", name, "hydra.sweeper.n_trials=2", "hydra.sweeper.sampler=grid"
    )
    assert done.returncode == 1
    assert app.table()["state"].tolist() == ["failed", "failed"]
    assert app.table()["reason"].str.startswith("result.json has no d/multilingual/map").all()
    assert "no trial has a value: result.json has no d/multilingual/map" in done.stdout


def test_trials_below_the_median_stop_early(app: SearchApp) -> None:
    arguments = (
        "x=range(0.0,1.0,step=0.125)", "hydra.sweeper.objectives=[mono_mrr,d/multilingual/map]",
        "hydra.sweeper.sampler=grid", "hydra.sweeper.prune=cross_mrr", "hydra.sweeper.prune_after=3",
    )  # fmt: skip
    done = app.run(*arguments)
    assert done.returncode == 0, done.stderr
    table = app.table()
    assert table["state"].tolist() == ["complete"] * 3 + ["pruned"] * 5  # cross_mrr falls with x
    reason = table["reason"].iloc[3]
    assert reason.startswith("pruned at step 1: cross_mrr 0.2865 is below 0.3281, the median of 3 earlier trials.")
    assert set(app.computed().values()) == {1}
    assert app.run(*arguments).returncode == 0
    assert set(app.computed().values()) == {1}


def test_each_combination_has_a_search_of_its_own(app: SearchApp) -> None:
    shared = ("x=interval(0.1,0.9)", "hydra.sweeper.objectives=[cross_mrr]", "hydra.sweeper.sampler=grid")
    done = app.run("kind=a,b", "y=0,0.1", *shared, "hydra.sweeper.per=[kind,y]", "hydra.sweeper.n_trials=3")
    assert done.returncode == 0, done.stderr
    table = app.table()
    assert len(table) == 12
    best = table[table["front"]]
    assert list(zip(best["per_kind"], best["per_y"], best["params_x"], strict=True)) == [
        (kind, y, 0.1) for kind in "ab" for y in (0.0, 0.1)
    ]
    assert best["command"].iloc[1] == "python -m hybridret.run kind=a y=0.1 x=0.1"
    assert "x=0.1 is an end of what was searched" in done.stdout
    other = app.run("kind=c,d", *shared, "hydra.sweeper.per=commas", "hydra.sweeper.n_trials=2")
    assert other.returncode == 0, other.stderr
    kept = app.table()
    assert len(kept) == 16
    assert kept["search"].tolist() == sorted(kept["search"])


def test_another_search_needs_another_folder(app: SearchApp) -> None:
    arguments = ("x=interval(0,1)", "hydra.sweeper.objectives=[cross_mrr]", "hydra.sweeper.n_trials=2")
    assert app.run(*arguments).returncode == 0
    for changed in ("x=interval(0,2)", "y=0.1", "hydra.sweeper.seed=2", "hydra.sweeper.objectives=[mono_mrr]"):
        done = app.run(*arguments, changed)
        assert done.returncode == 2
        assert "sweep=NAME" in done.stderr
        assert len(app.table()) == 2
    journal = app.folder / "out" / "s" / "search.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":5,"wor')  # a write that a full disk cut short
    assert app.run(*arguments, "hydra.sweeper.n_trials=3").returncode == 0
    assert len(app.table()) == 3
    journal.write_bytes(whole.replace(b'"op_code"', b'"op_cod', 1))
    done = app.run(*arguments)
    assert (done.returncode, "Move the file away" in done.stderr) == (2, True)
    journal.unlink()
    assert app.run(*arguments, "hydra.sweeper.n_trials=3").returncode == 0
    assert set(app.computed().values()) == {1}


def test_a_grid_sends_intervals_to_the_search(app: SearchApp) -> None:
    done = app.run("x=interval(0,1)", "hydra/sweeper=points")
    assert done.returncode == 2
    assert "x=interval(0,1): a grid has no values for an interval." in done.stderr
    assert "hydra/sweeper=optuna" in done.stderr
