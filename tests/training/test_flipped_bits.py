"""One flipped bit of `last.ckpt` is refused, or changes nothing: torch itself believes most of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from training_helpers import equal

from hybridret.errors import UserError
from hybridret.training.checkpoints import WholeCheckpoints, saved_step

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
