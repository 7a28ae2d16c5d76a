"""Every yaml under conf/ composes and binds to its target; a newcomer's file is found here without being listed."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from hybridret.base.settings import Settings
from hybridret.config.entry import config_folder
from hybridret.config.instantiate import arguments, factory, locate
from hybridret.config.validate import BACKBONE_EXTRAS, read_settings, resolved

CONF = Path(config_folder())
OPTIONS = sorted(
    (path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name not in ("local", "hydra")
)
PLUGINS = ("adapter", "backbone", "batching", "data", "index", "loss")


def composed(*overrides: str, name: str = "config") -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose(name, overrides=list(overrides), return_hydra_config=False)


def has_own_target(group: str, option: str) -> bool:
    """Whether the yaml is of a plug-in of this package: not a section of plain values, not torch's optimizer."""
    return "\n_target_: hybridret." in (CONF / group / f"{option}.yaml").read_text(encoding="utf-8")


def needed(group: str, option: str) -> list[str]:
    """Values for what an option leaves open, and a family that has the size."""
    text = (CONF / group / f"{option}.yaml").read_text(encoding="utf-8")
    overrides = [f"{group}=[{option}]" if group == "eval" else f"{group}={option}"]
    if "path: ???" in text:
        overrides.append(f"eval.{option}.path=FOLDER" if group == "eval" else f"{group}.path=FOLDER")
    if "repo: ???" in text:
        overrides += ["data.repo=OWNER/NAME", f"data.revision={'0' * 40}", "data.files=train.parquet"]
    if "checkpoint: ???" in text:
        overrides.append("backbone.checkpoint=FOLDER")
    if "override /data: jsonl" in text:
        overrides.append("data.path=FOLDER")
    if group == "model" and option == "large":
        overrides.append("backbone=xlmr")
    if group == "experiment":  # of several parts, each with a folder of its own
        lacking = OmegaConf.missing_keys(composed(*overrides))
        overrides += [f"{key}=FOLDER" for key in sorted(lacking) if key.endswith(".path")]
    return overrides


def bind(settings: Settings) -> None:
    for key in PLUGINS:
        section = {k: v for k, v in getattr(settings, key).items() if k not in BACKBONE_EXTRAS or key == "data"}
        arguments(locate(section["_target_"], key), section, key)
    for name, section in settings.eval.items():
        arguments(locate(section["_target_"], name), section, name)
    factory(settings.optim, "optim")


@pytest.mark.parametrize(("group", "option"), [one for one in OPTIONS if one != ("backbone", "bm25")])
def test_option_composes_and_binds(group: str, option: str) -> None:
    bind(read_settings(resolved(composed(*needed(group, option)))))


def test_bm25_binds_in_evaluate() -> None:
    plain = resolved(composed("backbone=bm25", name="evaluate"))
    section = {key: value for key, value in plain["backbone"].items() if key not in BACKBONE_EXTRAS}
    assert arguments(locate(section["_target_"], "backbone"), section, "backbone")["k1"] == 1.2


@pytest.mark.parametrize(("group", "option"), [one for one in OPTIONS if has_own_target(*one)])
def test_yaml_lists_every_argument_of_its_target(group: str, option: str) -> None:
    """A value that stands nowhere in conf/ cannot be found by who reads it there."""
    section = OmegaConf.load(CONF / group / f"{option}.yaml")
    parameters = set(inspect.signature(locate(section._target_, group)).parameters) - {
        "params"
    }  # an optimizer's weights
    assert parameters <= set(section), f"{group}/{option}.yaml lacks {parameters - set(section)}"


def test_experiments_open_with_their_command() -> None:
    for path in (CONF / "experiment").glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0] == "# @package _global_"
        assert "python -m hybridret.run" in lines[1], path
        assert lines[2].startswith("# Time: "), path
        assert "Question: " in " ".join(lines[2:6]), path
