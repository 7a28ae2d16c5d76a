"""A data set is called as its owner calls it, `org/name` too: in every file, table and export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import SMALL, Commands, rows, run_of, write_rows

pytestmark = pytest.mark.slow


def test_a_name_with_a_slash(command: Commands, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data", [{**row, "dataset": "org/name"} for row in rows()])
    exports = ("evaluation.trec=true", "evaluation.mteb=true")
    done = command("run", *SMALL, f"data.path='{data}'", *exports, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    assert "org/name/monolingual/map" in json.loads((run / "result.json").read_text())["metrics"]
    assert all(path.parent == run / "trec" for path in run.glob("trec/**/*.gz"))
    assert "org/name" in done.stdout
    report = command("report", str(run.parent), folder=tmp_path)
    assert report.returncode == 0, report.stderr
