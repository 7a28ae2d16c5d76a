"""A real Ray cluster for this folder, started once; tests can import `local_ray`, `ray_sweep`, `commands` and more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands"), str(HERE.parent / "sweep")]

from commands import rows, write_rows  # noqa: E402
from local_ray import LocalRay, Unstarted, missing  # noqa: E402
from ray_sweep import RaySweep  # noqa: E402
from tiny_sweep import Files, local_sweep  # noqa: E402


@pytest.fixture(scope="session")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRay]:
    if (reason := missing()) is not None:
        pytest.skip(f"no Ray: {reason}")
    ray = LocalRay(tmp_path_factory.mktemp("ray"))
    try:
        try:
            ray.start()
        except Unstarted as error:
            pytest.skip(f"Ray does not start here: {error}")
        yield ray
    finally:
        ray.stop()


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("pairs") / "boxes", rows())


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Files:
    """What a sweep on this machine leaves, by seed."""
    return local_sweep(tmp_path_factory.mktemp("local"), pairs, (1, 2))


@pytest.fixture
def sweep(local_ray: LocalRay, tmp_path: Path, pairs: Path) -> Iterator[RaySweep]:
    """A sweep on Ray; its jobs end with the test."""
    found = RaySweep(local_ray, tmp_path, pairs)
    yield found
    found.clear()
