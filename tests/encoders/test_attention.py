"""The switches of attention, and what is said where a model or a machine cannot follow them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders import attention
from hybridret.encoders.attention import LOOK_AHEAD, look_both_ways
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface import HuggingFace

SMALL = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
GATED = {**SMALL, "intermediate_size": 32, "num_key_value_heads": 2, "pad_token_id": 0}
CONFIGS: dict[str, dict[str, Any]] = {
    "gemma3_text": {**GATED, "head_dim": 8},
    "llama": GATED,
    "mistral": GATED,
    "qwen2": GATED,
    "qwen3": {**GATED, "head_dim": 8},
    "xglm": {"vocab_size": 300, "d_model": 16, "num_layers": 2, "attention_heads": 2, "ffn_dim": 32},
    "bloom": {"vocab_size": 300, "hidden_size": 16, "n_layer": 2, "n_head": 2},
    "bert": {**SMALL, "intermediate_size": 32},
    "mt5": {"vocab_size": 300, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
}


def family(kind: str, **options: Any) -> HuggingFace:
    return HuggingFace({"tiny": {"config": {"model_type": kind, **CONFIGS[kind]}}}, init="random", **options)


@pytest.mark.parametrize("kind", sorted(LOOK_AHEAD))
def test_every_type_on_the_list_looks_ahead(kind: str) -> None:
    def first_states() -> torch.Tensor:
        torch.manual_seed(0)
        model = AutoModel.from_config(config).eval()
        with torch.inference_mode():
            return model(input_ids=torch.tensor([[5, 6, 7], [5, 6, 8]])).last_hidden_state[:, 0]

    config = AutoConfig.for_model(kind, **CONFIGS[kind], use_cache=False)
    assert torch.equal(*first_states())
    look_both_ways(config)
    assert not torch.equal(*first_states())


@pytest.mark.parametrize(("kind", "reason"), [("bloom", "ALiBi"), ("bert", "an encoder reads both ways"), ("mt5", "")])
def test_other_types_are_refused(kind: str, reason: str) -> None:
    with pytest.raises(UserError, match=rf"bidirectional=true: a {kind} model .*{reason}.*gemma3_text, llama"):
        family(kind, bidirectional=True).meta("tiny")


def test_a_transformers_without_the_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attention._mask_can_go()
    monkeypatch.setattr(attention, "_mask_can_go", lambda: False)
    with pytest.raises(UserError, match=r"cannot take the causal mask from a decoder. Run pip install -U transformers"):
        look_both_ways(AutoConfig.for_model("llama"))


def test_the_trial_leaves_the_random_state(monkeypatch: pytest.MonkeyPatch) -> None:
    attention._mask_can_go.cache_clear()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    attention._mask_can_go()
    assert torch.equal(torch.rand(1), expected)


def test_a_word_that_is_no_kernel_is_refused() -> None:
    with pytest.raises(UserError, match=r"backbone.attention=spda: .*Did you mean 'sdpa'"):
        HuggingFace({}, attention="spda")


def test_flash_attention_that_is_not_installed_names_the_package(
    text: TextSettings, corpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for init in ("random", "pretrained"):
        sizes = {"tiny": {"config": {"model_type": "llama", **GATED}, "checkpoint": "someone/nothing"}}
        with pytest.raises(UserError, match=r"pip install flash-attn.*attention=sdpa"):
            HuggingFace(sizes, init=init, attention="flash_attention_2").encoder("tiny", text, corpus, 0)


@pytest.mark.parametrize(("kind", "kernel"), [("bloom", "sdpa"), ("xglm", "sdpa")])
def test_a_kernel_that_the_model_lacks_is_refused(kind: str, kernel: str, text: TextSettings, corpus: Any) -> None:
    with pytest.raises(UserError, match=rf"backbone.attention={kernel}: a {kind} model cannot use it .*eager"):
        family(kind, attention=kernel).encoder("tiny", text, corpus, 0)
    assert family(kind).encoder("tiny", text, corpus, 0).body.model.config._attn_implementation == "eager"


@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
def test_the_kernel_reaches_the_model_and_the_folder(
    kernel: str, text: TextSettings, corpus: Any, tmp_path: Path
) -> None:
    encoder = family("llama", attention=kernel).encoder("tiny", text, corpus, 0)
    assert encoder.body.model.config._attn_implementation == kernel
    save_encoder(encoder, tmp_path / "best")
    assert load_encoder(tmp_path / "best").body.model.config._attn_implementation == kernel


def test_a_folder_trained_with_flash_attention_needs_none(text: TextSettings, corpus: Any, tmp_path: Path) -> None:
    body = family("llama").encoder("tiny", text, corpus, 0).body
    body.model.config._attn_implementation_internal = "flash_attention_2"
    assert body.save_architecture(tmp_path)["attention"] is None
