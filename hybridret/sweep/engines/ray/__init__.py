"""Ray: a job of an existing cluster for each point, through Ray's job submission API."""

from __future__ import annotations

from hybridret.sweep.engines.ray.engine import RayEngine

ENGINE = RayEngine()  # for whoever looks at jobs that somebody else submitted

__all__ = ["ENGINE", "RayEngine"]
