"""The step of a checkpoint without torch, against torch's own reading."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hybridret.runs.checkpoint_step import checkpoint_step


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("step", [0, 7, 255, 70_000, 3_000_000_000])
def test_the_step_of_a_file(path: Path, tmp_path: Path, step: int) -> None:
    state = {"layer.global_step_like": torch.ones(3), "weight": torch.zeros(2)}
    torch.save({"epoch": 4, "state_dict": state, "global_step": step, "loops": {"global_step": 1}}, path)
    assert checkpoint_step(tmp_path) == torch.load(path, weights_only=True)["global_step"] == step


def test_the_step_of_a_sharded_training(path: Path, tmp_path: Path) -> None:
    path.symlink_to("sharded-40")
    assert checkpoint_step(tmp_path) == 40


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut"])
def test_no_checkpoint_or_a_damaged_one(path: Path, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    assert checkpoint_step(tmp_path) == 0


def test_no_step_in_it(path: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, path)
    assert checkpoint_step(tmp_path) == 0
