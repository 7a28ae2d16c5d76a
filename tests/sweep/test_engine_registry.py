"""Engines are found by the name that a `job.json` holds."""

from __future__ import annotations

import pytest

from hybridret.base.errors import UserError
from hybridret.sweep.engines.registry import engine
from hybridret.sweep.engines.slurm.engine import SlurmEngine


def test_jobs_of_slurm_are_asked_of_slurm() -> None:
    assert isinstance(engine("slurm"), SlurmEngine)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(UserError, match=r"There is no engine called 'slrum', which job.json of a run names. .*slurm"):
        engine("slrum")
