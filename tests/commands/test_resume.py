"""`resume`, `retry` and `status` on a real sweep: the same command from its file, in the folder where it was typed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import SMALL, rows, write_rows

pytestmark = pytest.mark.slow


def shell(folder: Path, environment: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, *shlex.split(line)[1:]]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_an_open_sweep_is_finished_from_another_folder(environment: dict[str, str], tmp_path: Path) -> None:
    write_rows(tmp_path / "boxes", rows())
    (tmp_path / "elsewhere").mkdir()
    command = shlex.join(["python", "-m", "hybridret.run", "-m", *SMALL, "data.path=boxes", "seed=1,2"])
    assert shell(tmp_path, environment, command).returncode == 0
    sweep = tmp_path / "multirun" / "default"
    (one, other) = sorted(path.parent for path in sweep.glob("*/result.json"))
    metrics = (one / "metrics.csv").read_bytes()
    (one / "result.json").unlink()
    kept = (other / "result.json").read_bytes()
    done = shell(tmp_path / "elsewhere", environment, f"python -m hybridret.resume {sweep}")
    assert done.returncode == 0, done.stderr
    assert f"1 open: {one.name}" in done.stdout
    assert f"In {tmp_path}: {command}" in done.stdout
    assert (one / "metrics.csv").read_bytes() == metrics
    assert (other / "result.json").read_bytes() == kept
    assert json.loads((sweep / "sweep.json").read_text())["command"] == command
    shown = shell(tmp_path, environment, f"python -m hybridret.status {sweep} --json")
    found = json.loads(shown.stdout)
    assert (found["totals"]["finished"], found["over"]) == (2, True)
    assert {run["best"]["metric"] for run in found["runs"]} == {"loss"}
    again = shell(tmp_path, environment, f"python -m hybridret.resume {sweep}")
    assert "nothing is open (2 finished)" in again.stdout


def test_a_sweep_of_two_commands_is_finished_by_both(environment: dict[str, str], tmp_path: Path) -> None:
    write_rows(tmp_path / "boxes", rows())
    start = ["python", "-m", "hybridret.run", "-m", *SMALL, "data.path=boxes"]
    commands = [shlex.join([*start, f"seed={seed}"]) for seed in (1, 2)]
    for command in (*commands, commands[0].replace("seed=1", "seed=2,3")):
        assert shell(tmp_path, environment, command).returncode == 0
    sweep = tmp_path / "multirun" / "default"
    record = json.loads((sweep / "sweep.json").read_text())
    assert [one["command"] for one in record["earlier"]] == commands[:1]  # the last one has all of the second
    assert [row["run"][-6:] for row in record["earlier"][0]["points"]] == ["seed-1"]
    results = sorted(sweep.glob("*/result.json"))
    for path in results:
        path.unlink()
    done = shell(tmp_path, environment, f"python -m hybridret.resume {sweep}")
    assert done.returncode == 0, done.stderr
    assert "3 open" in done.stdout
    assert sorted(sweep.glob("*/result.json")) == results
    assert len(json.loads((sweep / "sweep.json").read_text())["earlier"]) == 1
    shown = json.loads(shell(tmp_path, environment, f"python -m hybridret.status {sweep} --json").stdout)
    assert all(run["seconds"] for run in shown["runs"])  # also of the earlier command
