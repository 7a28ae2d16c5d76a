"""One flipped bit of `last.ckpt` is refused, or changes nothing: torch itself believes most of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_saver import _save_state_dict
from training_helpers import equal

from hybridret.base.errors import UserError
from hybridret.training.checkpoints import WholeCheckpoints, saved_step
from hybridret.training.sharded_reader import SUM, seal_metadata
from hybridret.training.sharded_state import META, consolidated

FLIPS = 200


def state() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    weights = {f"layer{number}.weight": torch.randn(40, 30, generator=generator) for number in range(4)}
    return {"state_dict": weights, "loops": {}, "global_step": 12, "optimizer_states": [{"state": {0: {"step": 12}}}]}


def flipped(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def test_no_flipped_bit_is_believed(tmp_path: Path) -> None:
    checkpoints, path, chance = WholeCheckpoints(), tmp_path / "last.ckpt", random.Random(1)
    checkpoints.save_checkpoint(state(), path)
    raw, refused, by_torch = path.read_bytes(), 0, 0
    for _ in range(FLIPS):
        path.write_bytes(flipped(raw, chance))
        try:
            assert equal(checkpoints.load_checkpoint(path), state())
        except UserError:
            refused += 1
        by_torch += believed_by_torch(path)
    assert refused > FLIPS * 0.8
    assert by_torch > FLIPS * 0.5  # the check is needed


def believed_by_torch(path: Path) -> bool:
    try:
        return not equal(torch.load(path, weights_only=True), state())
    except Exception:  # whatever torch finds
        return False


def test_the_step_of_a_damaged_file_is_not_believed(tmp_path: Path) -> None:
    """History is cut at this step, before the tensors are read."""
    checkpoints, path, chance = WholeCheckpoints(), tmp_path / "last.ckpt", random.Random(2)
    checkpoints.save_checkpoint(state(), path)
    raw = path.read_bytes()
    for _ in range(FLIPS):
        path.write_bytes(flipped(raw, chance))
        try:
            assert saved_step(path) == 12
        except UserError:
            continue


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A sharded state of one process."""
    folder = tmp_path / "sharded-12"
    whole = state()
    groups = [{"lr": 0.125, "params": ["layer0.weight"]}]
    moments = {"layer0.weight": {"exp_avg": whole["state_dict"]["layer0.weight"] / 3, "step": torch.tensor(12.0)}}
    parts = {"state_dict": whole["state_dict"], "optimizer_0": {"state": moments, "param_groups": groups}}
    _save_state_dict(parts, FileSystemWriter(folder), no_dist=True)
    torch.save({"loops": {}, "global_step": 12}, folder / META)
    seal_metadata(folder)
    return folder


def test_no_flipped_bit_of_any_file_of_a_sharded_state_is_believed(sharded: Path) -> None:
    held, chance, refused = consolidated(sharded), random.Random(3), dict.fromkeys(sharded.iterdir(), 0)
    assert {path.name for path in refused} == {".metadata", SUM, META, "__0_0.distcp"}
    for path in refused:
        raw = path.read_bytes()
        for _ in range(FLIPS // 4):
            path.write_bytes(flipped(raw, chance))
            try:
                assert equal(consolidated(sharded), held)
            except UserError:
                refused[path] += 1
        path.write_bytes(raw)
    assert all(refused.values())


def test_a_sharded_state_without_a_sum_is_read_with_a_note(sharded: Path, caplog: pytest.LogCaptureFixture) -> None:
    held = consolidated(sharded)
    (sharded / SUM).unlink()
    assert equal(consolidated(sharded), held)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "earlier version" in said
