"""The GPU check, exercised without a GPU: every case with a tiny network, and what it writes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.planning.gpus import GPUS

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "gpu_check.py"
sys.path.insert(0, str(SCRIPT.parent))

import gpu_case  # noqa: E402
from gpu_check import CASES  # noqa: E402

pytestmark = pytest.mark.slow


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=280)


def test_a_case_of_every_recipe_runs_and_is_written(tmp_path: Path) -> None:
    options = ("--tiny", "--device", "cpu", "--out", str(tmp_path), "--only")
    for chosen in (
        ["3b adamw, batch 8192"],
        ["adam8bit, batch 100", "lora"],
    ):  # the second call keeps what the first found
        done = check(*options, *chosen)
        assert done.returncode in (0, 1), done.stderr  # targets mean nothing for a tiny network
        assert "FAILED" not in done.stdout, done.stdout + done.stderr
    with open(tmp_path / "gpu_check.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    written = json.loads((tmp_path / "gpu_check.json").read_text())
    assert [row["case"] for row in rows] == [row["case"] for row in written["cases"]]
    assert {row["case"].split()[0] for row in rows} == {"3b", "10b"}
    assert written["machine"]["torch"]
    lora = {row["case"]: int(row["trainable"]) < int(row["parameters"]) for row in rows}
    assert all(less == ("lora" in case) for case, less in lora.items())
    for row in rows:
        pairs = float(row["seconds_per_step"]) * float(row["pairs_per_second"])
        assert pairs == pytest.approx(round(pairs), rel=1e-6)
        assert float(row["mfu"]) > 0
        assert float(row["loss"]) > 0
    told = {target["target"].split(":")[0] for target in written["targets"]}
    assert {"MFU at 3b at least 45%", "MFU at 10b at least 40%", "peak within 10% of plan"} <= told
    assert any(text.startswith("peak at most 1.05 of batch 100") for text in told)


def test_without_a_gpu_it_says_so() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    done = check()
    assert done.returncode == 2
    assert done.stderr.startswith("Error: this machine has no GPU")


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_case_is_planned_to_fit(name: str) -> None:
    case = CASES[name]
    planned = gpu_case.expected(case)
    assert planned.memory.total < 0.95 * GPUS["h200"].memory_bytes
    if "batch 100" in name and "compiled" not in name and not name.startswith("1b"):
        large = next(
            one
            for other, one in CASES.items()
            if other.startswith(f"{name.partition(',')[0]}, batch") and other != name
        )
        assert gpu_case.expected(large).memory.total < 1.05 * planned.memory.total
