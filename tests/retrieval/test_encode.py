from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hybridret.progress import Quiet
from hybridret.retrieval import encode
from hybridret.retrieval.encode import encode_texts

WORDS = ["a", "bb", "ccc", "dddd dddd", "e" * 30, "ff gg hh", "iiii", "j k l m n o p"]


def texts(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(count)]


def one_by_one(encoder: Any, items: list[str]) -> np.ndarray:
    """The slow twin: every text alone, in its order, without padding."""
    encoder.eval()
    with torch.inference_mode():
        rows = [encoder(*encoder.tokenization.pad(encoder.tokenization.passages([item]))) for item in items]
    return torch.cat(rows).numpy()


def test_equal_to_one_by_one_in_the_order_of_the_input(toy_encoder: Any) -> None:
    items = texts(70)
    got = encode_texts(toy_encoder, items, "passage", 8, Quiet())
    assert got.dtype == np.float32
    assert got.shape == (70, 16)
    np.testing.assert_allclose(got, one_by_one(toy_encoder, items), atol=1e-6)


def test_order_and_repetition_change_no_bit(toy_encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "WINDOW", 32)
    items = texts(70)
    first = encode_texts(toy_encoder, items, "passage", 8, Quiet())
    order = np.random.default_rng(5).permutation(70)
    doubled = [items[i] for i in order] + items
    second = encode_texts(toy_encoder, doubled, "passage", 8, Quiet())
    assert (second[:70] == first[order]).all()
    assert (second[70:] == first).all()


def test_equal_texts_are_encoded_once_and_batches_hold_little_padding(toy_encoder: Any) -> None:
    items = texts(64)
    encode_texts(toy_encoder, items * 3, "passage", 8, Quiet())
    shapes = toy_encoder.tokenization.shapes
    distinct = set(items)
    assert sum(rows for rows, _ in shapes) == len(distinct)
    assert [width for _, width in shapes] == sorted((width for _, width in shapes), reverse=True)
    real = sum(len(item) + 1 for item in distinct)
    assert real / sum(rows * width for rows, width in shapes) > 0.8  # input order: about 0.55


def test_queries_passages_and_contexts_differ(toy_encoder: Any) -> None:
    query = encode_texts(toy_encoder, ["rome"], "query", 4, Quiet())
    passage = encode_texts(toy_encoder, ["rome"], "passage", 4, Quiet())
    both = encode_texts(toy_encoder, ["rome", "rome"], "passage", 4, Quiet(), contexts=["in italy", ""])
    assert not np.allclose(query, passage)
    assert not np.allclose(both[0], both[1])


def test_every_module_gets_its_mode_back(toy_encoder: Any) -> None:
    toy_encoder.train()
    toy_encoder.frozen.eval()
    before = [module.training for module in toy_encoder.modules()]
    encode_texts(toy_encoder, texts(5), "query", 2, Quiet())
    assert [module.training for module in toy_encoder.modules()] == before
    assert True in before
    assert False in before

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    toy_encoder.tokenization.pad = broken
    with pytest.raises(RuntimeError, match="broken"):
        encode_texts(toy_encoder, texts(5), "query", 2, Quiet())
    assert [module.training for module in toy_encoder.modules()] == before


def test_bf16_runs_the_forward_pass_in_bf16_and_returns_fp32(toy_encoder: Any) -> None:
    exact = encode_texts(toy_encoder, texts(20), "passage", 8, Quiet())
    assert toy_encoder.dtypes == {torch.float32}
    rounded = encode_texts(toy_encoder, texts(20), "passage", 8, Quiet(), bf16=True)
    assert torch.bfloat16 in toy_encoder.dtypes
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, atol=0.03)


def test_no_texts(toy_encoder: Any) -> None:
    assert encode_texts(toy_encoder, [], "query", 4, Quiet()).shape == (0, 16)
