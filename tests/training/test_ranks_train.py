"""What several processes train is what one trains: gradients, steps, validation, mix.

See docs/pitfalls.md#gathered-gradients, docs/pitfalls.md#batch-types and docs/pitfalls.md#unequal-shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import together, train_ranks
from torch import Tensor
from training_helpers import encoder, equal

from hybridret.encoders.folder import load_encoder
from hybridret.training.checkpoints import WholeCheckpoints, best_path, last_path

pytestmark = pytest.mark.slow

GRADIENTS: dict[str, Any] = {
    "optimizer": torch.optim.SGD, "lr": 1.0, "embedding_lr": None, "clip_norm": None, "steps": 1, "validate_every": 1,
    "checkpoint_every": 1, "layers": 2, "temperature": 0.07,
}  # fmt: skip


def last(folder: Path) -> dict[str, Any]:
    return WholeCheckpoints().load_checkpoint(last_path(folder))


def moved(folder: Path) -> dict[str, Tensor]:
    """What one step of plain descent at rate 1 took from the weights: the gradient."""
    start = {f"encoder.{name}": weight.double() for name, weight in encoder(layers=2).state_dict().items()}
    return {name: start[name] - weight.double() for name, weight in last(folder)["state_dict"].items()}


def close(found: dict[str, Tensor], expected: dict[str, Tensor], share: float) -> None:
    """Equal to within `share` of each tensor's largest value."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        largest = float(value.abs().max())
        assert largest > 1e-6, name
        assert float((found[name] - value).abs().max()) < share * largest, name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gradient of one batch, encoded at once in one process."""
    folder = tmp_path_factory.mktemp("whole")
    train_ranks(folder, 1, "auto", **GRADIENTS)
    return folder


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_have_the_gradient_of_the_whole_batch(whole: Path, tmp_path: Path, world: int, strategy: str) -> None:
    expected = moved(whole)
    for number, (precision, share) in enumerate((("64-true", 1e-10), ("32-true", 1e-5))):
        # With 12 and 9 only some ranks have more hard negatives than fit into one chunk of passages.
        for chunk_size, recompute in ((3, True), (5, False), ({2: 12, 3: 9}.get(world, 12), True)):
            folder = tmp_path / f"{number}{chunk_size}"
            options = {"precision": precision, "chunk_size": chunk_size, "recompute": recompute}
            together(world, train_ranks, folder, world, strategy, **GRADIENTS, **options)
            close(moved(folder), expected, share)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_ranks_take_the_steps_of_one(tmp_path: Path, strategy: str) -> None:
    """AdamW with clipping and a rate of its own for embeddings; also what is validated, counted and kept."""
    train_ranks(tmp_path / "one", 1, "auto")
    together(2, train_ranks, tmp_path / "two", 2, strategy, chunk_size=3)
    one, two = (last(tmp_path / name) for name in ("one", "two"))
    close(two["state_dict"], one["state_dict"], 1e-9)
    assert equal(one["callbacks"]["History"]["mix"], two["callbacks"]["History"]["mix"])
    assert len(one["optimizer_states"][0]["state"]) == len(two["optimizer_states"][0]["state"]) > 0
    kept = (load_encoder(best_path(tmp_path / name)).state_dict() for name in ("two", "one"))
    close(*kept, 1e-9)
    curves = [torch.load(tmp_path / name / "rows.pt", weights_only=True) for name in ("one", "two")]
    assert len(curves[0]) == 4
    for left, right in zip(*curves, strict=True):
        assert left.keys() == right.keys()
        for key, value in left.items():
            assert right[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), key
