"""What goes wrong with configs elsewhere: saved unresolved, different for each process, `??` for `???`.

See docs/pitfalls.md#saved-configs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from hybridret.config.entry import config_folder
from hybridret.config.run_identity import point_directory, point_hash
from hybridret.config.validate import resolved

FILES = sorted(Path(config_folder()).rglob("*.yaml"))


def scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from scalars(key)
            yield from scalars(child)
    elif isinstance(value, list):
        for child in value:
            yield from scalars(child)
    else:
        yield str(value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_nothing_depends_on_the_clock_and_missing_values_have_three_marks(file: Path) -> None:
    texts = list(scalars(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert not [text for text in texts if "${now" in text or "${hydra.job.num" in text]
    assert not [text for text in texts if text.startswith("?") and text != "???"]


def test_two_processes_that_compose_alike_share_directory_hash_and_config() -> None:
    overrides = ["batching=hybrid", "batching.alpha=0.25", "seed=3", "sweep=s"]
    found = []
    for _ in range(2):
        with initialize_config_dir(config_folder(), version_base="1.3"):
            config = compose("config", overrides=overrides)
        found.append((point_directory(config, overrides).path, point_hash(config), resolved(config)))
    assert found[0] == found[1]
    written = OmegaConf.to_yaml(OmegaConf.create(found[0][2]))
    assert "${" not in written
    assert "???" not in written
    assert not {"=", "?", ","} & set(str(found[0][0]))
