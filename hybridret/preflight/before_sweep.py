"""Before the processes of a sweep start: which points cannot run here, with everything that each lacks at once.

A sweep of small models must not wait for this, so the first look reads configs alone; torch is imported only where a
point may lack something or is large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hybridret.base.machine import visible_gpus
from hybridret.components.hub_cache import is_here
from hybridret.encoders.sizes import LARGE


def before_sweep(points: Sequence[tuple[Sequence[str], DictConfig]], here: bool = True) -> list[str | None]:
    """Print the plan of the large points and of those that cannot run, and what those lack; return for each point
    None, or why it cannot run: a line, then what is missing, one item per line.

    `here`: they run on this machine; False: on another one with the same files, whose GPUs and memory are not asked.
    """
    doubtful = [number for number, (_, config) in enumerate(points) if is_doubtful(config, here)]
    if not doubtful:
        return [None] * len(points)
    from hybridret.config.compose import labels
    from hybridret.preflight.sweep_preflight import check_points  # torch, transformers

    reasons: list[str | None] = [None] * len(points)
    names = list(labels([list(overrides) for overrides, _ in points]))  # labels among all points, shown or not
    shown = [(names[number], *points[number]) for number in doubtful]
    for number, reason in zip(doubtful, check_points(shown, here), strict=True):
        reasons[number] = reason
    return reasons


def is_doubtful(config: DictConfig, here: bool = True) -> bool:
    """Whether a point may lack something here, or is large; from its config and the file system alone."""
    try:
        return _is_doubtful(config, here)
    except Exception:  # a value of another type, a broken interpolation: the point's own process explains it best
        return False


def _is_doubtful(config: DictConfig, here: bool) -> bool:
    missing = OmegaConf.missing_keys(config)
    sections = {key: OmegaConf.select(config, key) for key in ("data", "eval", "trainer", "backbone")}
    return (
        any(not key.startswith("hydra") for key in missing)
        or OmegaConf.select(config, "training.mined") is not None
        or (here and sections["trainer"].get("accelerator") in ("gpu", "cuda") and not visible_gpus())
        or any(path is None or not Path(str(path)).expanduser().exists() for path in _paths(sections))
        or _backbone_is_doubtful(sections["backbone"], str(OmegaConf.select(config, "model.size")))
    )


def _paths(sections: Mapping[str, Any]) -> Iterable[Any]:
    """The paths of the data and of each benchmark that is read from a folder; None: from the hub."""
    for section in (sections["data"], *(sections["eval"] or {}).values()):
        if isinstance(section, DictConfig) and "path" in section:
            yield section["path"]


def _backbone_is_doubtful(backbone: Any, size: str) -> bool:
    if not isinstance(backbone, DictConfig) or size not in (backbone.get("sizes") or {}):
        return False
    entry = backbone["sizes"][size]
    checkpoint, config = entry.get("checkpoint"), entry.get("config")
    if checkpoint is not None and backbone.get("init") != "random" and not is_here(str(checkpoint)):
        return True
    return config is not None and _parameters(config) >= LARGE


def _parameters(numbers: Any) -> int:
    """The rough number of parameters, from the numbers of a transformers config."""
    width = int(numbers.get("hidden_size") or numbers.get("d_model") or numbers.get("n_embed") or 0)
    layers = int(numbers.get("num_hidden_layers") or numbers.get("num_layers") or numbers.get("n_layer") or 0)
    return 12 * width * width * layers + width * int(numbers.get("vocab_size") or 0)
