from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, T5Config, T5EncoderModel

from hybridret.base.errors import UserError
from hybridret.base.files import hash_file, hash_json
from hybridret.base.settings import TextSettings
from hybridret.encoders import folder as folder_module
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import trained_tokenizer

TEXTS = ["What is the square of 7?", "¿Cuál es el cuadrado de 11?", "", "zażółć gęślą jaźń 七"]


def vectors(encoder: DualEncoder) -> torch.Tensor:
    rows = encoder.tokenization.queries(TEXTS) + encoder.tokenization.passages(TEXTS, ["context"] * len(TEXTS))
    with torch.inference_mode():
        return encoder(*encoder.tokenization.pad(rows))


def huggingface(model: str, corpus: object, text: TextSettings) -> DualEncoder:
    tokenizer = trained_tokenizer(corpus, 300)
    size = len(tokenizer)
    if model == "bert":
        config = BertConfig(
            vocab_size=size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
        body = HuggingFaceBody(BertModel(config))
    else:  # its input embeddings are one tensor under two names
        config = T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        body = HuggingFaceBody(T5EncoderModel(config), encoder_part=True)
    return DualEncoder(body, "cls", Tokenization(tokenizer, text)).eval()


@pytest.fixture(params=["transformer", "bert", "t5"])
def any_encoder(
    request: pytest.FixtureRequest, make_encoder: Callable[..., DualEncoder], corpus: object, text: TextSettings
) -> DualEncoder:
    if request.param == "transformer":
        return make_encoder(pooling="last", dropout=0.1)
    return huggingface(request.param, corpus, text)


@pytest.fixture
def saved(encoder: DualEncoder, tmp_path: Path) -> Path:
    save_encoder(encoder, tmp_path / "best")
    return tmp_path / "best"


def rewrite(saved: Path, name: str, **changes: object) -> None:
    """Change a JSON file; keep `encoder.json`'s hashes true."""
    content = json.loads((saved / name).read_text())
    content.update(changes)
    if "checksum" in content:
        del content["checksum"]
        content["checksum"] = hash_json(content, length=64)
    (saved / name).write_text(json.dumps(content))


def test_loading_is_bitwise(any_encoder: DualEncoder, tmp_path: Path) -> None:
    save_encoder(any_encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    assert torch.equal(vectors(loaded), vectors(any_encoder))
    assert not loaded.training
    assert loaded.pooling == any_encoder.pooling
    assert loaded.tokenization.text == any_encoder.tokenization.text
    assert loaded.weights_hash() == any_encoder.weights_hash()
    assert loaded.parameters_counted() == any_encoder.parameters_counted()
    for one, two in zip(loaded.tokenization.queries(TEXTS), any_encoder.tokenization.queries(TEXTS), strict=True):
        assert one.tolist() == two.tolist()
    save_encoder(loaded, tmp_path / "again")
    assert torch.equal(vectors(load_encoder(tmp_path / "again")), vectors(any_encoder))
    names = sorted(path.name for path in (tmp_path / "best").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())


def test_files_and_identity_do_not_depend_on_what_was_tokenized_last(any_encoder: DualEncoder, tmp_path: Path) -> None:
    found = []
    for i, tokenize in enumerate((any_encoder.tokenization.queries, any_encoder.tokenization.passages)):
        tokenize(["What is the capital of France? " * 40])
        save_encoder(any_encoder, tmp_path / str(i))
        files = sorted(path for path in (tmp_path / str(i)).rglob("*") if path.is_file())
        found.append(({path.name: path.read_bytes() for path in files}, any_encoder.identity()))
        tokenize(["What is the capital of France? " * 40])
        assert any_encoder.identity() == found[0][1]
    assert found[0] == found[1]


def test_the_folder_holds_no_pickle(saved: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} == {".json", ".safetensors"}


def test_text_settings_travel(saved: Path, encoder: DualEncoder, tmp_path: Path) -> None:
    text = replace(encoder.tokenization.text, query_prefix="suche: ", query_length=9)
    other = DualEncoder(encoder.body, "mean", Tokenization(encoder.tokenization.tokenizer, text)).eval()
    save_encoder(other, tmp_path / "other")
    assert load_encoder(tmp_path / "other").tokenization.text == text
    assert not torch.equal(vectors(load_encoder(tmp_path / "other")), vectors(load_encoder(saved)))


def test_saving_again_replaces_the_folder_whole(saved: Path, make_encoder: Callable[..., DualEncoder]) -> None:
    (saved / "stale.txt").write_text("from an older encoder")
    other = make_encoder(seed=9)
    save_encoder(other, saved)
    assert torch.equal(vectors(load_encoder(saved)), vectors(other))
    assert not (saved / "stale.txt").exists()
    assert [path.name for path in saved.parent.iterdir()] == ["best"]


def test_a_failed_save_leaves_the_old_encoder(
    saved: Path, encoder: DualEncoder, make_encoder: Callable[..., DualEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "save_file", full_disk)
    with pytest.raises(UserError, match=r"Cannot write .*best: No space left on device"):
        save_encoder(make_encoder(seed=9), saved)
    assert torch.equal(vectors(load_encoder(saved)), vectors(encoder))
    assert [path.name for path in saved.parent.iterdir()] == ["best"]


def test_a_kill_between_the_two_moves_loses_nothing(saved: Path, encoder: DualEncoder) -> None:
    os.replace(saved, saved.parent / ".best.old")
    assert torch.equal(vectors(load_encoder(saved)), vectors(encoder))
    save_encoder(encoder, saved)
    assert [path.name for path in saved.parent.iterdir()] == ["best"]


@pytest.mark.parametrize("name", ["model.safetensors", "encoder.json", "tokenizer.json"])
def test_missing_files_are_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        load_encoder(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "encoder.json", "tokenizer.json"])
def test_cut_files_are_named(saved: Path, name: str) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=name):
        load_encoder(saved)


def test_a_changed_weight_is_found(saved: Path) -> None:
    content = bytearray((saved / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (saved / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model.safetensors is damaged or was changed"):
        load_encoder(saved)


def test_weights_of_another_architecture_are_named(
    saved: Path, make_encoder: Callable[..., DualEncoder], tmp_path: Path
) -> None:
    save_encoder(make_encoder("nano"), tmp_path / "nano")
    description = json.loads((saved / "encoder.json").read_text())
    nano = json.loads((tmp_path / "nano" / "encoder.json").read_text())
    rewrite(saved, "encoder.json", body=nano["body"])
    with pytest.raises(UserError, match=r"model.safetensors does not fit the architecture in .*encoder.json"):
        load_encoder(saved)
    fewer = {"kind": "transformer", "architecture": {**description["body"]["architecture"], "layers": 1}}
    rewrite(saved, "encoder.json", body=fewer)
    with pytest.raises(UserError, match=r"does not fit .*blocks.1"):  # loading is strict
        load_encoder(saved)


def test_cut_weights_with_a_true_hash_are_still_an_error(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    files = json.loads((saved / "encoder.json").read_text())["files"]
    rewrite(saved, "encoder.json", files={**files, weights.name: hash_file(weights, length=64)})
    with pytest.raises(UserError, match=r"model.safetensors does not fit"):
        load_encoder(saved)


def test_descriptions_of_other_versions_or_kinds_are_errors(saved: Path) -> None:
    rewrite(saved, "encoder.json", format=3)
    with pytest.raises(UserError, match=r"encoder.json is not of format 2"):
        load_encoder(saved)
    rewrite(saved, "encoder.json", format=2, body={"kind": "os.system", "architecture": {}})
    with pytest.raises(UserError, match=r"encoder.json is not whole"):
        load_encoder(saved)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a saved encoder"):
        load_encoder(tmp_path)


def test_code_from_a_checkpoint_is_not_run_unasked(tmp_path: Path, corpus: object, text: TextSettings) -> None:
    encoder = huggingface("bert", corpus, text)
    encoder.body.trust_remote_code = True
    save_encoder(encoder, tmp_path / "best")
    with pytest.raises(UserError, match="trust_remote_code"):
        load_encoder(tmp_path / "best")


def test_the_weights_hash_sees_values_and_names(make_encoder: Callable[..., DualEncoder]) -> None:
    encoder = make_encoder(seed=1)
    before = encoder.weights_hash()
    assert before == make_encoder(seed=1).weights_hash()
    assert len(before) == 16
    with torch.no_grad():
        encoder.embedding_parameters()[0][3, 4] += 1e-6
    assert encoder.weights_hash() != before
    encoder.bfloat16()
    assert len({before, encoder.weights_hash()}) == 2


def test_encoder_json_checks_itself(tmp_path: Path, encoder: DualEncoder) -> None:
    """One letter of a prefix gives other vectors; so does any other value."""
    save_encoder(encoder, tmp_path / "best")
    file = tmp_path / "best" / "encoder.json"
    raw, found = file.read_bytes(), load_encoder(tmp_path / "best")
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 7
        file.write_bytes(changed)
        try:
            again = load_encoder(tmp_path / "best")
        except UserError:
            continue
        assert again.tokenization.text == found.tokenization.text  # white space between the values
        assert changed.decode().split() == raw.decode().split() or json.loads(changed) == json.loads(raw)


def test_an_encoder_of_the_format_before_is_read(tmp_path: Path, encoder: DualEncoder) -> None:
    save_encoder(encoder, tmp_path / "best")
    file = tmp_path / "best" / "encoder.json"
    saved = json.loads(file.read_text())
    del saved["checksum"]
    file.write_text(json.dumps({**saved, "format": 1}))
    assert load_encoder(tmp_path / "best").pooling == encoder.pooling


def test_colleagues_can_read_all_files(tmp_path: Path, encoder: DualEncoder) -> None:
    before = os.umask(0o022)
    try:
        save_encoder(encoder, tmp_path / "best")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "best").iterdir()} == {0o644}


WRONG: tuple[object, ...] = (None, True, 3, -1, 0, 1e300, "x", [], {}, [[]], {"a": []})


def test_a_description_of_wrong_types_is_an_error_and_no_traceback(saved: Path) -> None:
    """With a true checksum: of somebody else, or of an editor."""
    text = (saved / "encoder.json").read_text()
    whole = json.loads(text)
    places = [(key,) for key in whole if key != "checksum"]
    places += [(key, below) for key in ("body", "text", "files") for below in whole[key]]
    places += [("body", "architecture", below) for below in whole["body"]["architecture"]]
    cases, refused = random.Random(1).sample([(place, wrong) for place in places for wrong in WRONG], 60), 0
    for place, wrong in cases:
        content = json.loads(text)
        value = content
        for key in place[:-1]:
            value = value[key]
        value[place[-1]] = wrong
        (saved / "encoder.json").write_text(json.dumps(content))
        rewrite(saved, "encoder.json")
        try:
            load_encoder(saved)
        except UserError as error:
            assert str(saved) in str(error)  # noqa: PT017 - a few change nothing
            refused += 1
    assert refused > 0.9 * len(cases)


def test_a_full_disk_while_the_tokenizer_is_saved(encoder: DualEncoder, tmp_path: Path) -> None:
    """The Rust code of tokenizers raises a bare Exception."""
    (tmp_path / "tokenizer.json").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        encoder.tokenization.save(tmp_path)
