"""Gradients do not depend on how a batch is cut: into chunks, or over ranks (traps 1, 5, 8)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from training_helpers import corpus, encoder, equal
from two_ranks import main, with_negatives

from hybridret.batching.hybrid import Hybrid
from hybridret.losses.infonce import InfoNCE
from hybridret.settings import ScheduleSettings
from hybridret.training.collate import Collate
from hybridret.training.module import RetrieverModule


def gradients(chunk_size: int | None, dropout: float = 0.0) -> dict[str, Tensor]:
    model = encoder(dropout).double()
    datasets = (with_negatives(corpus()),)
    module = RetrieverModule(
        model,
        InfoNCE(temperature=0.1),
        partial(torch.optim.SGD, lr=1.0),
        ScheduleSettings(warmup=0, decay="constant", embedding_lr=None),
        steps=1,
        clip_norm=None,
        seed=0,
    )
    batch = Collate(model.tokenization, datasets, chunk_size)(Hybrid(alpha=0.5).schedule(datasets, 8)(0, 0))
    torch.manual_seed(3)
    module.batch_loss(batch, gather=False).backward()
    return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("chunk_size", [1, 3, 8, 100])
def test_chunks_have_the_gradient_of_the_whole_batch(chunk_size: int) -> None:
    whole, cut = gradients(None), gradients(chunk_size)
    assert len(whole) == len(list(encoder().parameters()))
    assert whole.keys() == cut.keys()
    for name in whole:
        assert float(whole[name].abs().max()) > 1e-6
        torch.testing.assert_close(cut[name], whole[name], rtol=1e-9, atol=1e-12)


def test_dropout_is_replayed_in_the_backward_pass() -> None:
    """Were it drawn anew, the gradient would belong to no forward pass: it must be that of the loss along a
    direction.
    """
    model = encoder(0.5).double()
    datasets = (corpus(),)
    batch = Collate(model.tokenization, datasets, 3)(Hybrid(alpha=0.5).schedule(datasets, 8)(0, 0))
    settings = ScheduleSettings(warmup=0, decay="constant", embedding_lr=None)
    module = RetrieverModule(model, InfoNCE(0.1), partial(torch.optim.SGD, lr=1.0), settings, 1, None, 0)

    def loss() -> Tensor:
        torch.manual_seed(3)
        return module.batch_loss(batch, gather=False)

    loss().backward()
    weight = model.body.blocks[0].feed_in.weight
    direction = torch.randn(weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert weight.grad is not None
    expected, small = float((weight.grad * direction).sum()), 1e-6
    with torch.no_grad():
        weight += small * direction
        up = float(loss())
        weight -= 2 * small * direction
        down = float(loss())
    assert (up - down) / (2 * small) == pytest.approx(expected, rel=1e-5)
    assert abs(expected) > 1e-3


def test_two_ranks_take_the_steps_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    script = str(Path(__file__).with_name("two_ranks.py"))
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", script, str(tmp_path / "two"), "2", "3"],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    main(tmp_path / "one", 1, None)
    for rank in ranks:
        complaint = rank.communicate(timeout=120)[1]
        assert rank.returncode == 0, complaint
    one, two = (torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("one", "two"))
    assert one["state_dict"].keys() == two["state_dict"].keys()
    start = encoder(0.0).double().state_dict()
    for name, weight in one["state_dict"].items():
        moved = weight - start[name.removeprefix("encoder.")]
        assert float(moved.abs().max()) > 0
        torch.testing.assert_close(two["state_dict"][name], weight, rtol=1e-10, atol=1e-12)
    losses = [float((tmp_path / name / "validation.txt").read_text()) for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-10)
    assert equal(one["callbacks"]["History"]["mix"], two["callbacks"]["History"]["mix"])
