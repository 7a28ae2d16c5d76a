"""Every backbone family of `conf/`, tiny and with random weights: built, read, trained and saved without a hub."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface import HuggingFace

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parent.parent
CONF = TESTS.parent / "conf" / "backbone"


def _families() -> dict[str, bool]:
    """Every yaml of a Hugging Face family with the numbers of a network, and whether its rows end with an end-of-text
    token, as those of decoders do. XLM-R's largest sizes are another network than its smaller ones.
    """
    found = {}
    for path in sorted(CONF.glob("*.yaml")):
        stored = yaml.safe_load(path.read_text("utf-8"))
        if any(entry.get("config") for entry in stored.get("sizes", {}).values()):
            found[path.stem] = bool(stored.get("append_eos"))
    return {**found, "xlmr-xl": found["xlmr"]}


FAMILIES = tuple(_families())
DECODERS = tuple(name for name, appends in _families().items() if appends)
TEXTS = ["What is the square of 7?", "El cuadrado de 11 es 121. El cuadrado de 12 es 144.", "7", ""]
SMALL = {
    "vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "intermediate_size": 32, "head_dim": 8, "d_model": 16, "d_kv": 8, "d_ff": 32, "ffn_dim": 32, "num_layers": 2,
    "num_heads": 2, "attention_heads": 2, "n_layer": 2, "n_head": 2, "max_position_embeddings": 66, "sliding_window": 6,
    "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3,
}  # fmt: skip
MORE = {"gemma3": {"num_hidden_layers": 6}}  # five layers look at a window, every sixth at everything

MakeFamily = Callable[..., HuggingFace]
Make = Callable[..., DualEncoder]


def tiny_family(name: str, **options: Any) -> HuggingFace:
    """The family as its yaml has it, with random weights and one size: `tiny`, of the yaml's own config keys."""
    size = "3b" if name == "xlmr-xl" else None  # another network than the smaller sizes
    stored = yaml.safe_load((CONF / f"{name.removesuffix('-xl')}.yaml").read_text("utf-8"))
    plain = {
        key: value for key, value in stored.items() if key not in ("_target_", "name", "default_size", "text", "sizes")
    }
    config = stored["sizes"][size or stored["default_size"]]["config"]
    small = {key: SMALL.get(key, value) for key, value in config.items()} | MORE.get(name, {})
    return HuggingFace({"tiny": {"config": small}}, **{**plain, "init": "random", **options})


@pytest.fixture
def make(corpus: object, text: TextSettings) -> Make:
    def build(name: str, seed: int = 0, **options: Any) -> DualEncoder:
        encoder = tiny_family(name, **options).encoder("tiny", text, corpus, seed)
        with torch.no_grad():
            for parameter in encoder.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(5)  # fresh weights are so small that attention hardly moves a vector
        return encoder

    return build


def padded(rows: list[np.ndarray], left: int, right: int, filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows with `left` and at least `right` padding ids around them; all of one width."""
    width = left + max(len(row) for row in rows) + right
    ids = torch.full((len(rows), width), filler)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, left : left + len(row)] = torch.from_numpy(row.astype(np.int64))
        mask[number, left : left + len(row)] = 1
    return ids, mask


@pytest.mark.parametrize("name", FAMILIES)
def test_vectors_depend_neither_on_padding_nor_on_neighbours(name: str, make: Make) -> None:
    encoder = make(name)
    rows = encoder.tokenization.queries(TEXTS)
    with torch.inference_mode():
        alone = torch.cat([encoder(*encoder.tokenization.pad([row])) for row in rows])
        assert not torch.allclose(alone[0], alone[1], atol=1e-3)
        for left, right, filler in ((0, 0, 0), (0, 5, 0), (7, 0, 0), (3, 2, 9)):  # 9 is the id of a word
            found = encoder(*padded(rows, left, right, filler))
            torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_saving_and_loading_is_bitwise(name: str, make: Make, tmp_path: Path) -> None:
    encoder = make(name, **({"bidirectional": True} if name in DECODERS and name != "bloom" else {}))
    save_encoder(encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    rows = encoder.tokenization.queries(TEXTS) + encoder.tokenization.passages(TEXTS, ["context"] * len(TEXTS))
    again = loaded.tokenization.queries(TEXTS) + loaded.tokenization.passages(TEXTS, ["context"] * len(TEXTS))
    assert [row.tolist() for row in again] == [row.tolist() for row in rows]
    with torch.inference_mode():
        batch = encoder.tokenization.pad(rows)
        assert torch.equal(loaded(*batch), encoder(*batch))
    assert loaded.body.architecture_text() == encoder.body.architecture_text()
    assert loaded.body.model.config._attn_implementation == encoder.body.model.config._attn_implementation
    assert loaded.pooling == encoder.pooling
    assert loaded.tokenization.append_eos == encoder.tokenization.append_eos


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_are_counted_alike_with_and_without_memory(name: str, make: Make) -> None:
    found = tiny_family(name).counted_parameters("tiny")
    encoder = make(name)
    assert found == encoder.parameters_counted()
    assert found["total"] - found["body"] == 300 * 16
    meta = tiny_family(name).meta("tiny")
    assert {parameter.device.type for parameter in meta.parameters()} == {"meta"}
    assert [key for key, _ in meta.named_parameters()] == [key for key, _ in encoder.body.named_parameters()]


class Words:
    """The texts of the training helpers' corpus, for the tokenizer."""

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs

    def texts(self) -> Iterable[str]:
        for language in self.pairs.languages:
            yield from self.pairs.queries[language]
            yield from self.pairs.passages[language]

    def fingerprint(self) -> str:
        return "words of the training helpers"


@pytest.mark.parametrize("name", FAMILIES)
def test_three_steps_of_training(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TESTS / "training"))
    import training_helpers

    words = Words(training_helpers.corpus())
    encoder = tiny_family(name, dropout=None).encoder("tiny", TextSettings("", "", 24, 24), words, seed=1)
    before = {key: tensor.clone() for key, tensor in encoder.named_parameters()}
    run = training_helpers.run(
        tmp_path, model=encoder, steps=3, validate_every=3, checkpoint_every=3, chunk_size=3, lr=1e-3, log_every=1
    )
    assert run.result.steps == 3
    losses = [row["loss"] for row in run.rows]
    assert len(losses) == 4
    assert all(math.isfinite(loss) for loss in losses)
    still = [key for key, tensor in encoder.named_parameters() if torch.equal(tensor, before[key])]
    assert still == []  # every weight is on the way to the loss: DDP needs that


@pytest.mark.parametrize("name", DECODERS)
def test_decoders_pool_the_end_of_text(name: str, make: Make) -> None:
    encoder = make(name)
    tokenization = encoder.tokenization
    rows = tokenization.queries(["What is the square of 7? " * 9, "7"])
    assert [len(row) for row in rows] == [24, len(rows[1])]  # cut, and still closed
    assert {int(row[-1]) for row in rows} == {tokenization.tokenizer.eos_token_id}
    with torch.inference_mode():
        states = encoder.body(*tokenization.pad([rows[1]]))[0]
        expected = torch.nn.functional.normalize(states[len(rows[1]) - 1], dim=0)
        torch.testing.assert_close(encoder(*tokenization.pad(rows))[1], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", [name for name in DECODERS if name != "bloom"])
def test_the_causal_mask_comes_and_goes(name: str, attention: str, make: Make) -> None:
    """Without padding (where kernels are told `is_causal` instead of a mask) and with it."""
    attention = "eager" if name == "xglm" else attention
    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 10]])
    for mask in (torch.ones_like(ids), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])):
        for bidirectional in (False, True):
            body = make(name, attention=attention, bidirectional=bidirectional).body
            with torch.inference_mode():
                states = body(ids, mask)
            assert torch.equal(states[0, :4], states[1, :4]) is not bidirectional
            if bidirectional:
                assert (states[0, 0] - states[1, 0]).abs().max() > 1e-5


def test_both_ways_agree_with_a_mask_by_hand(make: Make) -> None:
    """The switch equals the slow twin: a mask of zeros in four dimensions, given to the causal model."""
    plain, switched = (make("llama3", attention="eager", bidirectional=value).body for value in (False, True))
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    with torch.inference_mode():
        expected = plain.model(input_ids=ids, attention_mask=torch.zeros(1, 1, 5, 5)).last_hidden_state
        torch.testing.assert_close(switched(ids, torch.ones_like(ids)), expected)
        assert not torch.allclose(plain(ids, torch.ones_like(ids)), expected, atol=1e-3)


@pytest.mark.parametrize("name", ["llama3", "qwen3", "gemma3", "eurobert", "xlmr", "xlmr-xl", "mt5", "minilm"])
def test_kernels_agree(name: str, make: Make) -> None:
    eager, sdpa = (make(name, attention=kernel) for kernel in ("eager", "sdpa"))
    batch = eager.tokenization.pad(eager.tokenization.queries(TEXTS))
    with torch.inference_mode():
        torch.testing.assert_close(eager(*batch), sdpa(*batch), atol=1e-5, rtol=0)
