from __future__ import annotations

import pytest
import torch
from torch import nn

from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.shared_lookup import shared_lookup
from hybridret.encoders.tokenization import Tokens


def made_chunks() -> list[Tokens]:
    ids = [torch.tensor([[1, 2, 0], [3, 1, 4]]), torch.tensor([[2, 2]]), torch.tensor([[5], [1]])]
    return [Tokens(one, torch.ones_like(one)) for one in ids]


@pytest.mark.parametrize("padding", [None, 0])
def test_values_and_gradients_are_those_of_separate_look_ups(padding: int | None) -> None:
    table = nn.Embedding(7, 4, padding_idx=padding).double()
    chunks = made_chunks()
    weights = [torch.randn(*chunk.input_ids.shape, 4, dtype=torch.float64) for chunk in chunks]
    results = []
    for together in (False, True):
        table.weight.grad = None
        with shared_lookup(table, chunks if together else []):
            found = [table(chunk.input_ids.view(chunk.input_ids.shape)) for chunk in chunks]
        nodes = {id(one.grad_fn.next_functions[0][0]) for one in found} if together else set()  # type: ignore[union-attr]
        assert len(nodes) == int(together)  # all are parts of one look-up
        sum((one * weight).sum() for one, weight in zip(found, weights, strict=True)).backward()  # type: ignore[union-attr]
        results.append((found, table.weight.grad))
    (slow, expected), (fast, gradient) = results
    assert all(torch.equal(one, two) for one, two in zip(slow, fast, strict=True))
    torch.testing.assert_close(gradient, expected, atol=1e-12, rtol=0)


def test_other_ids_are_looked_up_as_ever_and_nothing_stays_behind() -> None:
    table, chunks = nn.Embedding(7, 4), made_chunks()
    with shared_lookup(table, chunks):
        assert torch.equal(table(torch.tensor([[6, 6, 6], [6, 6, 6]])), table.weight[6].expand(2, 3, 4))
    with pytest.raises(IndexError), shared_lookup(table, chunks):
        table(torch.tensor([9]))
    assert "forward" not in vars(table)
    calls: list[int] = []
    usual = table.forward
    table.forward = lambda input: (calls.append(1), usual(input))[1]  # type: ignore[method-assign, assignment, func-returns-value]
    wrapper = table.forward
    with shared_lookup(table, chunks):
        table(chunks[0].input_ids)
    assert table.forward is wrapper
    assert calls == [1]


def test_training_looks_up_once(encoder: DualEncoder) -> None:
    chunks = made_chunks()
    for checkpointed in (False, True):
        waiting, seen = [encode_chunks(encoder, chunks, checkpointed).grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [one for one, _ in node.next_functions]
        lookups = [node for node in seen if node.name() == "EmbeddingBackward0"]
        assert len(lookups) == (len(chunks) if checkpointed else 1)
