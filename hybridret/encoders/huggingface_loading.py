"""Loads and builds the bodies and tokenizers of the family `huggingface`, from a checkpoint or with random weights.

Separate from the family itself, so that wrong settings are rejected before torch and transformers are imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.architectures import architecture, of_text
from hybridret.encoders.attention import (
    PACKED,
    check_installed,
    check_kernels_of,
    check_packs,
    kernels_of,
    look_both_ways,
    portable,
    unsupported,
)
from hybridret.encoders.checkpoint import checkpoint_source, one_line, unreachable
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody, kernel_option, model_class, quiet, set_dropout
from hybridret.encoders.huggingface_options import HuggingFaceOptions
from hybridret.encoders.random_init import random_body, random_tokenizer
from hybridret.encoders.sizes import resolve_size, size_entry
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import TextSource

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


def encoder_of(
    family: HuggingFaceOptions, size: str, text: TextSettings, corpus: TextSource | None, seed: int
) -> DualEncoder:
    """The encoder of `size`. Pretrained: nothing is random; `corpus` and `seed` are not used. Random: the weights
    depend on `seed`, and the tokenizer is trained on `corpus`.

    Raises UserError when the size is unknown, the checkpoint is unavailable or does not fit, or the corpus is None.
    """
    check_installed(family.attention)
    tokenizer: PreTrainedTokenizerBase
    if family.init == "random":
        config = _prepared(family, _architecture(family, size))
        tokenizer = random_tokenizer(config, text, corpus)
        body = random_body(config, seed, family.attention, family.trust_remote_code)
    else:
        body, tokenizer = _pretrained(family, size)
    tokenization = Tokenization(tokenizer, text, family.append_eos)
    if family.append_eos and tokenization.queries(["a"])[0][-1] != tokenizer.eos_token_id:
        raise UserError(
            f"backbone.append_eos=true, but rows of this {type(tokenizer).__name__} do not end with its "
            "end-of-text token. Set it to false, or choose another checkpoint."
        )
    return DualEncoder(body, family.pooling, tokenization).eval()


def meta_body(family: HuggingFaceOptions, size: str) -> HuggingFaceBody:
    """The body of `size` on the meta device: shapes without memory, for counting and planning. The hub is not used if
    the size has a `config`.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return untrained_body(family, size, portable(family.attention))  # no computation, so the kernel need not exist


def untrained_body(family: HuggingFaceOptions, size: str, attention: str | None) -> HuggingFaceBody:
    """The body of `size` with random weights, on torch's current device and from its current random state."""
    config = _prepared(family, _architecture(family, size))
    return HuggingFaceBody.untrained(config, bool(config.is_encoder_decoder), attention, family.trust_remote_code)


def _entry(family: HuggingFaceOptions, size: str, *required: str) -> dict[str, Any]:
    return size_entry(family.sizes, size, frozenset(required), frozenset({"checkpoint", "revision", "config"}))


def _architecture(family: HuggingFaceOptions, size: str) -> PretrainedConfig:
    """The config of the network that reads text: from the numbers in the yaml, else the checkpoint's config.json."""
    entry = _entry(family, size)
    name = resolve_size(family.sizes, size)
    if entry.get("config") is not None:
        return of_text(architecture(entry["config"], f"backbone.sizes.{name}.config"))
    if entry.get("checkpoint") is None:
        raise UserError(f"backbone.sizes.{name} has neither 'config' nor 'checkpoint': set one of them.")
    source = checkpoint_source(str(entry["checkpoint"]))
    from transformers import AutoConfig

    try:
        return of_text(AutoConfig.from_pretrained(source, **_options(family, entry)))
    except (OSError, ValueError) as error:
        hint = f" Or set backbone.sizes.{name}.config to the numbers of the network, which need no checkpoint."
        raise UserError(unreachable(str(entry["checkpoint"]), source, name, error) + hint) from error


def _prepared(family: HuggingFaceOptions, config: PretrainedConfig) -> PretrainedConfig:
    """`config`, changed in place by the arguments of the family."""
    check_kernels_of(kernels_of(config), config._name_or_path or "The config")
    part = of_text(config)
    if family.attention == PACKED:
        check_packs(part, family.trust_remote_code)
    if family.dropout is not None:
        set_dropout(part, family.dropout)
    if family.bidirectional:
        look_both_ways(part)
    if hasattr(part, "use_cache"):
        part.use_cache = False
    return config


def _options(family: HuggingFaceOptions, entry: dict[str, Any]) -> dict[str, Any]:
    return {"trust_remote_code": family.trust_remote_code, "revision": entry.get("revision") or "main"}


def _pretrained(family: HuggingFaceOptions, size: str) -> tuple[HuggingFaceBody, PreTrainedTokenizerBase]:
    entry = _entry(family, size, "checkpoint")
    checkpoint, options = str(entry["checkpoint"]), _options(family, entry)
    source = checkpoint_source(checkpoint)
    from transformers import AutoConfig, AutoTokenizer

    try:
        with quiet():
            config = AutoConfig.from_pretrained(source, **options)
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            encoder_part = bool(config.is_encoder_decoder)  # read now: building the encoder alone resets it
            model = _model(family, checkpoint, source, _prepared(family, config), options)
    except (OSError, SafetensorError) as error:
        raise UserError(unreachable(checkpoint, source, resolve_size(family.sizes, size), error)) from error
    except (ImportError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        refusal = unsupported(family.attention, config, error)
        raise refusal or UserError(f"The checkpoint {checkpoint} cannot be used: {one_line(error)}") from error
    return HuggingFaceBody(model, family.trust_remote_code, encoder_part), tokenizer


def _model(
    family: HuggingFaceOptions, checkpoint: str, source: str, config: PretrainedConfig, options: dict[str, Any]
) -> PreTrainedModel:
    # transformers draws missing weights before it reports them: protect the caller's random state.
    with torch.random.fork_rng(devices=[]):
        model, report = model_class(config.is_encoder_decoder).from_pretrained(
            source,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
            **kernel_option(family.attention),
        )
    missing = [key for key in sorted(report["missing_keys"]) if not key.startswith("pooler.")]
    wrong = missing + sorted(str(key) for key in report["mismatched_keys"])
    if wrong:
        raise UserError(
            f"The checkpoint {checkpoint} does not hold all weights of a {config.model_type} encoder: "
            f"{', '.join(wrong[:3])} ({len(wrong)} in all) are missing or of another "
            "shape. Choose a checkpoint of the whole model."
        )
    return model if of_text(config) is config else model.get_decoder()  # type: ignore[no-any-return]
