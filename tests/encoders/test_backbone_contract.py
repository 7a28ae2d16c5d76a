"""What every backbone with random weights keeps; found in conf/backbone. Families of the hub have test_families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from hybridret.base.settings import TextSettings
from hybridret.config.instantiate import make
from hybridret.encoders.backbone import Backbone
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder

CONF = Path(__file__).resolve().parents[2] / "conf" / "backbone"
NOT_ARGUMENTS = ("name", "default_size", "text")
TEXTS = ["What is the square of 7?", "7", "El cuadrado de 11 es 121. El cuadrado de 12 es 144.", ""]


def random_families() -> dict[str, Backbone]:
    """Every backbone of conf/ that can be built as it stands there, without a hub."""
    found = {}
    for path in sorted(CONF.glob("*.yaml")):
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        if stored.get("init", "random") != "random" or "checkpoint" in stored or "sizes" not in stored:
            continue
        family = make({key: value for key, value in stored.items() if key not in NOT_ARGUMENTS}, "backbone")
        if isinstance(family, Backbone):
            found[path.stem] = family
    return found


FAMILIES = random_families()


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Backbone:
    return FAMILIES[request.param]


def smallest(family: Backbone) -> str:
    return min(family.sizes, key=lambda size: sum(one.numel() for one in family.meta(size).parameters()))


def build(family: Backbone, text: TextSettings, corpus: Any, seed: int = 1) -> DualEncoder:
    return family.encoder(smallest(family), text, corpus, seed)


def vectors(encoder: DualEncoder, texts: list[str]) -> torch.Tensor:
    with torch.inference_mode():
        return encoder(*encoder.tokenization.pad(encoder.tokenization.passages(texts)))


def test_scratch_is_among_them() -> None:
    assert "scratch" in FAMILIES


def test_vectors_have_unit_norm_and_do_not_depend_on_padding(family: Backbone, text: TextSettings, corpus: Any) -> None:
    encoder = build(family, text, corpus)
    together = vectors(encoder, TEXTS)
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(torch.cat([vectors(encoder, [one]) for one in TEXTS]), together)


def test_the_seed_alone_decides_the_weights(family: Backbone, text: TextSettings, corpus: Any) -> None:
    torch.manual_seed(5)
    first = build(family, text, corpus, seed=1)
    assert torch.initial_seed() == 5
    torch.manual_seed(6)
    assert first.weights_hash() == build(family, text, corpus, seed=1).weights_hash()
    assert first.weights_hash() != build(family, text, corpus, seed=2).weights_hash()


def test_a_saved_encoder_gives_the_same_vectors(
    family: Backbone, text: TextSettings, corpus: Any, tmp_path: Path
) -> None:
    encoder = build(family, text, corpus)
    save_encoder(encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    assert loaded.identity() == encoder.identity()
    assert torch.equal(vectors(loaded, TEXTS), vectors(encoder, TEXTS))


def test_every_size_can_be_planned(family: Backbone, text: TextSettings, corpus: Any) -> None:
    body, built = family.meta(smallest(family)), build(family, text, corpus).body
    assert [name for name, _ in body.named_parameters()] == [name for name, _ in built.named_parameters()]
    for size in family.sizes:
        body = family.meta(size)
        assert all(one.is_meta for one in body.parameters())
        assert len(body.layers()) >= 1
        assert any(one is parameter for one in body.input_embeddings().parameters() for parameter in body.parameters())


def test_all_weights_are_trained(family: Backbone, text: TextSettings, corpus: Any) -> None:
    encoder = build(family, text, corpus).train()
    encoder(*encoder.tokenization.pad(encoder.tokenization.passages(TEXTS)))[:, 0].sum().backward()
    assert [name for name, one in encoder.named_parameters() if one.grad is None] == []
