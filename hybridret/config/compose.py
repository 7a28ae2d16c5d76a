"""The points of a command line without starting any: each composed in this process, as the sweep would compose it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import UserError
from hybridret.config.entry import config_folder
from hybridret.config.explain import explain


@dataclass(frozen=True)
class Composed:
    """A point. `label` distinguishes it from the other points, and is empty where labels are not wanted. Where it does
    not compose, `config` is None and `reason` has the cause.
    """

    label: str
    overrides: tuple[str, ...]
    config: DictConfig | None
    reason: str = ""


def points(overrides: Sequence[str], multirun: bool, root: str = "config") -> list[Composed]:
    """One point, or with `multirun` the grid of all comma-separated values and of `hydra.sweeper.params`. `root` is
    the config that all begin with.

    Raises Hydra's errors for an override that cannot be read, and UserError where no point composes.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder(), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        grid = _grid(overrides, loader) if multirun else [list(overrides)]
        names = labels(grid) if multirun else [""]
        made = [_composed(point, label, loader, root) for point, label in zip(grid, names, strict=True)]
    if all(point.config is None for point in made):
        raise UserError(made[0].reason)
    return made


def _grid(overrides: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    parser = OverridesParser.create(config_loader=loader)
    parsed = parser.parse_overrides(list(overrides))
    fixed = [text for text, one in zip(overrides, parsed, strict=True) if not one.is_sweep_override()]
    config = loader.load_configuration("config", fixed, RunMode.MULTIRUN)
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}  # an experiment may define a grid of its own
    given = parser.parse_overrides([*(f"{key}={value}" for key, value in params.items()), *overrides])
    given = [one for one in given if not str(one.key_or_group).startswith("hydra")]
    return [list(point) for batch in BasicSweeper.split_arguments(given, None) for point in batch]


def labels(grid: Sequence[Sequence[str]]) -> Iterator[str]:
    """A label for each point, which distinguishes it from the others: options of groups by their name alone, `3b`,
    values with their key. Where nothing differs, as for a single point: the model that it names.
    """
    for point in grid:
        swept = [text for index, text in enumerate(point) if len({other[index] for other in grid}) > 1]
        named = swept or [text for text in point if text.startswith(("model=", "backbone="))]
        yield " ".join(_short(text) for text in named) or "the point"


def _short(override: str) -> str:
    key, _, value = override.partition("=")
    is_group = (Path(config_folder()) / key).is_dir()
    return value if is_group else f"{key.rpartition('.')[2]}={value}"


def _composed(point: Sequence[str], label: str, loader: ConfigLoader, root: str) -> Composed:
    try:
        config = loader.load_configuration(root, list(point), RunMode.RUN)
    except (HydraException, OmegaConfBaseException) as error:
        return Composed(label or " ".join(point), tuple(point), None, explain(error, point, loader, root))
    return Composed(label, tuple(point), config)
