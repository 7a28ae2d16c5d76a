from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.token_batch import TokenBatch, make_token_batch
from hybridret.encoders.token_rows import TokenRows
from hybridret.losses.infonce import InfoNCE

QUERIES = [f"What is the square of {n}?" + " really" * (n % 4) for n in range(13)]
PASSAGES = [f"El cuadrado de {n} es {n * n}." + " si" * (n % 3) for n in range(17)]


def token_batch(encoder: DualEncoder, chunk_size: int | None, chunk_tokens: int | None = None) -> TokenBatch:
    tokenization = encoder.tokenization
    return make_token_batch(
        tokenization.queries(QUERIES),
        tokenization.passages(PASSAGES),
        np.arange(13),
        np.arange(13) // 2,
        np.concatenate([np.arange(13) // 2, np.full(4, -1)]),
        tokenization,
        chunk_size,
        chunk_tokens,
    )


def gradients(
    encoder: DualEncoder, chunk_size: int | None, checkpointed: bool, chunk_tokens: int | None = None
) -> tuple[Tensor, list[Tensor]]:
    batch = token_batch(encoder, chunk_size, chunk_tokens)
    encoder.zero_grad()
    torch.manual_seed(1)
    queries = encode_chunks(encoder, batch.query_chunks, checkpointed)[batch.query_order]
    passages = encode_chunks(encoder, batch.passage_chunks, checkpointed)[batch.passage_order]
    loss = InfoNCE(0.05)(queries, passages, batch.positives, batch.query_groups, batch.passage_groups)
    loss.backward()
    found = [parameter.grad.clone() for parameter in encoder.parameters() if parameter.grad is not None]
    assert max(float(gradient.abs().max()) for gradient in found) > 1e-3  # the comparison is not one of zeros
    return loss.detach(), found


def rows_of(lengths: list[int]) -> TokenRows:
    return TokenRows.of([np.arange(1, length + 1, dtype=np.int32) for length in lengths])


def test_chunks_hold_every_row_once_and_sort_by_length() -> None:
    rows = rows_of([5, 2, 9, 2, 7])
    chunks, places = rows.chunks(2, 0)
    assert [chunk.attention_mask.sum(dim=1).tolist() for chunk in chunks] == [[2, 2], [5, 7], [9]]
    assert places.tolist() == [2, 0, 4, 1, 3]
    assert [len(chunk.input_ids) for chunk in rows.chunks(None, 0)[0]] == [5]
    assert rows_of([]).chunks(4, 0)[0] == []
    with pytest.raises(ValueError, match="chunk_size 0"):
        rows.chunks(0, 0)


@pytest.mark.parametrize("chunk_size", [None, 1, 4, 100])
def test_chunks_keep_the_order(encoder: DualEncoder, chunk_size: int | None) -> None:
    rows = encoder.tokenization.queries(QUERIES)
    expected = torch.cat([encoder(*encoder.tokenization.pad([row])) for row in rows])
    chunks, places = TokenRows.of(rows).chunks(chunk_size, encoder.tokenization.pad_id)
    torch.testing.assert_close(encode_chunks(encoder, chunks, False)[places], expected, atol=1e-6, rtol=0)


def test_encoding_nothing_gives_no_rows(encoder: DualEncoder) -> None:
    assert encode_chunks(encoder, [], False).shape == (0, encoder.dimension)


@pytest.mark.parametrize("checkpointed", [False, True])
def test_chunked_gradient_equals_the_whole_batch(encoder: DualEncoder, checkpointed: bool) -> None:
    encoder.double()
    loss, expected = gradients(encoder, None, checkpointed=False)
    for chunk_size, chunk_tokens in ((1, None), (5, None), (None, 60), (3, 60)):
        chunked_loss, found = gradients(encoder, chunk_size, checkpointed, chunk_tokens)
        assert chunked_loss.dtype == torch.float64
        torch.testing.assert_close(chunked_loss, loss, atol=1e-10, rtol=0)
        for one, two in zip(found, expected, strict=True):
            torch.testing.assert_close(one, two, atol=1e-10, rtol=0)


def test_dropout_is_replayed(make_encoder: Callable[..., DualEncoder]) -> None:
    encoder = make_encoder(dropout=0.3).train().double()
    loss, expected = gradients(encoder, 5, checkpointed=False)
    again, found = gradients(encoder, 5, checkpointed=True)
    assert torch.equal(loss, again)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two, atol=1e-10, rtol=0)
    assert abs(float(gradients(encoder.eval(), 5, checkpointed=True)[0] - loss)) > 1e-3  # dropout was on


def test_checkpointing_forgets_activations(encoder: DualEncoder) -> None:
    kept = {}
    for checkpointed in (False, True):
        sizes: list[int] = []

        def pack(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        batch = token_batch(encoder, 4)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            encode_chunks(encoder, batch.passage_chunks, checkpointed)
        kept[checkpointed] = sum(sizes)
    assert kept[True] < kept[False] / 20


def test_autocast_holds_inside_a_recomputed_chunk(encoder: DualEncoder) -> None:
    batch = token_batch(encoder, 4)
    results = []
    for checkpointed in (False, True):
        encoder.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            vectors = encode_chunks(encoder, batch.query_chunks, checkpointed)
        vectors.sum().backward()
        results.append(encoder.embedding_parameters()[0].grad.clone())
    # The embedding gradient is summed in another order; without autocast in the backward pass it is 1e-2 off.
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-6)


def test_gradients_of_many_chunks_add_up_in_fp32(encoder: DualEncoder) -> None:
    """The slow twin adds chunk after chunk; with one bf16 copy of the weights for all chunks it is 1e-2 off."""
    chunks = token_batch(encoder, 1).query_chunks * 8
    weights = torch.randn(len(chunks), encoder.dimension, generator=torch.Generator().manual_seed(0)).abs()
    encoder.zero_grad()
    for chunk, weight in zip(chunks, weights, strict=True):
        with torch.autocast("cpu", torch.bfloat16):
            vectors = encoder(*chunk)
        (vectors * weight).sum().backward()
    twin = {name: one.grad.clone() for name, one in encoder.named_parameters() if one.grad is not None}
    encoder.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        vectors = encode_chunks(encoder, chunks, checkpointed=True)
    (vectors * weights).sum().backward()
    for name, parameter in encoder.named_parameters():
        if name in twin and parameter.ndim >= 2:
            assert parameter.grad is not None
            largest = float(twin[name].abs().max())
            assert float((parameter.grad - twin[name]).abs().max()) < 1e-5 * largest, name


def test_a_token_batch_knows_its_rows_and_moves(encoder: DualEncoder) -> None:
    from pytorch_lightning.utilities import move_data_to_device

    batch = token_batch(encoder, 5)
    assert batch.pairs == 13
    assert [len(chunk.input_ids) for chunk in batch.query_chunks] == [5, 5, 3]
    assert [len(chunk.input_ids) for chunk in batch.passage_chunks] == [5, 5, 5, 2]
    masks = torch.cat([chunk.attention_mask.flatten() for chunk in (*batch.query_chunks, *batch.passage_chunks)])
    assert batch.padding_share == 1 - int(masks.sum()) / len(masks)
    assert batch.padding_share < token_batch(encoder, None).padding_share
    meta = move_data_to_device(batch, torch.device("meta"))
    tensors = [tensor for chunk in [*meta.query_chunks, *meta.passage_chunks] for tensor in chunk]
    tensors += [meta.query_order, meta.passage_order, meta.positives, meta.query_groups, meta.passage_groups]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert meta.pairs == 13


def test_a_token_batch_that_does_not_fit_together_is_an_error(encoder: DualEncoder) -> None:
    rows = encoder.tokenization.queries(QUERIES)
    with pytest.raises(ValueError, match="13 queries with 12 positives"):
        make_token_batch(rows, rows, np.arange(12), np.arange(13), np.arange(13), encoder.tokenization, None)
