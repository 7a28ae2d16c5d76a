"""FSDP2 over two processes takes the step of one, for every family of backbones: their layers are found and sharded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import ranks
import torch
from ranks import together, train_ranks
from training_helpers import tokenization

from hybridret.encoders.dual import DualEncoder
from hybridret.training.checkpoints import WholeCheckpoints, last_path

pytestmark = pytest.mark.slow

ENCODERS = Path(__file__).resolve().parent.parent / "encoders"
sys.path.insert(0, str(ENCODERS))

from test_families import FAMILIES as ALL  # noqa: E402

FAMILIES = tuple(name for name in ALL if name != "minilm")  # the network of labse
STEP: dict[str, Any] = {
    "precision": "32-true", "chunk_size": 3, "optimizer": torch.optim.SGD, "lr": 1.0, "embedding_lr": None,
    "clip_norm": None, "steps": 1, "validate_every": 1, "checkpoint_every": 1,
}  # fmt: skip


def work(folder: Path, families: tuple[str, ...], world: int, strategy: str) -> None:
    """One step of each family, with larger random weights: fresh ones are so small that attention hardly matters."""
    from test_families import tiny_family

    for name in families:
        family = tiny_family(name, dropout=0.0)
        torch.manual_seed(0)
        body = family.untrained("tiny", family.attention)
        with torch.no_grad():
            for parameter in body.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(5)
        made = DualEncoder(body, family.pooling, tokenization())
        ranks.encoder = lambda made=made, **unused: made  # type: ignore[misc]
        train_ranks(folder / name, world, strategy, **STEP)


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every family after a step: in one process, and over two."""
    folder = tmp_path_factory.mktemp("families")
    together(1, work, folder / "one", FAMILIES, 1, "auto")
    together(2, work, folder / "two", FAMILIES, 2, "fsdp")
    return folder


@pytest.mark.parametrize("name", FAMILIES)
def test_the_step_is_the_same(stepped: Path, name: str) -> None:
    one, two = (
        WholeCheckpoints().load_checkpoint(last_path(stepped / world / name))["state_dict"] for world in ("one", "two")
    )
    assert one.keys() == two.keys()
    compared = 0
    for key, weight in one.items():
        largest = float(weight.abs().max())
        if largest > 1e-5:  # a key's bias moves by rounding alone
            compared += 1
            assert float((two[key] - weight).abs().max()) < 1e-5 * largest, key
    assert compared > len(one) / 2
