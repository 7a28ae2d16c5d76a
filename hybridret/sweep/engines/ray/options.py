"""What a user or a site may ask of Ray beside the resources of a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RayOptions:
    """None or empty: Ray's own default.

    - address: of the dashboard, such as `http://head:8265`; None: `RAY_ADDRESS`, else this machine.
    - python: on the nodes of the cluster; None: the path of this one.
    - env: variables of the jobs, which Ray shows to whoever may ask for its jobs.
    - custom: custom resources of a job.
    - container: the words before `python` that start it in a container image.
    - grace: seconds that a point has to save after it was cancelled.
    - retries: how often a point that failed is tried again; max_requeues: how often a job is started again whose node
      was lost; every: seconds between two looks of the keeper, which does that.
    """

    address: str | None = None
    python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, float] = field(default_factory=dict)
    container: tuple[str, ...] = ()
    grace: int = 120
    retries: int = 2
    max_requeues: int = 50
    every: float = 10.0
