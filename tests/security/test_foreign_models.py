"""What the folder of a model of somebody else can try: code beside its weights, and kernels of the hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, dynamic_module_utils, modeling_utils

from hybridret.base.errors import UserError
from hybridret.base.files import hash_file, hash_json, read_json, write_json
from hybridret.base.settings import TextSettings
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.tokenizer_training import trained_tokenizer

TEXT = TextSettings("", "", 8, 8)
CODE = """
from pathlib import Path
from transformers import BertConfig, PreTrainedTokenizerFast
Path({mark!r}).mkdir()
class Config(BertConfig): pass
class Tokenizer(PreTrainedTokenizerFast): pass
"""
KERNEL = "somebody/kernel"


class TextSource:
    def texts(self) -> list[str]:
        return [f"What is the square of {number}? It is {number**2}." for number in range(60)]

    def fingerprint(self) -> str:
        return "squares"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return trained_tokenizer(TextSource(), 200)


@pytest.fixture
def checkpoint(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    folder = tmp_path / "checkpoint"
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=16, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def best(tmp_path: Path, checkpoint: Path) -> Path:
    """The folder of an encoder, as in a run directory."""
    save_encoder(encoder_of(checkpoint), tmp_path / "best")
    return tmp_path / "best"


def encoder_of(checkpoint: Path, **options: object) -> object:
    return HuggingFace({"base": {"checkpoint": str(checkpoint)}}, **options).encoder("auto", TEXT, None, 0)


def edit(folder: Path, name: str, change: Callable[[dict[str, object]], object]) -> None:
    """Change a JSON file; its checksums are right again then, as somebody who means harm would see to."""
    found = read_json(folder / name)
    change(found)
    if "checksum" in found:
        found["checksum"] = hash_json({key: one for key, one in found.items() if key != "checksum"}, length=64)
    write_json(folder / name, found)
    if name != "encoder.json" and (folder / "encoder.json").is_file():
        edit(folder, "encoder.json", lambda one: one["files"].update({name: hash_file(folder / name, length=64)}))


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where code of the folder leaves its trace."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    return tmp_path / "attacked"


def bring_code(folder: Path, mark: Path, file: str) -> None:
    (folder / f"{mark.parent.name}.py").write_text(CODE.format(mark=str(mark)))
    module = mark.parent.name
    if file == "config.json":
        edit(folder, file, lambda one: one.update(model_type="mine", auto_map={"AutoConfig": f"{module}.Config"}))
    else:
        auto = {"AutoTokenizer": [f"{module}.Tokenizer", f"{module}.Tokenizer"]}
        edit(folder, file, lambda one: one.update(tokenizer_class="Mine", auto_map=auto))


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("granted_by_itself", [True, False])
def test_code_beside_the_weights_does_not_run(best: Path, mark: Path, file: str, granted_by_itself: bool) -> None:
    bring_code(best, mark, file)
    edit(best, "encoder.json", lambda one: one["body"]["architecture"].update(trust_remote_code=granted_by_itself))
    refused = granted_by_itself or file == "config.json"  # else a plain tokenizer stands in for its own
    with pytest.raises(UserError, match=r"trust=\[remote_code\]") if refused else nullcontext():
        load_encoder(best)
    assert not mark.exists()
    if granted_by_itself:
        try:
            load_encoder(best, trust_remote_code=True)
        except Exception:  # whatever that code makes of it
            assert mark.exists()
        assert mark.exists()


def test_the_error_says_who_can_allow_it(best: Path) -> None:
    edit(best, "encoder.json", lambda one: one["body"]["architecture"].update(trust_remote_code=True))
    with pytest.raises(UserError, match=r"trust=\[remote_code\] \(search, publish and analyse: --trust remote_code"):
        load_encoder(best)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kernels that transformers would fetch from the hub and load into this process."""
    found: list[str] = []

    def fetch(name: str, **unused: object) -> None:
        found.append(name)
        raise ImportError("no kernels here")

    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", fetch)
    return found


@pytest.mark.parametrize("value", [KERNEL, {"": KERNEL}])
def test_a_checkpoint_names_no_kernel_of_the_hub(
    best: Path, checkpoint: Path, fetched: list[str], value: object
) -> None:
    for folder in (best, checkpoint):
        edit(folder, "config.json", lambda one: one.update(attn_implementation=value))
    for read in (lambda: load_encoder(best), lambda: encoder_of(checkpoint)):
        with pytest.raises(UserError, match=f"asks for {KERNEL} as its attention"):
            read()
    assert not fetched
    with pytest.raises(ImportError):
        BertModel.from_pretrained(checkpoint)
    assert fetched == [KERNEL]


def test_nor_does_the_description_of_an_encoder(best: Path, fetched: list[str]) -> None:
    edit(best, "encoder.json", lambda one: one["body"]["architecture"].update(attention=KERNEL))
    with pytest.raises(UserError, match=f"asks for {KERNEL}"):
        load_encoder(best)
    assert not fetched


@pytest.mark.parametrize("file", ["config.json", "sentence_bert_config.json"])
def test_nor_does_a_model_of_sentence_transformers(checkpoint: Path, fetched: list[str], file: str) -> None:
    from hybridret.encoders.sentence_transformers import SentenceTransformers

    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (checkpoint / "modules.json").write_text(json.dumps(modules))
    (checkpoint / "sentence_bert_config.json").write_text("{}")
    asks = {"attn_implementation": KERNEL}
    edit(checkpoint, file, lambda one: one.update(asks if file == "config.json" else {"model_args": asks}))
    with pytest.raises(UserError, match=f"asks for {KERNEL}"):
        SentenceTransformers({"base": {"checkpoint": str(checkpoint)}}).encoder("base", TEXT, None, 0)
    assert not fetched
