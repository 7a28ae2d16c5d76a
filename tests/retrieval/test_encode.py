from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridret.base.progress import Quiet
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenization import Tokenization
from hybridret.retrieval import encode
from hybridret.retrieval.encode import encode_texts, length_batches

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
    assert max(rows for rows, _ in shapes) <= 8
    assert real / sum(rows * width for rows, width in shapes) > 0.9  # input order: about 0.55


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_batches_hold_every_row_once_longest_first_and_at_most_a_tenth_of_padding(batch_size: int) -> None:
    lengths = np.random.default_rng(0).zipf(1.5, size=3000).clip(1, 512)
    batches = length_batches(lengths.tolist(), batch_size)
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(3000))
    assert (np.diff(lengths[order]) <= 0).all()
    assert max(map(len, batches)) <= batch_size
    assert all(lengths[batch].min() >= 0.9 * lengths[batch].max() for batch in batches)
    assert len(batches) <= -(-3000 // batch_size) + 60  # equal rows are not torn apart: few batches more than needed


def test_batches_of_equal_or_no_rows() -> None:
    assert [batch.tolist() for batch in length_batches([7] * 5, 2)] == [[0, 1], [2, 3], [4]]
    assert length_batches([], 2) == []
    with pytest.raises(ValueError, match="batch_size 0"):
        length_batches([1], 0)


@pytest.mark.parametrize("contexts", [False, True])
def test_a_transformer_gives_the_vectors_of_one_by_one(contexts: bool) -> None:
    """The toy has no attention: here padding could leak through the mask, and a batch without padding needs none."""
    items, behind = texts(60, seed=1), texts(60, seed=2) if contexts else None
    words = Tokenizer(models.BPE(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    words.train_from_iterator([*WORDS], trainers.BpeTrainer(special_tokens=["[PAD]", "[UNK]", "[SEP]"]))
    words.post_processor = processors.TemplateProcessing("$A [SEP]", "$A [SEP] $B [SEP]", [("[SEP]", 2)])
    fast = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", sep_token="[SEP]")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
    body = HuggingFaceBody(BertModel(config))
    encoder = DualEncoder(body, "mean", Tokenization(fast, TextSettings("", "", 48, 48))).eval()
    got = encode_texts(encoder, items, "passage", 8, Quiet(), contexts=behind)
    slow = []
    with torch.inference_mode():
        for row, item in enumerate(items):
            ids = encoder.tokenization.passages([item], None if behind is None else [behind[row]])
            slow.append(encoder(*encoder.tokenization.pad(ids)))
    np.testing.assert_allclose(got, torch.cat(slow).numpy(), atol=1e-5)


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
    rounded = encode_texts(toy_encoder, texts(20), "passage", 8, Quiet(), precision="bf16")
    assert torch.bfloat16 in toy_encoder.dtypes
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, atol=0.03)


def test_no_texts(toy_encoder: Any) -> None:
    assert encode_texts(toy_encoder, [], "query", 4, Quiet()).shape == (0, 16)
