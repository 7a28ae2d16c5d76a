"""The tables of sizes in `conf/backbone/`: counted parameters against a formula and against published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hybridret.base.errors import SizeMissing, UserError
from hybridret.encoders.architectures import architecture
from hybridret.encoders.huggingface import HuggingFace

pytestmark = pytest.mark.slow

CONF = Path(__file__).resolve().parents[2] / "conf"
NAMES = ("bloom", "eurobert", "gemma3", "labse", "llama3", "minilm", "mt5", "qwen3", "xglm", "xlmr")
STORED = {name: yaml.safe_load((CONF / "backbone" / f"{name}.yaml").read_text("utf-8")) for name in NAMES}
EVERY = [(name, size) for name in NAMES for size in STORED[name]["sizes"]]
# In billions, total and body. The paper's two are published with the pooler (h^2 + h), which is not built here.
PUBLISHED = {
    "xlmr": {"base": (0.277, 0.085), "1b": (0.559, 0.303), "3b": (3.476, 2.834), "10b": (10.696, 9.668)},
    "mt5": {"1b": (0.564, 0.308), "3b": (1.670, 1.158), "10b": (5.655, 4.631)},
    "gemma3": {"1b": (1.000, 0.698), "3b": (3.880, 3.209), "10b": (11.766, 10.759)},
    "qwen3": {"1b": (1.721, 1.409), "3b": (4.022, 3.634), "10b": (7.568, 6.946)},
    "llama3": {"1b": (1.236, 0.973), "3b": (3.213, 2.819), "10b": (7.505, 6.980)},
    "xglm": {"1b": (1.733, 1.209), "3b": (2.942, 2.417), "10b": (7.493, 6.444)},
    "bloom": {"1b": (1.065, 0.680), "3b": (3.003, 2.360), "10b": (7.069, 6.041)},
    "eurobert": {"1b": (0.608, 0.460), "3b": (2.108, 1.812)},
    "labse": {"base": (0.470, 0.085)},
}


def family(name: str) -> HuggingFace:
    left_out = ("_target_", "name", "default_size", "text")
    return HuggingFace(**{key: value for key, value in STORED[name].items() if key not in left_out})


def body_by_hand(config: dict[str, Any]) -> int:
    """Weights and biases of the network without token embeddings, added up from the papers' diagrams."""
    kind = config["model_type"]
    h = config.get("hidden_size") or config["d_model"]
    layers = config.get("num_hidden_layers") or config.get("num_layers") or config["n_layer"]
    if kind in (
        "bert",
        "xlm-roberta",
        "xlm-roberta-xl",
    ):  # one norm behind the embeddings, or (XL) at the end
        inner = config["intermediate_size"]
        tables = config["max_position_embeddings"] + config.get("type_vocab_size", 2)
        return tables * h + 2 * h + layers * (4 * (h * h + h) + 2 * h * inner + inner + h + 4 * h)
    if kind == "mt5":
        heads, inner = config["num_heads"], config["d_ff"]
        return layers * (4 * h * heads * config["d_kv"] + 3 * h * inner + 2 * h) + 32 * heads + h
    if kind == "xglm":
        inner = config["ffn_dim"]
        return layers * (4 * (h * h + h) + 2 * h * inner + inner + h + 4 * h) + 2 * h
    if kind == "bloom":
        return layers * (4 * (h * h + h) + 8 * h * h + 5 * h + 4 * h) + 4 * h
    queries, keys = config["num_attention_heads"], config["num_key_value_heads"]
    wide = config.get("head_dim", h // queries)
    norms = {"gemma3_text": 4 * h + 2 * wide, "qwen3": 2 * h + 2 * wide}.get(kind, 2 * h)
    attention = h * wide * (queries + 2 * keys) + queries * wide * h
    return layers * (attention + 3 * h * config["intermediate_size"] + norms) + h


@pytest.mark.parametrize(("name", "size"), EVERY)
def test_counted_on_the_meta_device_equals_the_sum_by_hand(name: str, size: str) -> None:
    config = STORED[name]["sizes"][size]["config"]
    body = body_by_hand(config)
    total = body + config["vocab_size"] * (config.get("hidden_size") or config["d_model"])
    assert family(name).counted_parameters(size) == {"total": total, "body": body, "trainable": total}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name: str) -> None:
    for size, expected in PUBLISHED[name].items():
        found = family(name).counted_parameters(size)
        assert (round(found["total"] / 1e9, 3), round(found["body"] / 1e9, 3)) == expected, size


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_whole(name: str) -> None:
    for size, entry in STORED[name]["sizes"].items():
        assert (CONF / "model" / f"{size}.yaml").is_file()  # else model=SIZE could not name it
        assert entry["checkpoint"]
        assert entry["lr"] > 0
        revision = set() if entry["checkpoint"].startswith("package:") else {"revision"}
        assert entry.keys() == {"checkpoint", "lr", "embedding_lr", "config"} | revision


def test_a_size_that_a_family_lacks_is_said_so() -> None:
    with pytest.raises(SizeMissing, match=r"model.size=10b.*It has: base, large, 1b, 3b\."):
        family("eurobert").counted_parameters("10b")


def test_the_encoder_of_mt5_alone_is_counted() -> None:
    names = [name for name, _ in family("mt5").meta("base").named_parameters()]
    assert names
    assert not any("decoder" in name for name in names)


def test_counting_needs_neither_flash_attention_nor_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", lambda *_, **__: pytest.fail("asked the hub"))
    sizes = STORED["qwen3"]["sizes"]
    assert HuggingFace(sizes, attention="flash_attention_2").counted_parameters("1b")["total"] == 1_720_574_976


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "bert", "hiden_size": 8}, r"K\.hiden_size: a bert config has no such field.*'hidden_size'"),
        (
            {"model_type": "euroberta"},
            r"K\.model_type=euroberta: transformers 5.* has no code .*'eurobert'.*pip",
        ),
        ({"hidden_size": 8}, r"K must be a mapping with model_type"),
        ("bert", r"K must be a mapping with model_type"),
        ({"model_type": "llama", "hidden_size": 10, "num_attention_heads": 3}, r"K does not make a llama model: "),
        ({"model_type": "llama", "hidden_size": "wide"}, r"K does not make a llama model: .*hidden_size"),
    ],
)
def test_wrong_numbers_are_named(fields: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        architecture(fields, "K")
    assert "\n" not in str(error.value)


def test_a_size_of_nothing_says_what_it_needs() -> None:
    with pytest.raises(UserError, match=r"backbone.sizes.base has neither 'config' nor 'checkpoint'"):
        HuggingFace({"base": {"config": None, "checkpoint": None}}).counted_parameters("base")
    with pytest.raises(UserError, match=r"someone/nothing is neither .*backbone.sizes.base.config"):
        HuggingFace({"base": {"checkpoint": "someone/nothing"}}).counted_parameters("base")
