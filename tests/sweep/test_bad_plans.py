"""What a point's directory refuses, and what Hydra's wrappers hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from hybridret.base.errors import UserError
from hybridret.base.settings import LARGEST_SEED
from hybridret.config.explain import explain
from hybridret.config.run_identity import gpus_needed, point_directory
from hybridret.sweep.launcher import ProcessLauncher


def directory(**changes: Any) -> Path:
    config = OmegaConf.create({"output": "out", "sweep": "s", "seed": 1, **changes})
    return point_directory(config, []).path


@pytest.mark.parametrize("sweep", ["../x", "/abs", "a/b", "a\\b", "..", ".", ".cache", "", "  ", None])
def test_a_sweep_is_one_folder_below_the_output(sweep: str | None) -> None:
    with pytest.raises(UserError, match=r"sweep=.*one folder"):
        directory(sweep=sweep)


@pytest.mark.parametrize("sweep", ["s", "alpha 0.5", "2026", 7, "a.b", "größe"])
def test_names_of_one_folder_stay_as_they_are(sweep: str | int) -> None:
    assert directory(sweep=sweep).parent == Path("out") / str(sweep)


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, 10**23, "abc", 1.5, None, True])
def test_seeds_that_no_generator_takes(seed: object) -> None:
    with pytest.raises(UserError, match="seed="):
        directory(seed=seed)


@pytest.mark.parametrize("seed", [0, 5, "5", LARGEST_SEED])
def test_seeds_of_runs(seed: int | str) -> None:
    assert directory(seed=seed).name == f"default_seed-{seed}"


def test_a_number_of_devices_that_is_none_is_left_to_the_point() -> None:
    assert gpus_needed(OmegaConf.create({"trainer": {"accelerator": "gpu", "devices": "abc"}})) == 1


@pytest.mark.parametrize(
    "bad", [{"n_jobs": 0}, {"threads": 0}, {"devices_per_job": -1}, {"grace": -1.0}], ids=lambda bad: next(iter(bad))
)
def test_what_a_launcher_refuses_is_said_without_hydras_wrapper(bad: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        ProcessLauncher(**bad)
    wrapped = InstantiationException(f"Error in call to target 'x': {refused.value!r}\nfull_key: hydra.launcher")
    wrapped.__cause__ = refused.value
    said = explain(wrapped, [], None, "config")  # type: ignore[arg-type]
    assert said == str(refused.value)
    assert said.startswith(f"hydra.launcher.{next(iter(bad))}={next(iter(bad.values()))}: ")
