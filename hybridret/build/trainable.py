"""Backbones that are evaluated but never trained: said before anything else is."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from hybridret.build.parts import Parts
from hybridret.build.record import file_name
from hybridret.errors import UserError


def check_config(config: DictConfig) -> None:
    """Raise UserError for a backbone without a table of sizes: rates refer to it, so such a config has no values."""
    if OmegaConf.select(config, "backbone.sizes") is None:
        name = OmegaConf.select(config, "backbone.name", default="None")
        raise UserError(f"backbone={name} has nothing to train: use `python -m hybridret.evaluate backbone={name}`.")


def check_family(parts: Parts) -> None:
    """Raise UserError for an encoder that is taken as it comes."""
    if getattr(parts.backbone, "evaluation_only", False):
        raise UserError(
            f"backbone={file_name(parts.settings.backbone)} is for evaluation only: use `python -m hybridret.evaluate`"
            f", or backbone=huggingface to train the checkpoint with a pooling of yours."
        )
