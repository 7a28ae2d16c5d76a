"""Recomputed and compiled layers: the same gradients under the same names, for every family."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from hybridret.base.settings import TextSettings
from hybridret.encoders.adapters.lora import LoRA
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.layers import compile_layers, recompute_layers
from hybridret.encoders.token_rows import TokenRows

sys.path.insert(0, str(Path(__file__).parent))
from test_families import FAMILIES, tiny_family

TEXTS = ["What is the square of 7?", "El cuadrado de 11 es 121. El cuadrado de 12 es 144.", "7", "", "49 49 49"]

Make = Callable[..., DualEncoder]


@pytest.fixture
def make(make_encoder: Make, corpus: object, text: TextSettings) -> Make:
    def build(name: str, dropout: float = 0.0) -> DualEncoder:
        if name == "scratch":
            return make_encoder(dropout=dropout)
        return tiny_family(name).encoder("tiny", text, corpus, 0)

    return build


def encoded(encoder: DualEncoder, chunk_size: int | None, checkpointed: bool) -> torch.Tensor:
    """The vectors of `TEXTS`, in their order."""
    rows = TokenRows.of(encoder.tokenization.queries(TEXTS))
    chunks, places = rows.chunks(chunk_size, encoder.tokenization.pad_id)
    return encode_chunks(encoder, chunks, checkpointed)[places]


def gradients(encoder: DualEncoder, chunk_size: int | None, checkpointed: bool) -> dict[str, torch.Tensor]:
    encoder.zero_grad()
    torch.manual_seed(4)  # of the dropout
    vectors = encoded(encoder, chunk_size, checkpointed)
    (vectors @ vectors.T).exp().triu(1).sum().backward()
    return {name: one.grad.clone() for name, one in encoder.named_parameters() if one.grad is not None}


def calls(layer: nn.Module) -> list[tuple[bool, tuple[Any, ...]]]:
    """Fills with (whether gradients are wanted, positional arguments) at every call of what `layer` computes."""
    seen: list[tuple[bool, tuple[Any, ...]]] = []
    usual = layer.forward

    def forward(*states: Any, **more: Any) -> Any:
        seen.append((torch.is_grad_enabled(), states))
        return usual(*states, **more)

    layer.forward = forward
    return seen


@pytest.mark.parametrize("name", ["scratch", *FAMILIES])
def test_recomputed_layers_have_the_same_gradient(name: str, make: Make) -> None:
    """Alone, and inside chunks that are recomputed themselves; with dropout in the families that have it."""
    encoder = make(name, dropout=0.3).train()
    if name != "xglm":  # transformers' code for it cannot compute in fp64
        encoder.double()
    names = list(encoder.state_dict())
    plain = {how: gradients(encoder, *how) for how in ((None, False), (2, True))}
    seen = calls(encoder.body.layers()[0])
    recompute_layers(encoder.body)
    assert list(encoder.state_dict()) == names
    for how, expected in plain.items():
        seen.clear()
        found = gradients(encoder, *how)
        assert found.keys() == expected.keys()
        for key, gradient in expected.items():
            close = {"rtol": 1e-5, "atol": 1e-6} if name == "xglm" else {"rtol": 1e-10, "atol": 1e-14}
            torch.testing.assert_close(found[key], gradient, **close)
        chunks = 1 if how[0] is None else 3
        assert len(seen) == chunks * (2 if how[0] is None else 3)  # once more for each recomputation around it
        # torch keeps the random state of a GPU only of tensors that are given by position.
        assert all(isinstance(states[0], torch.Tensor) and states[0].is_floating_point() for _, states in seen)
    with torch.no_grad():
        seen.clear()
        encoded(encoder, None, False)
        assert [wanted for wanted, _ in seen] == [False]


def test_activations_of_a_layer_are_forgotten(make: Make) -> None:
    def kept(encoder: DualEncoder) -> int:
        sizes: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes[tensor.data_ptr()] = tensor.nbytes
            return tensor

        batch = encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            encoder(*batch)
        return sum(sizes.values()) - sum(p.nbytes for p in encoder.parameters() if p.data_ptr() in sizes)

    encoder = make("scratch")
    plain = kept(encoder)
    recompute_layers(encoder.body)
    assert kept(encoder) < 0.2 * plain


def test_a_copy_computes_with_its_own_weights(make: Make) -> None:
    encoder = make("scratch")
    recompute_layers(encoder.body)
    other = copy.deepcopy(encoder)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert float(gradients(encoder, None, False)["body.blocks.0.feed_in.weight"].abs().max()) > 0
    assert float(gradients(other, None, False)["body.blocks.0.feed_in.weight"].abs().max()) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch hides it itself
@pytest.mark.filterwarnings("ignore:.*should not be instantiated.*:DeprecationWarning")  # torch, at bloom's gelu
@pytest.mark.parametrize("name", ["scratch", *FAMILIES])
def test_compiled_layers_have_the_same_numbers(name: str, make: Make) -> None:
    """With texts of several shapes; all layers of one kind share what was compiled. (Code for the CPU is not generated:
    that needs a compiler and minutes.)
    """
    encoder = make(name)
    names = list(encoder.state_dict())
    expected = [gradients(encoder, size, again) for size, again in ((None, False), (2, True))]
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compile_layers(encoder.body, backend="eager")
    recompute_layers(encoder.body)
    assert list(encoder.state_dict()) == names
    for plain, (size, again) in zip(expected, ((None, False), (2, True)), strict=True):
        found = gradients(encoder, size, again)
        for key, gradient in plain.items():
            torch.testing.assert_close(found[key], gradient, rtol=1e-5, atol=1e-6)
    assert 0 < torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 12
    assert not torch._dynamo.utils.counters["recompile_limit"]
    assert not torch._dynamo.utils.counters["graph_break"]
    torch._dynamo.reset()


def test_layers_with_lora_are_recomputed_too(make: Make) -> None:
    encoder = make("llama3").double().train()
    LoRA(rank=2, alpha=4.0, dropout=0.4, targets=None, frozen="fp32").apply(encoder.body, seed=1)
    with torch.no_grad():
        for key, parameter in encoder.named_parameters():
            if "lora_B" in key:
                parameter.normal_(std=0.1)
    plain = gradients(encoder, 2, True)
    recompute_layers(encoder.body)
    found = gradients(encoder, 2, True)
    assert len(plain) == sum(parameter.requires_grad for parameter in encoder.parameters())
    for key, gradient in plain.items():
        assert float(gradient.abs().max()) > 0
        torch.testing.assert_close(found[key], gradient, rtol=1e-10, atol=1e-14)
