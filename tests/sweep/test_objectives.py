"""Values of objectives from the files of a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs import RunDirectory
from hybridret.sweep.searching.objectives import read_objectives

ROWS = [(1, 0.1, 0.9, 2.0), (2, 0.4, 0.2, 1.0), (3, 0.3, None, 3.0)]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    found = RunDirectory(tmp_path)
    for step, mono, cross, loss in ROWS:
        row = {"step": step, "split": "validation", "mono_mrr": mono, "cross_mrr": cross, "loss": loss}
        found.append_history(row)
        found.append_history({**row, "split": "train", "loss": 0.0})
    found.write_result(
        {
            "config_hash": "h",
            "training": {"best_step": 1},
            "metrics": {"o/d/multilingual/map": 0.7, "d/monolingual/mrr@10": None},
        }
    )
    return found


@pytest.mark.parametrize(
    ("name", "value", "lower"),
    [
        ("mono_mrr", 0.1, False),
        ("mono_mrr:best", 0.4, False),
        ("mono_mrr:last", 0.3, False),
        ("loss", 2.0, True),
        ("loss:best", 1.0, True),
        ("cross_mrr:last", 0.2, False),
        ("mono_mrr+cross_mrr", 0.5, False),
        ("mono_mrr+cross_mrr:last", 0.3, False),
        ("o/d/multilingual/map", 0.7, False),
    ],
)
def test_value_and_direction(run: RunDirectory, name: str, value: float, lower: bool) -> None:
    (one,) = read_objectives([name], None)
    assert one.value(run) == pytest.approx(value)
    assert one.lower is lower
    (other,) = read_objectives([name], ["max" if lower else "min"])
    assert other.lower is not lower


@pytest.mark.parametrize("name", ["cross_entropy", "d/monolingual/mrr@10", "d/monolingual/map"])
def test_what_is_not_there_is_no_value(run: RunDirectory, name: str) -> None:
    (one,) = read_objectives([name], None)
    with pytest.raises(UserError, match=name):
        one.value(run)


def test_metrics_have_their_own_directions() -> None:
    names = ["d/multilingual/rank_distance", "d/multilingual/contrastive_entropy"]
    assert [one.lower for one in read_objectives(names, None)] == [True, True]
    with pytest.raises(UserError, match="lower is better"):
        read_objectives(["loss+mono_mrr"], None)
