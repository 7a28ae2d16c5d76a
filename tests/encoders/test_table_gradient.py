"""One gradient of the token table for all chunks: the values and gradients of separate look-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.models.gemma3.modeling_gemma3 import Gemma3TextScaledWordEmbedding

from hybridret.encoders import table_gradient
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.table_gradient import TableGradient
from hybridret.encoders.tokenization import Tokens


def made_chunks() -> list[Tokens]:
    ids = [torch.tensor([[1, 2, 0], [3, 1, 4]]), torch.tensor([[2, 2]]), torch.tensor([[5], [1]])]
    return [Tokens(one, torch.ones_like(one)) for one in ids]


def looked_up(table: nn.Module, together: bool, recomputed: bool) -> tuple[list[Tensor], Tensor]:
    """What each chunk reads, and the gradient of a sum with random weights."""
    table.zero_grad()
    gradient = TableGradient(table)

    def read(ids: Tensor) -> Tensor:
        if not together:
            return table(ids).sin()
        with gradient.shared():
            return table(ids).sin()

    found = [
        checkpoint(read, chunk.input_ids, use_reentrant=False) if recomputed else read(chunk.input_ids)
        for chunk in made_chunks()
    ]
    torch.manual_seed(0)
    sum((one * torch.randn_like(one)).sum() for one in found).backward()  # type: ignore[union-attr]
    return [one.detach() for one in found], table.weight.grad.clone()


@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Embedding(7, 4),
        lambda: nn.Embedding(7, 4, padding_idx=0),
        lambda: Gemma3TextScaledWordEmbedding(7, 4, padding_idx=0, embed_scale=3.0),
    ],
)
def test_values_and_gradients_are_those_of_separate_look_ups(make: Callable[[], nn.Module], recomputed: bool) -> None:
    table = make().double()
    slow, expected = looked_up(table, False, recomputed)
    for _ in range(2):  # the second step starts from nothing
        fast, gradient = looked_up(table, True, recomputed)
        assert all(torch.equal(one, two) for one, two in zip(slow, fast, strict=True))
        torch.testing.assert_close(gradient, expected, atol=1e-12, rtol=0)


def test_part_of_the_chunks_may_go_to_the_loss_and_gradients_add_up() -> None:
    table, chunks = nn.Embedding(7, 4).double(), made_chunks()
    table(chunks[1].input_ids).sum().backward()
    gradient = TableGradient(table)
    with gradient.shared():
        kept, _ = table(chunks[0].input_ids), table(chunks[2].input_ids)
    (kept.sum() + table.weight.sum()).backward()  # the table is used elsewhere, too
    expected = torch.tensor([2.0, 3, 4, 2, 2, 1, 1], dtype=torch.float64)
    assert torch.equal(table.weight.grad, expected[:, None].expand(7, 4))


@pytest.mark.parametrize(
    "table",
    [
        nn.Embedding(7, 4).requires_grad_(False),
        nn.Embedding(7, 4, sparse=True),
        nn.Embedding(7, 4, max_norm=0.5),
        nn.Embedding(7, 4, scale_grad_by_freq=True),
        nn.Linear(7, 4),
    ],
)
def test_other_tables_are_left_alone(table: nn.Module) -> None:
    with TableGradient(table).shared():
        assert "forward" not in vars(table)


def test_nothing_stays_behind() -> None:
    table, chunks = nn.Embedding(7, 4), made_chunks()
    gradient = TableGradient(table)
    with pytest.raises(IndexError), gradient.shared():
        table(torch.tensor([9]))
    assert "forward" not in vars(table)
    calls: list[int] = []
    usual = table.forward
    table.forward = lambda input: (calls.append(1), usual(input))[1]  # type: ignore[method-assign, assignment, func-returns-value]
    wrapper = table.forward
    with gradient.shared():
        table(chunks[0].input_ids)
    assert table.forward is wrapper
    assert calls == [1]


@pytest.mark.parametrize("checkpointed", [False, True])
def test_training_fills_one_table(encoder: DualEncoder, checkpointed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    table: Any = encoder.body.input_embeddings()
    made, usual = [], torch.zeros_like

    def zeros_like(like: Tensor, **more: Any) -> Tensor:
        zeros = usual(like, **more)
        made.append((zeros.shape, zeros.data_ptr()))
        return zeros

    monkeypatch.setattr(table_gradient.torch, "zeros_like", zeros_like)
    encode_chunks(encoder, made_chunks(), checkpointed).sum().backward()
    assert made == [(table.weight.shape, table.weight.grad.data_ptr())]  # which is not copied on its way
