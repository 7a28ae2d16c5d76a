"""Each value has one owner: no key stands in two yaml files, and no plug-in has a default that its yaml contradicts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hybridret.config.instantiate import locate

CONF = Path(__file__).resolve().parents[2] / "conf"
GROUPS = ("adapter", "backbone", "batching", "data", "eval", "index", "loss")  # optimizers: rates stand with the sizes


def plugins() -> dict[Path, dict[str, Any]]:
    found = {
        path: yaml.safe_load(path.read_text("utf-8")) for group in GROUPS for path in (CONF / group).glob("*.yaml")
    }
    return {path: section for path, section in found.items() if "_target_" in section}


def own() -> Iterator[Path]:
    """The yaml of each plug-in of ours that stands for the plug-in itself, not for a family or a variant of it."""
    for path, section in plugins().items():
        module = str(section["_target_"]).rpartition(".")[0]
        if module.startswith("hybridret.") and module.rpartition(".")[2] == path.stem:
            yield path


@pytest.mark.parametrize("path", sorted(own()), ids=lambda path: path.stem)
def test_yaml_and_signature_have_the_same_value(path: Path) -> None:
    section = plugins()[path]
    parameters = inspect.signature(locate(section["_target_"], path.stem)).parameters
    for key, value in section.items():
        if key in parameters and parameters[key].default is not inspect.Parameter.empty:
            default = parameters[key].default
            assert value == (list(default) if isinstance(default, tuple) else default), key
    absent = [key for key, one in parameters.items() if key not in section and one.default is not one.empty]
    assert not absent, f"{path.name} does not name {absent}, so `--cfg job` does not show their values"


def test_each_section_of_the_root_configs_stands_once() -> None:
    run, evaluate, mine, shared = (
        yaml.safe_load((CONF / f"{name}.yaml").read_text("utf-8")) for name in ("config", "evaluate", "mine", "shared")
    )
    assert not shared.keys() & (run.keys() | evaluate.keys() | mine.keys())
    both = run.keys() & evaluate.keys() - {"defaults", "hydra"}
    assert all(not isinstance(run[key], dict) for key in both)
