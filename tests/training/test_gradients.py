"""Gradients do not depend on how a batch is cut into chunks (docs/pitfalls.md#chunked-losses)."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from ranks import with_negatives
from torch import Tensor
from training_helpers import corpus, encoder

from hybridret.base.settings import LearningRateSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate
from hybridret.training.module import RetrieverModule


def gradients(chunk_size: int | None, dropout: float = 0.0) -> dict[str, Tensor]:
    model = encoder(dropout).double()
    datasets = (with_negatives(corpus()),)
    module = RetrieverModule(
        model,
        InfoNCE(temperature=0.1),
        partial(torch.optim.SGD, lr=1.0),
        LearningRateSettings(warmup=0, decay="constant", embedding_lr=None),
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
    settings = LearningRateSettings(warmup=0, decay="constant", embedding_lr=None)
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
