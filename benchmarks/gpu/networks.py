"""Networks with random weights in the sizes of `conf/backbone`, and texts whose lengths in tokens are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hybridret.base.records import ParallelPairs
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenization import Tokenization

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
QUERY, PASSAGE = 32, 128  # tokens
WORDS = 1000
LANGUAGES = ("a", "b")
TINY: dict[str, Any] = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128, "vocab_size": 2000,
}  # fmt: skip
TINY_QWEN = TINY | {"num_key_value_heads": 1, "head_dim": 32}


def section(group: str, name: str) -> dict[str, Any]:
    """A yaml of `conf/`, read without Hydra."""
    found: dict[str, Any] = yaml.safe_load((CONF / group / f"{name}.yaml").read_text("utf-8"))
    found.pop("_target_")
    return found


def body(options: Mapping[str, Any], device: str) -> HuggingFaceBody:
    """The network of `family` and `size`, its weights made on `device`; `config` changes its numbers. Adapters too."""
    family = section("backbone", options["family"])
    config = family["sizes"][options["size"]]["config"] | options.get("config", {})
    attention = {"flash": "sdpa"}.get(options.get("attention", "sdpa"), options.get("attention", "sdpa"))
    backbone = HuggingFace(
        {options["size"]: {"config": config}}, attention=attention, dropout=options.get("dropout", 0.0)
    )
    if device == "meta":
        made = backbone.meta(options["size"])
    else:
        torch.manual_seed(0)
        with torch.device(device):
            made = backbone.untrained(options["size"], attention)
    if options.get("adapter", "full") == "lora":
        from hybridret.encoders.adapters.lora import LoRA  # needs peft

        LoRA(**section("adapter", "lora") | {"frozen": options.get("frozen", "fp32")}).apply(made, 0)
    return made


def tokenization(query: int = QUERY, passage: int = PASSAGE) -> Tokenization:
    """One token a word, so that a text of 32 words is 32 tokens."""
    words = {"[PAD]": 0, "[UNK]": 1} | {f"w{number}": number + 2 for number in range(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    return Tokenization(fast, TextSettings("", "", query, passage))


def encoder(options: Mapping[str, Any], device: str, query: int = QUERY, passage: int = PASSAGE) -> DualEncoder:
    """The dual encoder around `body`, mean pooling."""
    return DualEncoder(body(options, device), "mean", tokenization(query, passage))


def texts(lengths: Sequence[int], seed: int) -> list[str]:
    """Random words, as many as `lengths` say."""
    random = np.random.default_rng(seed)
    names = np.array([f"w{number}" for number in range(WORDS)])
    return [" ".join(names[random.integers(WORDS, size=length)]) for length in lengths]


def mixed(count: int, longest: int, seed: int) -> list[int]:
    """Lengths as of real passages: log-normal with a median of a third of `longest`, cut there."""
    drawn = np.random.default_rng(seed).lognormal(np.log(longest / 3), 0.7, count)
    return [int(length) for length in np.clip(drawn, 4, longest)]


def parallel_pairs(questions: int, lengths: str = "equal", query: int = QUERY, passage: int = PASSAGE) -> ParallelPairs:
    """Random words in two languages, no two questions with one passage; `lengths`: equal, or mixed."""

    def side(longest: int, seed: int) -> dict[str, list[str | None]]:
        sizes = mixed(questions, longest, seed) if lengths == "mixed" else [longest] * questions
        return {language: list(texts(sizes, seed + number)) for number, language in enumerate(LANGUAGES)}

    ids = tuple(f"q{number}" for number in range(questions))
    return ParallelPairs("random", LANGUAGES, ids, side(query, 1), side(passage, 11), np.arange(questions))
