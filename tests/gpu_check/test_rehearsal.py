"""The whole GPU check without a GPU: each case at a tiny size, in an environment with few packages."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from few_packages import LACKING, NAMED, make_environment, required

SCRIPT = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "gpu_check.py"

pytestmark = pytest.mark.slow


def check(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    line = [python, str(SCRIPT), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=2000, env=variables)


@pytest.mark.timeout(2000)
def test_every_case_runs_with_few_packages(tmp_path: Path) -> None:
    assert not required(NAMED).keys() & set(LACKING)
    python = str(make_environment(tmp_path / "environment"))
    options = ("--tiny", "--device", "cpu", "--budget", "1900", "--out", str(tmp_path / "results"))
    done = check(python, *options)
    assert done.returncode in (0, 1), done.stdout + done.stderr  # goals mean nothing for a tiny network
    written: dict[str, Any] = json.loads((tmp_path / "results" / "gpu_check.json").read_text())
    rows = {row["case"]: row for row in written["cases"]}
    assert not [row for row in written["cases"] if "failed" in row], done.stdout
    missing = "torchao is not installed"
    assert written["left_out"] == {f"10b adam8bit, {which}": missing for which in ("100 pairs", "large batch")}
    assert written["machine"]["replaced_packages"] == ["annotated_types", "pydantic"]
    assert {row["kind"] for row in rows.values()} == {"peak", "exact", "train", "encode", "search", "shard"}

    exact = [row for row in rows.values() if row["kind"] == "exact"]
    assert len(exact) == 6
    assert [one["what"] for row in exact for one in row["bounds"] if not one["holds"]] == []

    for size in ("1b adamw", "3b adamw", "10b lora"):
        small, large = rows[f"{size}, 100 pairs"], rows[f"{size}, large batch"]
        assert (small["pairs"], large["pairs"]) == (8, 64)
        assert small["chunk_size"] == large["chunk_size"]
        for row in (small, large):
            assert row["mfu"] > 0
            assert row["seconds_per_step"] * row["pairs_per_second"] == pytest.approx(row["pairs"])
            assert min(row["losses"]) > 0
    assert rows["10b lora, 100 pairs"]["trainable"] < rows["10b lora, 100 pairs"]["parameters"]
    # Kinds of attention, and a process of FSDP2 alone, train alike.
    first = rows["3b adamw, 100 pairs"]["losses"][0]
    for kind in ("flash", "packed"):
        assert rows[f"3b adamw, 100 pairs, {kind}"]["losses"][0] == pytest.approx(first, rel=1e-3)
    assert rows["3b adamw, 100 pairs, best attention, compiled"]["attention"] in ("sdpa", "flash", "packed")
    alone = rows["1b adamw, 100 pairs, FSDP2 with one process"]["losses"]
    assert alone == pytest.approx(rows["1b adamw, 100 pairs"]["losses"], rel=1e-2)

    encoded = rows["encode 3b, 512 tokens"]
    assert encoded["least_cosine_with_sentence_transformers"] > 0.999
    assert encoded["mixed_tokens_on_average"] < 512
    assert rows["search fp32, vectors on the card"]["faiss"] == "not measured: it is not installed"

    with open(tmp_path / "results" / "gpu_check.csv", encoding="utf-8") as file:
        assert [row["case"] for row in csv.DictReader(file)] == list(rows)
    assert "10b lora, large batch" in (tmp_path / "results" / "README.md").read_text()

    again = check(python, *options)  # nothing is measured twice
    assert [
        row["seconds_in_all"] for row in json.loads((tmp_path / "results" / "gpu_check.json").read_text())["cases"]
    ] == [row["seconds_in_all"] for row in rows.values()], again.stdout


def test_without_a_gpu_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    done = check(sys.executable)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: this machine has no GPU")


@pytest.mark.parametrize("arguments", [["--card", "80"], ["--device", "cpu"]])
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    done = check(sys.executable, *arguments)
    assert done.returncode == 2
    assert "error: --" in done.stderr
