"""From the overrides of a sweep point to its run directory and the hash of its config.

A single run and the sweep that starts it as a process must agree on both, so both call these functions.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import SizeMissing
from hybridret.base.ranges import check_value
from hybridret.base.settings import Seed
from hybridret.runs import RunDirectory, config_hash, run_name
from hybridret.runs.evaluation_naming import evaluation_name
from hybridret.runs.naming import folder_name


def point_directory(config: DictConfig, overrides: Sequence[str]) -> RunDirectory:
    """`OUTPUT/SWEEP/RUN` of a point: `output`, `sweep` and `seed` of its config, and its task overrides.

    `overrides` as the user wrote them or as a sweeper spells them: quoting and spaces make no difference. Raises
    UserError for a sweep that is not the name of one folder, and for what `check_seed` finds.
    """
    sweep = sweep_directory(config)
    return RunDirectory(sweep / run_name([_spelled(text) for text in overrides], check_seed(config.seed)))


def evaluation_directory(config: DictConfig, overrides: Sequence[str]) -> RunDirectory:
    """`OUTPUT/SWEEP/NAME` of a backbone that is evaluated without training. A folder under the name that earlier
    versions gave is found again. Raises UserError as `point_directory` does.
    """
    earlier = point_directory(config, overrides)
    if earlier.path.exists():
        return earlier
    sections = OmegaConf.to_container(config.eval, resolve=True)
    spelled = [_spelled(text) for text in overrides]
    name = evaluation_name(str(config.backbone.name), typing.cast(Any, sections), spelled, check_seed(config.seed))
    return RunDirectory(earlier.path.with_name(name))


def sweep_directory(config: DictConfig) -> Path:
    """`OUTPUT/SWEEP` of a config. Raises UserError where `sweep` is not the name of one folder."""
    return Path(str(config.output)) / folder_name(config.sweep, "sweep")


def check_seed(seed: object) -> int:
    """The seed of a run as a number. Raises UserError for what is none, below 0 or more than 63 bits."""
    return int(check_value(Seed, seed, "seed"))


def point_hash(config: DictConfig) -> str:
    """`config_hash` of a composed config: resolved, without Hydra's own part.

    Raises omegaconf's errors where a value is missing or an interpolation is broken.
    """
    parts = {str(key): _plain(config, str(key)) for key in config if key != "hydra"}
    return config_hash(without_defaults(parts))


def without_defaults(plain: dict[str, Any]) -> dict[str, Any]:
    """The resolved config without `backbone.text`: `text` holds the values in use, from there or from the command line.

    A default that is not used is no part of a run, neither of its hash nor of its config.yaml.
    """
    backbone = plain.get("backbone")
    if not isinstance(backbone, dict):
        return plain
    return {**plain, "backbone": {key: value for key, value in backbone.items() if key != "text"}}


def check_size(config: DictConfig) -> None:
    """Raise SizeMissing when `model=` names a size that the backbone family does not have."""
    sizes = OmegaConf.select(config, "backbone.sizes")
    if sizes is None:
        return
    size = str(OmegaConf.select(config, "model.size"))
    if size not in sizes:
        name = OmegaConf.select(config, "backbone.name", default="this backbone")
        raise SizeMissing(f"model={size}: {name} has no such size, only {', '.join(str(known) for known in sizes)}.")


def gpus_needed(config: DictConfig) -> int:
    """How many GPUs a point wants: `trainer.devices`, none on the CPU."""
    if str(OmegaConf.select(config, "trainer.accelerator", default="auto")) == "cpu":
        return 0
    devices = OmegaConf.select(config, "trainer.devices", default=1)
    return devices if isinstance(devices, int) else 1  # of another type: the point itself reports it


def processes_needed(config: DictConfig) -> int:
    """How many processes of this machine a point wants: `trainer.devices`, one for each, also on the CPU."""
    devices = OmegaConf.select(config, "trainer.devices", default=1)
    return max(1, devices) if isinstance(devices, int) else 1  # an error is reported by the point itself


def child_arguments(loader: ConfigLoader, config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """The arguments that make a process compose this point: the sweep's own options of Hydra, and the overrides.

    `config` is the sweep's own config. Its launcher, sweeper and mode are left out: the process runs one point.
    """
    ours = ("hydra.mode", "hydra/launcher", "hydra.launcher", "hydra/sweeper", "hydra.sweeper")
    kept = [text for text in config.hydra.overrides.hydra if not text.lstrip("+~").startswith(ours)]
    options: list[str] = []
    if config.hydra.job.config_name != "config":
        options.append(f"--config-name={config.hydra.job.config_name}")
    for source in loader.get_search_path().get_path():
        if source.provider == "command-line":
            options.append(f"--config-dir={str(source.path).removeprefix('file://')}")
    return [*options, *kept, *overrides, "hydra.mode=RUN"]


def _spelled(override: str) -> str:
    """One spelling of an override: Hydra's own, from its parsed value."""
    parsed = OverridesParser.create().parse_override(override)
    if parsed.value_type is None:  # a deletion without a value
        return parsed.get_key_element()
    return f"{parsed.get_key_element()}={parsed.get_value_element_as_str()}"


def _plain(config: DictConfig, key: str) -> Any:
    node = typing.cast(Any, config)[key]
    return OmegaConf.to_container(node, resolve=True, throw_on_missing=True) if OmegaConf.is_config(node) else node
