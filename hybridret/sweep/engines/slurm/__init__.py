"""SLURM: arrays through submitit, looks by squeue and sacct."""

from __future__ import annotations

from hybridret.sweep.engines.slurm.engine import SlurmEngine

ENGINE = SlurmEngine()  # for whoever looks at jobs that somebody else submitted

__all__ = ["ENGINE", "SlurmEngine"]
