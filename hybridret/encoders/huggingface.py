"""Backbone family for any transformers encoder or decoder: a hub name, a folder, a checkpoint inside an installed
package, or random weights.

Weights come from safetensors files only (nothing is unpickled) and in fp32; a weight that the checkpoint lacks is an
error, never a random number (traps 4). Of a model of text and images, and of an encoder-decoder, only the part that
reads text is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from hybridret.base.errors import UserError, nearest
from hybridret.base.settings import TextSettings
from hybridret.encoders.architectures import architecture, of_text
from hybridret.encoders.attention import (
    PACKED,
    check_installed,
    check_kernel,
    check_kernels_of,
    check_packs,
    kernels_of,
    look_both_ways,
    portable,
    unsupported,
)
from hybridret.encoders.checkpoint import checkpoint_place, one_line, unreachable
from hybridret.encoders.counting import counted
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody, kernel_option, model_class, quiet, set_dropout
from hybridret.encoders.random_init import random_body, random_tokenizer
from hybridret.encoders.sizes import resolve_size, size_entry
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import Corpus

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["HuggingFace", "checkpoint_place"]

INITS = ("pretrained", "random")


class HuggingFace:
    """`sizes`: name -> {checkpoint, revision (null: main), config}, and learning rates that the config refers to
    (`encoders/sizes.py`).

    `checkpoint` is a hub name, a folder, or `package:NAME` for the folder `model` of an installed package; `config` is
    what builds the same network without it: a transformers `model_type` and that type's numbers. `init` is `pretrained`
    or `random`. `append_eos` is for decoder backbones with `pooling=last`. `attention` is `sdpa`, `eager`,
    `flash_attention_2` or `packed` (no padding inside the network), null for transformers' own choice; `bidirectional`
    removes a decoder's causal mask. `dropout` null keeps the checkpoint's own rates.
    """

    def __init__(
        self,
        sizes: dict[str, Any],
        init: str = "pretrained",
        pooling: str = "mean",
        append_eos: bool = False,
        attention: str | None = None,
        bidirectional: bool = False,
        trust_remote_code: bool = False,
        dropout: float | None = None,
    ) -> None:
        if init not in INITS:
            raise UserError(f"backbone.init={init} is no way to start. {nearest(init, INITS)}")
        check_kernel(attention)
        self.sizes = sizes
        self.init = init
        self.pooling = pooling
        self.append_eos = append_eos
        self.attention = attention
        self.bidirectional = bidirectional
        self.trust_remote_code = trust_remote_code
        self.dropout = dropout

    def encoder(self, size: str, text: TextSettings, corpus: Corpus | None, seed: int) -> DualEncoder:
        """The encoder of `size`. Pretrained: nothing is random, so neither `corpus` nor `seed` is read. Random: `seed`
        decides the weights, and `corpus` trains the tokenizer.

        Raises UserError when the size is unknown, the checkpoint cannot be had or does not fit, or there is no corpus.
        """
        check_installed(self.attention)
        tokenizer: PreTrainedTokenizerBase
        if self.init == "random":
            config = self._prepared(self._architecture(size))
            tokenizer = random_tokenizer(config, text, corpus)
            body = random_body(config, seed, self.attention, self.trust_remote_code)
        else:
            body, tokenizer = self._pretrained(size)
        tokenization = Tokenization(tokenizer, text, self.append_eos)
        if self.append_eos and tokenization.queries(["a"])[0][-1] != tokenizer.eos_token_id:
            raise UserError(
                f"backbone.append_eos=true, but rows of this {type(tokenizer).__name__} do not end with its "
                "end-of-text token. Set it to false, or choose another checkpoint."
            )
        return DualEncoder(body, self.pooling, tokenization).eval()

    def meta(self, size: str) -> HuggingFaceBody:
        """The body of `size` on the meta device: shapes without memory, for counting and planning. No hub is asked
        where the size has a `config`.
        """
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return self.untrained(size, portable(self.attention))  # nothing is computed: it need not be installed

    def untrained(self, size: str, attention: str | None) -> HuggingFaceBody:
        """The body of `size` with random weights, on torch's current device and of its current random state."""
        config = self._prepared(self._architecture(size))
        return HuggingFaceBody.untrained(config, bool(config.is_encoder_decoder), attention, self.trust_remote_code)

    def counted_parameters(self, size: str) -> dict[str, int]:
        """`total`, `body` (without the input embeddings) and `trainable` of `size`, counted on the meta device."""
        return counted(self.meta(size))

    def _entry(self, size: str, *required: str) -> dict[str, Any]:
        return size_entry(self.sizes, size, frozenset(required), frozenset({"checkpoint", "revision", "config"}))

    def _architecture(self, size: str) -> PretrainedConfig:
        """The config of the network that reads text: of the yaml's numbers, or else of the checkpoint's config.json."""
        entry = self._entry(size)
        name = resolve_size(self.sizes, size)
        if entry.get("config") is not None:
            return of_text(architecture(entry["config"], f"backbone.sizes.{name}.config"))
        if entry.get("checkpoint") is None:
            raise UserError(f"backbone.sizes.{name} has neither 'config' nor 'checkpoint': set one of them.")
        place = checkpoint_place(str(entry["checkpoint"]))
        from transformers import AutoConfig

        try:
            return of_text(AutoConfig.from_pretrained(place, **self._options(entry)))
        except (OSError, ValueError) as error:
            hint = f" Or set backbone.sizes.{name}.config to the numbers of the network, which need no checkpoint."
            raise UserError(unreachable(str(entry["checkpoint"]), place, name, error) + hint) from error

    def _prepared(self, config: PretrainedConfig) -> PretrainedConfig:
        """`config`, changed in place as the arguments of the family ask."""
        check_kernels_of(kernels_of(config), config._name_or_path or "The config")
        part = of_text(config)
        if self.attention == PACKED:
            check_packs(part, self.trust_remote_code)
        if self.dropout is not None:
            set_dropout(part, self.dropout)
        if self.bidirectional:
            look_both_ways(part)
        if hasattr(part, "use_cache"):
            part.use_cache = False
        return config

    def _options(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {"trust_remote_code": self.trust_remote_code, "revision": entry.get("revision") or "main"}

    def _pretrained(self, size: str) -> tuple[HuggingFaceBody, PreTrainedTokenizerBase]:
        entry = self._entry(size, "checkpoint")
        checkpoint, options = str(entry["checkpoint"]), self._options(entry)
        place = checkpoint_place(checkpoint)
        from transformers import AutoConfig, AutoTokenizer

        try:
            with quiet():
                config = AutoConfig.from_pretrained(place, **options)
                tokenizer = AutoTokenizer.from_pretrained(place, **options)
                encoder_part = bool(config.is_encoder_decoder)  # building the encoder alone clears it
                model = self._model(checkpoint, place, self._prepared(config), options)
        except (OSError, SafetensorError) as error:
            raise UserError(unreachable(checkpoint, place, resolve_size(self.sizes, size), error)) from error
        except (ImportError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            refusal = unsupported(self.attention, config, error)
            raise refusal or UserError(f"The checkpoint {checkpoint} cannot be used: {one_line(error)}") from error
        return HuggingFaceBody(model, self.trust_remote_code, encoder_part), tokenizer

    def _model(self, checkpoint: str, place: str, config: PretrainedConfig, options: dict[str, Any]) -> PreTrainedModel:
        # Weights that the checkpoint lacks are drawn before they are reported: keep the caller's random state.
        with torch.random.fork_rng(devices=[]):
            model, report = model_class(config.is_encoder_decoder).from_pretrained(
                place,
                config=config,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
                **kernel_option(self.attention),
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
