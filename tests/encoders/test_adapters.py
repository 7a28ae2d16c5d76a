"""LoRA: what is trained, what a saved encoder holds, and what is refused; for every family, on the meta device too."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.adapters.full import Full
from hybridret.encoders.adapters.lora import LoRA, linear_layers
from hybridret.encoders.counting import counted
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.plain_state import merge, plain_state

sys.path.insert(0, str(Path(__file__).parent))
from test_families import FAMILIES, tiny_family

pytestmark = pytest.mark.slow

TEXTS = ["What is the square of 7?", "El cuadrado de 11 es 121. El cuadrado de 12 es 144.", "7", ""]
PLAIN: dict[str, Any] = {"rank": 2, "alpha": 6.0, "dropout": 0.0, "targets": None, "frozen": "fp32"}

Make = Callable[..., DualEncoder]


def lora(**changes: Any) -> LoRA:
    return LoRA(**(PLAIN | changes))


@pytest.fixture
def make(make_encoder: Make, corpus: object, text: TextSettings) -> Make:
    """A fresh encoder of a family, or of `scratch`, with weights of some size."""

    def build(name: str, seed: int = 0) -> DualEncoder:
        if name == "scratch":
            return make_encoder(seed=seed)
        encoder = tiny_family(name).encoder("tiny", text, corpus, seed)
        with torch.no_grad():
            for parameter in encoder.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(5)
        return encoder

    return build


def adapted(encoder: DualEncoder, **changes: Any) -> DualEncoder:
    """With LoRA as if some steps had been trained: both small matrices are random."""
    lora(**changes).apply(encoder.body, seed=3)
    random = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1, generator=random)
    return encoder


def vectors(encoder: DualEncoder, bf16: bool = False) -> torch.Tensor:
    rows = encoder.tokenization.queries(TEXTS) + encoder.tokenization.passages(TEXTS, ["context"] * len(TEXTS))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        return encoder(*encoder.tokenization.pad(rows))


@pytest.mark.parametrize("name", ["scratch", *FAMILIES])
def test_a_saved_encoder_is_an_ordinary_one(
    name: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, encoder = make(name), adapted(make(name))
    before = copy.deepcopy(encoder.state_dict())
    found = vectors(encoder)
    assert float((found - vectors(fresh)).abs().max()) > 1e-2
    save_encoder(encoder, tmp_path / "best")
    assert all(torch.equal(before[key], tensor) for key, tensor in encoder.state_dict().items())
    monkeypatch.setitem(sys.modules, "peft", None)  # an import of it raises
    loaded = load_encoder(tmp_path / "best")
    torch.testing.assert_close(vectors(loaded), found, atol=1e-5, rtol=0)
    assert type(loaded.body) is type(encoder.body)
    assert loaded.state_dict().keys() == fresh.state_dict().keys()
    assert loaded.parameters_counted() == fresh.parameters_counted()
    assert loaded.weights_hash() not in (fresh.weights_hash(), encoder.weights_hash())


@pytest.mark.parametrize("name", ["scratch", *FAMILIES])
def test_what_is_trained_is_counted(name: str, make: Make) -> None:
    fresh, encoder = make(name), make(name)
    lora().apply(encoder.body, seed=1)
    names = linear_layers(fresh.body)
    layers = [fresh.body.get_submodule(layer) for layer in names]
    assert len(names) % len(fresh.body.layers()) == 0
    assert len(names) >= 4 * len(fresh.body.layers())
    expected = sum(2 * (layer.in_features + layer.out_features) for layer in layers if isinstance(layer, nn.Linear))
    counts, plain = encoder.parameters_counted(), fresh.parameters_counted()
    assert counts == {key: plain[key] + expected for key in ("total", "body")} | {"trainable": expected}
    assert not any(parameter.requires_grad for parameter in encoder.embedding_parameters())
    assert torch.equal(vectors(encoder), vectors(fresh))  # it starts from the weights that it got
    assert not any(part.training for part in encoder.modules())


@pytest.mark.parametrize("frozen", ["fp32", "bf16"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_meta_device_has_the_same_weights(name: str, frozen: str, make: Make) -> None:
    meta, encoder = tiny_family(name).meta("tiny"), make(name)
    for body in (meta, encoder.body):
        lora(frozen=frozen).apply(body, seed=1)
    assert counted(meta) == encoder.parameters_counted()
    described = [
        [(key, one.shape, one.dtype, one.requires_grad) for key, one in body.named_parameters()]
        for body in (meta, encoder.body)
    ]
    assert described[0] == described[1]
    assert {parameter.device.type for parameter in meta.parameters()} == {"meta"}


def test_merging_is_what_peft_does(make: Make) -> None:
    encoder = adapted(make("llama3"), rank=3, alpha=7.0)
    slow = copy.deepcopy(encoder.body)
    for layer in linear_layers(make("llama3").body):
        part = slow.get_submodule(layer)
        part.get_base_layer().weight.data += part.get_delta_weight("default")
    plain = plain_state(encoder.body)
    expected = {
        key.replace(".base_layer.", "."): value for key, value in slow.state_dict().items() if "lora_" not in key
    }
    assert plain.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(plain[key], value, atol=1e-7, rtol=1e-6)


def test_gathered_weights_are_merged_too(make: Make, tmp_path: Path) -> None:
    """What ranks gathered has the names of the body, but is not the body's: its tied tensors are two."""
    encoder = adapted(make("mt5"))
    gathered = {key: value.clone() for key, value in encoder.body.state_dict().items()}
    tied = {key for key in gathered if key.endswith(("shared.weight", "embed_tokens.weight"))}
    assert len(tied) == 2
    merged = merge(gathered, encoder.body)
    assert len(tied & merged.keys()) == 1
    expected = vectors(encoder)
    with torch.no_grad():
        for parameter in encoder.parameters():  # as on a rank that holds only a part of each
            parameter.zero_()
    save_encoder(encoder, tmp_path / "best", merged)
    torch.testing.assert_close(vectors(load_encoder(tmp_path / "best")), expected, atol=1e-5, rtol=0)


def test_full_fine_tuning_changes_and_copies_nothing(make: Make) -> None:
    encoder = make("scratch")
    before = encoder.state_dict()
    Full().apply(encoder.body, seed=1)
    plain = plain_state(encoder.body)
    assert plain.keys() == encoder.body.state_dict().keys()
    assert all(tensor.data_ptr() == before[f"body.{key}"].data_ptr() for key, tensor in plain.items())


@pytest.mark.parametrize("name", ["scratch", *FAMILIES])
def test_frozen_weights_in_bf16(name: str, make: Make, tmp_path: Path) -> None:
    encoder, wide = adapted(make(name), frozen="bf16"), make(name)
    kinds = {key: parameter.dtype for key, parameter in encoder.body.named_parameters()}
    matrices = {f"{layer}.base_layer.weight" for layer in linear_layers(wide.body)}
    assert {kinds[key] for key in matrices} == {torch.bfloat16}
    assert {parameter.dtype for parameter in encoder.embedding_parameters()} == {torch.bfloat16}
    assert encoder.body.input_embeddings()(torch.tensor([5])).dtype == torch.float32
    assert {kind for key, kind in kinds.items() if "lora_" in key or key.endswith("norm.weight")} == {torch.float32}
    small = sum(tensor.nbytes for key, tensor in encoder.body.named_parameters() if "lora_" not in key)
    assert small < 0.62 * sum(tensor.nbytes for tensor in wide.body.parameters())
    # Rounded once, the weights are merged in fp32: the same rounding of an fp32 body gives the same vectors.
    with torch.no_grad():
        for key, parameter in wide.body.named_parameters():
            if isinstance(wide.body.get_submodule(key.rpartition(".")[0]), nn.Linear) and key.endswith("weight"):
                parameter.copy_(parameter.bfloat16())
        for parameter in wide.embedding_parameters():
            parameter.copy_(parameter.bfloat16())
    rounded = adapted(wide)
    save_encoder(encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    torch.testing.assert_close(vectors(loaded), vectors(rounded), atol=1e-5, rtol=0)
    found = vectors(encoder, bf16=True)
    for other in (vectors(rounded, bf16=True), vectors(loaded, bf16=True), vectors(loaded)):
        assert float((found * other).sum(dim=1).min()) > 0.995


def test_the_seed_alone_decides(make: Make) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    drawn = []
    for seed in (1, 1, 2):
        encoder = make("scratch")
        torch.manual_seed(5)
        lora().apply(encoder.body, seed)
        drawn.append(encoder.state_dict()["body.blocks.0.attention_in.lora_A.default.weight"])
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("targets", "count"), [(["feed_in"], 2), (["feed_in", "attention_out"], 4), (["blocks.1.feed_in"], 1)]
)
def test_targets_are_endings_of_names(targets: list[str], count: int, make: Make) -> None:
    encoder = make("scratch")
    lora(targets=targets).apply(encoder.body, seed=1)
    trained = [key for key, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert len(trained) == 2 * count
    assert all(any(target in key for target in targets) for key in trained)


@pytest.mark.parametrize("target", ["feedin", "in", "token_embedding", ""])
def test_a_target_that_no_layer_has_is_named(target: str, make: Make) -> None:
    with pytest.raises(UserError, match=rf"^adapter\.targets: .*'{target}'"):
        lora(targets=["feed_out", target]).apply(make("scratch").body, seed=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rank": 0}, r"adapter\.rank=0 must be at least 1"),
        ({"alpha": 0.0}, r"adapter\.alpha=0\.0 must be above 0.*is a scale"),
        ({"alpha": math.nan}, r"adapter\.alpha=nan"),
        ({"dropout": 1.0}, r"adapter\.dropout=1\.0 must be"),
        ({"targets": []}, r"adapter\.targets=\[\] is empty\. Name linear layers"),
        ({"frozen": "fp8"}, r"adapter\.frozen=fp8: choose one of fp32, bf16"),
    ],
)
def test_values_that_mean_nothing_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        lora(**wrong)


def test_bf16_needs_autocast() -> None:
    lora(frozen="bf16").check_precision("bf16-mixed")
    for adapter in (lora(), Full()):
        for precision in ("32-true", "bf16-mixed", "16-mixed", "64-true"):
            adapter.check_precision(precision)
    for precision in ("32-true", "16-mixed", "64-true"):
        with pytest.raises(UserError, match=rf"adapter\.frozen=bf16 needs .*bf16-mixed, not {precision}"):
            lora(frozen="bf16").check_precision(precision)
