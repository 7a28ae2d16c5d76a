"""Open a finished run again: its config, its encoder, its test collections."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from hybridret.build.config import read_settings
from hybridret.build.parts import Parts
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder
from hybridret.errors import UserError
from hybridret.records import Collection
from hybridret.runs import RunDirectory


@dataclass(frozen=True)
class OpenRun:
    """What a finished run left: the encoder of its lowest validation loss, its test collections, its config."""

    encoder: DualEncoder
    collections: tuple[Collection, ...]
    config: dict[str, Any]


def open_run(path: Path) -> OpenRun:
    """Load a run directory. Raises UserError where it is missing, damaged, or its data is not there any more."""
    run = RunDirectory(Path(path))
    config = read_config(run)
    parts = Parts(read_settings(config))
    encoder = load_encoder(run.best_checkpoint)
    collections = [one for benchmark in parts.benchmarks.values() for one in benchmark.collections(parts.source)]
    return OpenRun(encoder, tuple(collections), config)


def read_config(run: RunDirectory) -> dict[str, Any]:
    """The resolved config of a run directory."""
    if not run.config.is_file():
        raise UserError(f"{run.path} is not a run directory: it has no config.yaml. Give multirun/SWEEP/RUN.")
    try:
        plain = OmegaConf.to_container(OmegaConf.load(run.config), resolve=True)
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{run.config} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(plain, dict):
        raise UserError(f"{run.config} is not the config of a run. Copy the run directory again.")
    return typing.cast(dict[str, Any], plain)
