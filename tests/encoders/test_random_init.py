"""`backbone.init=random`: weights from the seed, a tokenizer from the corpus, and the model's own table of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
XLMR = {"model_type": "xlm-roberta", "vocab_size": 1000, "max_position_embeddings": 34, "pad_token_id": 1, **SMALL}


def build(text: TextSettings, corpus: Any, seed: int = 0, config: Any = XLMR, **options: Any) -> DualEncoder:
    sizes = {"tiny": {"config": config, "checkpoint": "someone/nothing"}}
    return HuggingFace(sizes, init="random", **options).encoder("tiny", text, corpus, seed)


def test_the_seed_alone_decides_the_weights(text: TextSettings, corpus: Any) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first = build(text, corpus, seed=3)
    assert torch.equal(torch.rand(1), expected)
    assert first.weights_hash() == build(text, corpus, seed=3).weights_hash()
    assert first.weights_hash() != build(text, corpus, seed=4).weights_hash()
    assert {parameter.dtype for parameter in first.parameters()} == {torch.float32}
    assert not first.training


def test_the_table_keeps_its_size_and_all_ids_fit(text: TextSettings, corpus: Any) -> None:
    encoder = build(text, corpus)
    assert encoder.body.input_embeddings().weight.shape == (1000, 16)
    assert len(encoder.tokenization.tokenizer) <= 1000
    rows = encoder.tokenization.queries(list(corpus.texts()))
    assert min(row.min() for row in rows) >= 0
    assert max(row.max() for row in rows) < len(encoder.tokenization.tokenizer)


def test_the_model_learns_which_id_is_padding(text: TextSettings, corpus: Any) -> None:
    """XLM-R's own padding id, 1, is the unknown token of the trained tokenizer: a word, not padding."""
    encoder = build(text, corpus)
    tokenizer = encoder.tokenization.tokenizer
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id) == (0, 1)
    config = encoder.body.model.config
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 2, 3)
    assert torch.equal(encoder.body.input_embeddings().weight[0], torch.zeros(16))
    assert encoder.body.positions == 33
    ids = torch.tensor([[2, 1, 5, 3]])
    states = [encoder.body(order, torch.ones_like(order))[0] for order in (ids, ids[:, [0, 2, 1, 3]])]
    assert not torch.allclose(states[0][0], states[1][0], atol=1e-6)  # the order of a known and an unknown word counts


def test_dropout_is_the_given_one(text: TextSettings, corpus: Any) -> None:
    def rates(encoder: DualEncoder) -> set[float]:
        return {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)}

    assert rates(build(text, corpus)) == {0.1}
    assert rates(build(text, corpus, dropout=0.0)) == {0.0}


def test_no_corpus_is_an_error_that_says_what_to_do(text: TextSettings) -> None:
    with pytest.raises(UserError, match=r"backbone.init=random trains its tokenizer on a corpus.*data=\.\.\."):
        build(text, None)


class Ideographs:
    def texts(self) -> Iterable[str]:
        yield "".join(chr(0x4E00 + number) for number in range(200))

    def fingerprint(self) -> str:
        return "200 ideographs"


def test_more_characters_than_embeddings_is_an_error(text: TextSettings) -> None:
    with pytest.raises(UserError, match=r"has 2\d\d tokens, and the model embeds 120"):
        build(text, Ideographs(), config=XLMR | {"vocab_size": 120})


def test_without_numbers_the_checkpoints_config_is_asked_for(text: TextSettings, corpus: Any) -> None:
    with pytest.raises(UserError, match=r"someone/nothing is neither .*set backbone.sizes.tiny.config"):
        build(text, corpus, config=None)


def test_init_is_one_of_two_words() -> None:
    with pytest.raises(UserError, match=r"backbone.init=randm: .*Did you mean 'random'"):
        HuggingFace({}, init="randm")
