"""Out of memory is a failed point with one paragraph; other errors are left alone (docs/pitfalls.md#out-of-memory)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from commands import Train, paragraph, run_of, status
from pairs import Pair

from hybridret.preflight.out_of_memory import is_out_of_memory

pytestmark = pytest.mark.slow

STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"


def test_in_training_it_names_step_plan_and_recipe(train: Train, tmp_path: Path) -> None:
    answer = train(tmp_path, hooks=[{"target": STEP, "call": 4, "error": "MemoryError"}])
    assert answer.returncode == 1
    said = paragraph(answer)
    assert said.startswith("Error: Out of memory in phase 'train' after 4 of 6 steps: no room for 12 GiB.")
    assert re.search(r"The plan expected [0-9.]+ GiB \(.+\) at the peak of a training step", said)
    assert re.search(r"It fits .*`(python|torchrun) .*-m hybridret\.run model=nano .*`\.", said)
    assert status(run_of(tmp_path))["state"] == "failed"
    assert status(run_of(tmp_path))["reason"] == said.removeprefix("Error: ")
    assert train(tmp_path).returncode == 0  # from the checkpoint of step 3


def test_in_the_evaluation_the_training_is_kept(train: Train, tmp_path: Path) -> None:
    answer = train(
        tmp_path, hooks=[{"target": "hybridret.pipelines.scoring:evaluate", "call": 1, "error": "MemoryError"}]
    )
    assert answer.returncode == 1
    said = paragraph(answer)
    assert "The training is over and kept" in said
    assert "evaluation.batch_size=16 instead of 64" in said
    rows = (run_of(tmp_path) / "history.jsonl").read_bytes()
    assert train(tmp_path).returncode == 0
    assert (run_of(tmp_path) / "history.jsonl").read_bytes() == rows


@pytest.mark.parametrize(
    ("target", "call", "rank", "phase"),
    [
        (STEP, 4, 1, "'train'"),
        ("hybridret.components.components:Components.trained_encoder", 1, 1, "'read data and build the encoder'"),
        ("hybridret.distributed.rendezvous:_wait_for_verdict", 1, 0, "'wait for the other processes'"),
    ],
)
def test_a_rank_names_its_phase(pair: Pair, tmp_path: Path, target: str, call: int, rank: int, phase: str) -> None:
    hook = {"target": target, "call": call, "error": "MemoryError"}
    ranks = pair(tmp_path, hooks={rank: [hook]}, launcher=True)
    (said,) = [line for line in ranks[rank].stderr.splitlines() if line.startswith("Error: ")]
    assert re.search(rf"Out of memory in phase {phase}( after 0 of 2)?: no room for 12 GiB", said)
    assert "The training is over and kept" not in said


def test_another_error_stays_what_it_is(train: Train, tmp_path: Path) -> None:
    answer = train(tmp_path, hooks=[{"target": STEP, "call": 4, "error": "RuntimeError"}])
    assert answer.returncode == 1
    assert "Out of memory" not in answer.stderr
    assert "RuntimeError: no room for 12 GiB" in answer.stderr


def test_what_says_that_memory_could_not_be_had() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)  # of torch's allocator on the CPU, in its own words
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes of 2 GiB cannot be multiplied: out of range"))
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator: "))
