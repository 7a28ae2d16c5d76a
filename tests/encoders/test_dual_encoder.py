from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.scratch import Scratch
from hybridret.encoders.transformer import Transformer

TEXTS = ["What is the square of 7?", "El cuadrado de 11", "7", "¿Cuál es el cuadrado de 3? El cuadrado de 3 es 9."]


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_vectors_are_unit_fp32_and_independent_of_padding_and_neighbours(
    make_encoder: Callable[..., DualEncoder], pooling: str
) -> None:
    encoder = make_encoder(pooling=pooling)
    rows = encoder.tokenization.queries(TEXTS)
    together = encoder(*encoder.tokenization.pad(rows, length=24))
    assert together.shape == (4, encoder.dimension)
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.norm(dim=1), torch.ones(4))
    alone = torch.cat([encoder(*encoder.tokenization.pad([row])) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    assert (together @ together.T).fill_diagonal_(0).max() < 0.999  # different texts, different vectors


def test_autocast_leaves_unit_fp32_vectors(encoder: DualEncoder) -> None:
    tokens = encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))
    with torch.autocast("cpu", torch.bfloat16):
        vectors = encoder(*tokens)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    assert not torch.equal(vectors, encoder(*tokens))  # the body did run in bf16
    torch.testing.assert_close(vectors, encoder(*tokens), atol=0.05, rtol=0)


def test_padding_ids_do_not_matter(encoder: DualEncoder) -> None:
    ids, mask = encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))
    assert torch.equal(encoder(ids, mask), encoder(torch.where(mask == 0, 17, ids), mask))


def test_word_order_matters(encoder: DualEncoder) -> None:
    rows = encoder.tokenization.queries(["7 is 9 de", "9 is 7 de"])
    assert len(rows[0]) == len(rows[1])
    one, two = encoder(*encoder.tokenization.pad(rows))
    assert (one - two).abs().max() > 1e-4


def test_parameters_by_hand(make_encoder: Callable[..., DualEncoder]) -> None:
    encoder = make_encoder("nano")
    width, vocabulary, positions = 16, len(encoder.tokenization.tokenizer), 32
    attention = width * 3 * width + 3 * width + width * width + width
    feed = width * 4 * width + 4 * width + 4 * width * width + width
    body = attention + feed + 3 * 2 * width + positions * width
    assert encoder.parameters_counted() == {
        "total": body + vocabulary * width,
        "body": body,
        "trainable": body + vocabulary * width,
    }
    embeddings = encoder.embedding_parameters()
    assert [tuple(parameter.shape) for parameter in embeddings] == [(vocabulary, width)]
    embeddings[0].requires_grad_(False)
    assert encoder.parameters_counted()["trainable"] == body


def test_the_seed_alone_decides_the_weights(make_encoder: Callable[..., DualEncoder]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = make_encoder(seed=3)
    assert torch.equal(torch.rand(1), expected)  # the caller's random state is untouched
    two, other = make_encoder(seed=3), make_encoder(seed=4)
    pairs = list(zip(one.parameters(), two.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.embedding_parameters()[0], other.embedding_parameters()[0])


def test_residual_scale_does_not_grow_with_depth() -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 50, (8, 10))
    states = [Transformer(50, 32, layers, 4, 16) for layers in (1, 12)]
    for body in states:
        body.norm = torch.nn.Identity()  # type: ignore[assignment]
    shallow, deep = (float(body(ids, torch.ones_like(ids)).detach().std()) for body in states)
    assert deep < 3 * shallow


def test_bad_sizes_keys_and_lengths_are_user_errors(text: TextSettings, corpus: object) -> None:
    entry = {"width": 16, "layers": 1, "heads": 2}
    with pytest.raises(UserError, match=r"model.size=large.*It has: tiny, small"):
        Scratch({"tiny": entry, "small": entry}).encoder("large", text, corpus, 0)
    with pytest.raises(UserError, match=r"sizes.tiny.layer: unknown key. Did you mean 'layers'"):
        Scratch({"tiny": {**entry, "layer": 1}}).encoder("tiny", text, corpus, 0)
    with pytest.raises(UserError, match=r"sizes.tiny lacks 'heads'"):
        Scratch({"tiny": {"width": 16, "layers": 1}}).encoder("auto", text, corpus, 0)
    with pytest.raises(UserError, match=r"sizes.tiny must be a mapping"):
        Scratch({"tiny": 3}).encoder("auto", text, corpus, 0)
    with pytest.raises(UserError, match="heads must divide width"):
        Scratch({"tiny": {**entry, "heads": 3}}).encoder("tiny", text, corpus, 0)
    with pytest.raises(UserError, match=r"text.passage_length=65: this backbone reads at most 64"):
        Scratch({"tiny": entry}, max_positions=64).encoder("tiny", replace(text, passage_length=65), corpus, 0)
    with pytest.raises(UserError, match="trains its tokenizer on a corpus"):
        Scratch({"tiny": entry}).encoder("tiny", text, None, 0)


def test_auto_is_the_only_size_or_tiny(text: TextSettings, corpus: object) -> None:
    entry = {"width": 16, "layers": 1, "heads": 2}
    wide = {"width": 32, "layers": 1, "heads": 2}
    assert Scratch({"big": wide}).encoder("auto", text, corpus, 0).dimension == 32
    assert Scratch({"big": wide, "tiny": entry}).encoder("auto", text, corpus, 0).dimension == 16
