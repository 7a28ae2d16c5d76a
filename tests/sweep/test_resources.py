"""What a job must have for a point, from its plan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from hybridret.config.entry import config_folder
from hybridret.preflight.resources import beyond, resources
from hybridret.sweep.engines.engine import Resources

pytestmark = pytest.mark.slow

NAMED: Mapping[str, Any] = {"memory": 3.0, "minutes": 60}  # nothing is left for a plan
GPU = ("trainer=gpu", "plan.gpus=[l40s]", "data=jsonl", "data.path=FOLDER")


def of(*overrides: str, asked: Mapping[str, Any] = NAMED, limits: Mapping[str, Any] | None = None) -> Resources | str:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("config", overrides=list(overrides), return_hydra_config=True)
    (found,) = resources([(overrides, config)], asked, limits or {})
    return found


@pytest.mark.parametrize(
    ("overrides", "needed"),
    [
        ((), Resources(1, 1, 0, 1, 3.0, 60)),
        (("trainer.threads=4",), Resources(1, 1, 0, 4, 3.0, 60)),
        (("trainer=gpu",), Resources(1, 1, 1, 5, 3.0, 60)),
        (("trainer=gpu", "trainer.workers=0"), Resources(1, 1, 1, 4, 3.0, 60)),
        (("trainer=fsdp", "trainer.nodes=2"), Resources(2, 8, 8, 40, 3.0, 60)),
        (("trainer.strategy=ddp", "trainer.devices=2"), Resources(1, 2, 0, 2, 3.0, 60)),
    ],
)
def test_devices_and_cores_follow_from_the_config(overrides: tuple[str, ...], needed: Resources) -> None:
    assert of(*overrides) == needed


def test_what_the_user_names_wins() -> None:
    asked = {"gpus": 3, "cores": 7, "memory": 1.5, "minutes": 5}
    assert of("trainer=gpu", asked=asked) == Resources(1, 1, 3, 7, 1.5, 5)


def test_cores_are_capped_and_so_is_a_time_that_nobody_named() -> None:
    assert of("trainer=fsdp", limits={"cores": 16}) == Resources(1, 8, 8, 16, 3.0, 60)
    assert of(asked={"memory": 2.0}, limits={"minutes": 90}) == Resources(1, 1, 0, 1, 2.0, 90)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"gpus": 4}, "it needs 8 GPUs, and hydra.launcher.limits.gpus is 4"),
        ({"nodes": 1}, "it needs 2 nodes"),
        ({"memory": 2.5}, "it needs 3 GiB of memory"),
        ({"minutes": 59}, "it needs 60 minutes"),
    ],
)
def test_what_is_beyond_a_limit_fits_no_node(limits: Mapping[str, Any], words: str) -> None:
    found = of("trainer=fsdp", "trainer.nodes=2", limits=limits)
    assert isinstance(found, str)
    assert found.startswith("fits no node: ")
    assert words in found


def test_every_limit_can_be_kept() -> None:
    wanted = Resources(2, 8, 8, 16, 10.0, 60)
    assert beyond(wanted, {"nodes": 2, "gpus": 8, "cores": 16, "memory": 10.0, "minutes": 60}) is None
    assert beyond(wanted, {}) is None
    assert beyond(Resources(), {"memory": 1.0, "minutes": 1}) is None


def test_a_small_point_on_the_cpu_has_memory_and_no_time() -> None:
    found = of("model=nano", asked={})
    assert isinstance(found, Resources)
    assert found.minutes is None
    assert found.memory is not None
    assert 2.0 < found.memory < 4.0


def test_what_cannot_be_planned_leaves_both_to_the_cluster() -> None:
    assert of("backbone=bm25", asked={}) == Resources(1, 1, 0, 1, None, None)


def test_time_and_memory_of_a_large_point_follow_from_its_plan() -> None:
    """Time grows by the same number of minutes with every thousand steps; the rest of it is evaluation."""
    found = [of(*GPU, "model=1b", f"training.steps={steps}", asked={}) for steps in (10_000, 20_000, 30_000)]
    points = [one for one in found if isinstance(one, Resources)]
    assert len({one.memory for one in points}) == 1
    assert (points[0].memory or 0) > 12 * 5e8 / 2**30  # weights and moments of half a billion parameters, at least
    assert [one.minutes for one in points] == [15 + math.ceil(90 * (one.expected_hours or 0)) for one in points]
    first, second, third = (one.minutes or 0 for one in points)
    assert second - first > 15
    assert abs((third - second) - (second - first)) <= 1


def test_a_limit_cuts_the_time_and_not_what_is_expected() -> None:
    whole, cut = (of(*GPU, "model=1b", asked={}, limits=limits) for limits in ({}, {"minutes": 20}))
    assert isinstance(whole, Resources)
    assert isinstance(cut, Resources)
    assert cut.minutes == 20
    assert cut.expected_hours == whole.expected_hours
    assert replace(whole, expected_hours=1.0) == whole  # no reason for another array


def test_what_fits_no_gpu_is_refused_unless_the_user_insists() -> None:
    found = of(*GPU, "model=10b", asked={})
    assert isinstance(found, str)
    assert found.startswith("fits no GPU of plan.gpus as it is. ")
    assert isinstance(of(*GPU, "model=10b", "plan.refuse=false", asked={}), Resources)
