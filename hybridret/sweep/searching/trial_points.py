"""From the overrides of a trial to its composed config, its run directory and its hash."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import SizeMissing, UserError
from hybridret.config.explain import explain
from hybridret.config.run_identity import check_size, point_directory, point_hash
from hybridret.runs import RunDirectory


@dataclass(frozen=True)
class TrialPoint:
    """The point of a trial. `config_hash` is None where the config cannot be resolved: the point itself reports it."""

    overrides: tuple[str, ...]
    config: DictConfig
    run: RunDirectory
    config_hash: str | None


class TrialPoints:
    """Composes points from the sweep's own `config`."""

    def __init__(self, loader: ConfigLoader, config: DictConfig) -> None:
        self._loader, self._config = loader, config

    def point(self, overrides: Sequence[str]) -> TrialPoint:
        """Raises UserError where the overrides cannot be composed, SizeMissing where a family lacks the size."""
        try:
            config = self._loader.load_sweep_config(self._config, list(overrides))
            check_size(config)
            run = point_directory(config, overrides)
        except SizeMissing:
            raise
        except (HydraException, OmegaConfBaseException) as error:
            name = str(self._config.hydra.job.config_name)
            raise UserError(explain(error, tuple(overrides), self._loader, name)) from error
        found: str | None = None
        with suppress(OmegaConfBaseException):
            found = point_hash(config)
        return TrialPoint(tuple(overrides), config, run, found)
