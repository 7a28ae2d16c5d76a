"""A real SLURM for this folder, started once; tests can import `mini_slurm`, `real_sweep`, `commands` and more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands"), str(HERE.parent / "sweep")]

from commands import rows, write_rows  # noqa: E402
from mini_slurm import MiniSlurm, missing  # noqa: E402
from real_sweep import RealSweep  # noqa: E402
from tiny_sweep import Files, local_sweep  # noqa: E402


@pytest.fixture(scope="session")
def mini_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniSlurm]:
    if (reason := missing()) is not None:
        pytest.skip(f"no SLURM: {reason}")
    slurm = MiniSlurm(tmp_path_factory.mktemp("slurm"))
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("pairs") / "boxes", rows())


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Files:
    """What a sweep on this machine leaves, by seed."""
    return local_sweep(tmp_path_factory.mktemp("local"), pairs, (1, 2, 3, 4))


@pytest.fixture
def sweep(mini_slurm: MiniSlurm, tmp_path: Path, pairs: Path) -> Iterator[RealSweep]:
    """A sweep on SLURM; its jobs end with the test."""
    yield RealSweep(mini_slurm, tmp_path, pairs)
    mini_slurm.clear()


@pytest.fixture(scope="module")
def bare_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniSlurm]:
    """Two nodes and no accounting."""
    if (reason := missing()) is not None:
        pytest.skip(f"no SLURM: {reason}")
    slurm = MiniSlurm(tmp_path_factory.mktemp("bare"), accounting=False, nodes=2, first="bare")
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture
def bare(bare_slurm: MiniSlurm, tmp_path: Path, pairs: Path) -> Iterator[RealSweep]:
    """A sweep on that SLURM."""
    yield RealSweep(bare_slurm, tmp_path, pairs)
    bare_slurm.clear()
