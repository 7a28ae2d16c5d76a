"""A training that a search gives up stops by itself, is no failure, and can go on to the same end."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Train, run_of, status
from pairs import Pair

from hybridret.runs import RunDirectory
from hybridret.runs.pruning import FILE, PruningRule, write_rule

pytestmark = pytest.mark.slow

NEVER = PruningRule("loss", True, {3: 0.001, 6: 0.001}, 5)  # no loss is that low


def test_it_stops_after_the_validation_and_goes_on_without_the_rule(train: Train, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "multirun" / "default" / whole.name
    write_rule(run, NEVER)
    done = train(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Stopped early, pruned at step 3: loss" in done.stdout
    seen = status(run)
    assert (seen["state"], seen["reason"][:16]) == ("skipped", "pruned at step 3")
    assert not (run / "result.json").exists()
    assert (run / "checkpoints" / "last.ckpt").exists()
    (run / FILE).unlink()
    assert train(tmp_path).returncode == 0
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    losses = [[row["loss"] for row in RunDirectory(one).read_history()] for one in (run, whole)]
    assert losses[0] == losses[1]


def test_all_its_processes_stop(pair: Pair, undisturbed: Path, tmp_path: Path) -> None:
    write_rule(tmp_path / "multirun" / "default" / undisturbed.name, NEVER)
    done = pair(tmp_path)
    assert [one.returncode for one in done] == [0, 0], done
    assert status(run_of(tmp_path))["reason"].startswith("pruned at step 3")
