"""Merged encoders: exact weights, the bits of the parents at both ends, and what cannot be merged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, T5Config, T5EncoderModel

from hybridret.base.checksums import CHECKSUM, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import hash_file
from hybridret.base.progress import Quiet
from hybridret.base.settings import TextSettings
from hybridret.encoders import merging, tensor_file
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import DESCRIPTION, WEIGHTS, load_encoder, save_encoder, weights_sum
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.merging import check_mergeable, merge_encoders
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import trained_tokenizer

Make = Callable[..., DualEncoder]


def slow_loop(ours: torch.Tensor, theirs: torch.Tensor, ratio: float) -> torch.Tensor:
    """One number after the other, in Python's own fp64."""
    pairs = zip(ours.double().flatten().tolist(), theirs.double().flatten().tolist(), strict=True)
    return torch.tensor([ratio * a + (1 - ratio) * b for a, b in pairs], dtype=torch.float64).to(ours.dtype)


@pytest.fixture
def parents(make_encoder: Make, tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "mono", tmp_path / "cross"
    for seed, folder in enumerate(folders):
        save_encoder(make_encoder(seed=seed), folder)
    return folders


def merged(parents: tuple[Path, Path], ratio: float) -> Path:
    folder = parents[0].parent / f"merged {ratio}"
    check_mergeable(*parents)
    merge_encoders(*parents, ratio, folder, Quiet())
    return folder


@pytest.mark.parametrize("ratio", [0.25, 0.3, 1 / 3])
def test_every_weight_is_that_of_a_slow_loop(
    parents: tuple[Path, Path], ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "PIECE", 64)  # most tensors are in several pieces
    found = load_encoder(merged(parents, ratio)).body.state_dict()
    ours, theirs = (load_encoder(folder).body.state_dict() for folder in parents)
    assert found.keys() == ours.keys()
    for name, tensor in found.items():
        assert torch.equal(tensor.flatten(), slow_loop(ours[name], theirs[name], ratio)), name


def test_how_texts_were_cut_last_is_no_difference(parents: tuple[Path, Path]) -> None:
    """Earlier versions wrote it into tokenizer.json, and two runs of one command could differ in it."""
    file = parents[0] / "tokenizer.json"
    rules = json.loads(file.read_text())
    cut = {"direction": "Right", "max_length": 32, "strategy": "LongestFirst", "stride": 0}
    for change, same in (({"truncation": cut}, True), ({"added_tokens": []}, False)):
        file.write_text(json.dumps({**rules, **change}))
        saved = json.loads((parents[0] / DESCRIPTION).read_text())
        del saved[CHECKSUM]
        saved["files"]["tokenizer.json"] = hash_file(file, length=64)
        write_sealed(parents[0] / DESCRIPTION, saved)
        if same:
            check_mergeable(*parents)
        else:
            with pytest.raises(UserError, match=r"differ in tokenizer\.json\."):
                check_mergeable(*parents)


@pytest.mark.parametrize(("ratio", "end"), [(1.0, 0), (0.0, 1)])
def test_both_ends_are_the_parents_bit_by_bit(parents: tuple[Path, Path], ratio: float, end: int) -> None:
    weights = load_file(parents[end] / WEIGHTS)
    first = next(iter(weights))
    weights[first].view(-1)[0] = -0.0  # which a sum turns into 0.0
    rewritten(parents[end], weights)
    folder = merged(parents, ratio)
    assert (folder / WEIGHTS).read_bytes() == (parents[end] / WEIGHTS).read_bytes()
    assert (folder / DESCRIPTION).read_bytes() == (parents[end] / DESCRIPTION).read_bytes()
    assert weights_sum(folder) == hash_file(folder / WEIGHTS, length=64)
    assert struct.pack("<f", load_file(folder / WEIGHTS)[first].view(-1)[0].item()) == struct.pack("<f", -0.0)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_type_of_weights_keeps_its_type(
    tmp_path: Path, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "PIECE", 16)
    files = [tmp_path / f"{i}.safetensors" for i in range(3)]
    random = np.random.default_rng(0)
    both = [torch.tensor(random.normal(size=(3, 7))).to(kind) for _ in range(2)]
    for file, tensor in zip(files, both, strict=False):
        save_file({"empty": torch.zeros(0, dtype=kind), "one": tensor, "ids": torch.arange(5)}, file)
    merging._write_weights(*files[:2], 0.7, files[2], Quiet())
    found = load_file(files[2])
    assert (found["one"].dtype, found["empty"].shape) == (kind, (0,))
    assert torch.equal(found["ids"], torch.arange(5))
    assert torch.equal(found["one"].flatten(), slow_loop(*both, 0.7))


def test_other_orders_of_tensors_in_the_files(tmp_path: Path) -> None:
    """Another version of the library may write the same tensors in another order."""
    files = [tmp_path / f"{i}.safetensors" for i in range(3)]
    tensors = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([[4.0]])}
    save_file(tensors, files[0])
    header = {"b": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}}
    header["a"] = {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}
    text = json.dumps(header).encode()
    files[1].write_bytes(len(text).to_bytes(8, "little") + text + struct.pack("<3f", 8, 3, 4))
    merging._write_weights(files[0], files[1], 0.5, files[2], Quiet())
    found = load_file(files[2])
    assert found["a"].tolist() == [2.0, 3.0]
    assert found["b"].tolist() == [[6.0]]


def test_no_piece_is_larger_than_the_limit(parents: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_file, "PIECE", 256)
    seen: list[int] = []
    original = tensor_file.StoredTensor.pieces

    def pieces(self, file):  # type: ignore[no-untyped-def]
        for piece in original(self, file):
            seen.append(len(piece))
            yield piece

    monkeypatch.setattr(tensor_file.StoredTensor, "pieces", pieces)
    merged(parents, 0.5)
    assert max(seen) == 256
    assert sum(seen) > 100 * 256


@pytest.mark.parametrize("model", ["bert", "t5"])
def test_bodies_of_transformers(model: str, corpus: object, text: TextSettings, tmp_path: Path) -> None:
    tokenizer = trained_tokenizer(corpus, 300)

    def encoder(seed: int) -> DualEncoder:
        torch.manual_seed(seed)
        if model == "bert":
            bert = BertConfig(
                vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                intermediate_size=32,
            )  # fmt: skip
            body = HuggingFaceBody(BertModel(bert))
        else:  # its input embeddings are one tensor under two names
            t5 = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
            body = HuggingFaceBody(T5EncoderModel(t5), encoder_part=True)
        return DualEncoder(body, "mean", Tokenization(tokenizer, text)).eval()

    folders = tmp_path / "mono", tmp_path / "cross"
    for seed, folder in enumerate(folders):
        save_encoder(encoder(seed), folder)
    config = json.loads((folders[1] / "config.json").read_text())
    sealed(folders[1], "config.json", json.dumps({**config, "transformers_version": "4.0"}))  # names no difference
    found, ours, theirs = (load_encoder(one).body.state_dict() for one in (merged(folders, 0.5), *folders))
    for name, tensor in found.items():
        assert torch.equal(tensor.flatten(), slow_loop(ours[name], theirs[name], 0.5)), name
    sealed(folders[1], "config.json", json.dumps({**config, "layer_norm_eps": 0.5, "layer_norm_epsilon": 0.5}))
    with pytest.raises(UserError, match=r"config\.json\.layer_norm_eps"):
        check_mergeable(*folders)


def sealed(folder: Path, name: str, content: str) -> None:
    """Write a file of a saved encoder and its checksum."""
    (folder / name).write_text(content)
    resealed(folder, {})


def rewritten(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    save_file(weights, folder / WEIGHTS)
    resealed(folder, {})


def resealed(folder: Path, changes: dict[str, object]) -> None:
    saved = json.loads((folder / DESCRIPTION).read_text()) | changes
    saved.pop(CHECKSUM)
    saved["files"] = {name: hash_file(folder / name, length=64) for name in saved["files"]}
    write_sealed(folder / DESCRIPTION, saved)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("size", r"body\.architecture\.width: 32 against 16"),
        ("vocabulary", r"body\.architecture\.vocabulary: \d+ against \d+.*tokenizer\.json"),
        ("pooling", 'pooling: "mean" against "cls"'),
        ("length", r"text\.passage_length: 32 against 30"),
        ("prefix", r'text\.query_prefix: "Query: " against "Q: "'),
        ("tokenizer", "they differ in tokenizer.json. Merge"),
        ("type", r"the type of \S+: F32 against F64"),
        ("shape", r"the shape of \S+: \(\d+,( \d+)?\) against"),
        ("tensor", r"the tensor further, which only .*cross has"),
        ("damage", "is damaged or was changed"),
    ],
)
def test_what_cannot_be_merged(
    make_encoder: Make, text: TextSettings, parents: tuple[Path, Path], what: str, words: str
) -> None:
    cross = parents[1]
    if what == "size":
        save_encoder(make_encoder("nano"), cross)
    elif what == "vocabulary":
        other = make_encoder(seed=1)
        tokenizer = trained_tokenizer(Letters(), 280)
        body = type(other.body)(**{**other.body.save_architecture(cross), "vocabulary": len(tokenizer)})
        save_encoder(DualEncoder(body, "mean", Tokenization(tokenizer, text)), cross)
    elif what == "pooling":
        save_encoder(make_encoder(seed=1, pooling="cls"), cross)
    elif what in ("length", "prefix"):
        other = make_encoder(seed=1)
        changed = replace(text, passage_length=30) if what == "length" else replace(text, query_prefix="Q: ")
        save_encoder(DualEncoder(other.body, "mean", Tokenization(other.tokenization.tokenizer, changed)), cross)
    elif what == "tokenizer":
        sealed(cross, "tokenizer.json", (cross / "tokenizer.json").read_text().replace("{", '{"further": 1, ', 1))
    elif what == "damage":
        (cross / WEIGHTS).write_bytes((cross / WEIGHTS).read_bytes()[:-1] + b"\x07")
    else:
        weights = load_file(cross / WEIGHTS)
        name = sorted(weights)[0]
        if what == "type":
            weights[name] = weights[name].double()
        elif what == "shape":
            weights[name] = torch.cat([weights[name]] * 2)
        else:
            weights["further"] = torch.zeros(1)
        rewritten(cross, weights)
    with pytest.raises(UserError, match=words):
        check_mergeable(*parents)


class Letters:
    """Another corpus."""

    def texts(self) -> list[str]:
        return [f"{a}{b}c {b}a" for a in "klmn" for b in "opqr"]

    def fingerprint(self) -> str:
        return "letters"


def test_rates_of_dropout_do_not_matter(make_encoder: Make, parents: tuple[Path, Path]) -> None:
    save_encoder(make_encoder(seed=1, dropout=0.1), parents[1])
    check_mergeable(*parents)


@pytest.mark.parametrize("name", ["ids", "scale"])
def test_buffers_and_integers_must_be_equal(
    parents: tuple[Path, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "_buffers", lambda *_: {"scale"})
    values = {"ids": torch.arange(3), "scale": torch.ones(3)}
    for folder in parents:
        rewritten(folder, load_file(folder / WEIGHTS) | values)
    check_mergeable(*parents)
    rewritten(parents[1], load_file(parents[1] / WEIGHTS) | {name: values[name] + 1})
    with pytest.raises(UserError, match=f"the values of {name}, which are not trained"):
        check_mergeable(*parents)


def test_buffers_are_those_of_the_body(parents: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    saved = json.loads((parents[0] / DESCRIPTION).read_text())
    assert merging._buffers(parents[0], saved, False) == set()
    body = torch.nn.BatchNorm1d(2)
    monkeypatch.setattr(merging, "saved_body", lambda *_: body)
    assert merging._buffers(parents[0], saved, False) == {"running_mean", "running_var", "num_batches_tracked"}


def test_weights_are_whole_or_not_there(parents: tuple[Path, Path]) -> None:
    class Stop:
        @contextmanager
        def task(self, description: str, total: int | None):  # type: ignore[no-untyped-def]
            def advance(count: int = 1, note: str = "") -> None:
                raise KeyboardInterrupt

            yield advance

    folder = parents[0].parent / "merged"
    with pytest.raises(KeyboardInterrupt):
        merge_encoders(*parents, 0.5, folder, Stop())
    assert {path.name for path in folder.parent.iterdir()} == {"mono", "cross"}
    merge_encoders(*parents, 0.5, folder, Quiet())
    load_encoder(folder)
