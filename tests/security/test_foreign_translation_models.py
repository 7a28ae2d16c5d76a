"""What the folder of a translation model of somebody else can try: a pickle as weights, code, kernels of the hub."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import modeling_utils

from hybridret.base.errors import UserError
from hybridret.pipelines import translate_data
from hybridret.translation.engines.engine import Decoding, Engine
from hybridret.translation.model_files import find_model

sys.path.insert(0, str(Path(__file__).parents[1] / "translation"))

pytestmark = pytest.mark.slow
KERNEL = "somebody/kernel"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentencepiece")
    from tiny_models import make_model

    return make_model("nllb", tmp_path_factory.mktemp("model") / "nllb")


@pytest.fixture
def model(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(original, tmp_path / "model"))


@pytest.fixture(params=["transformers", "ctranslate2"])
def engine_name(request: pytest.FixtureRequest) -> str:
    if request.param == "ctranslate2":
        pytest.importorskip("ctranslate2")
    return str(request.param)


class Attack:
    """Its pickle makes a folder when it is read without a guard."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def pickled(model: Path, more: dict[str, object]) -> Path:
    """The weights as the .bin that older checkpoints have."""
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    torch.save({**weights, **more}, model / "pytorch_model.bin")
    return model / "pytorch_model.bin"


def engine(model: Path, name: str) -> Engine:
    return find_model(str(model), "en", "de", engine=name).engine("en", "de", Decoding(beams=1, length=16), "cpu")  # type: ignore[arg-type]


def test_weights_in_a_pickle_run_nothing(model: Path, tmp_path: Path, engine_name: str) -> None:
    mark = tmp_path / "attacked"
    file = pickled(model, {"attack": Attack(mark)})
    with pytest.raises(UserError, match="hold more than numbers, which could be code: nothing of it was run"):
        engine(model, engine_name)
    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.exists()


def test_plain_weights_in_a_pickle_are_read(model: Path, original: Path, engine_name: str) -> None:
    pickled(model, {})
    texts = ["The castle of stone", "Who?"]
    assert engine(model, engine_name).translate(texts) == engine(original, engine_name).translate(texts)


def test_safetensors_are_preferred(model: Path, tmp_path: Path, engine_name: str) -> None:
    weights = load_file(model / "model.safetensors")
    pickled(model, {"attack": Attack(tmp_path / "attacked")})
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    engine(model, engine_name)
    assert not (tmp_path / "attacked").exists()


def test_no_weights_and_half_of_them(model: Path, engine_name: str) -> None:
    weights = load_file(model / "model.safetensors")
    name = next(name for name in weights if "encoder.layers.1" in name)
    del weights[name]
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=rf"not those of a whole model: {name} \(1 in all\)"):
        engine(model, engine_name)
    (model / "model.safetensors").unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        engine(model, engine_name)


def test_code_beside_the_weights_does_not_run_and_nobody_is_asked(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "attacked"
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # what transformers asks for
    (model / "mine.py").write_text(f"from pathlib import Path\nPath({str(mark)!r}).mkdir()\nclass Mine: pass\n")
    file = model / "tokenizer_config.json"
    auto = {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}
    file.write_text(json.dumps({**json.loads(file.read_text()), "tokenizer_class": "Mine", "auto_map": auto}))
    with suppress(UserError):  # or a plain tokenizer stands in for its own
        find_model(str(model), "en", "de").check("en", "de")
    assert not mark.exists()


def test_a_kernel_of_the_hub_is_not_fetched(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hybridret.translate import main

    fetched: list[str] = []

    def fetch(name: str, **unused: object) -> None:
        fetched.append(name)
        raise ImportError("no kernels here")

    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", fetch)
    file = model / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "attn_implementation": KERNEL}))
    asked = ["data=cldr", "--to", "de", "--from", "en", "--model", str(model), "--output", str(tmp_path / "out")]
    assert main([*asked, "--without", "language"]) == 2
    assert f"asks for {KERNEL} as its attention" in capsys.readouterr().err
    assert not fetched
    monkeypatch.setattr(translate_data, "check_kernels_of", lambda *_: None)
    with pytest.raises(ImportError):
        engine(model, "transformers")
    assert fetched == [KERNEL]
