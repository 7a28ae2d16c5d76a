"""A run's identity and results as the tracker wants them; trained runs and evaluations say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.build.score import Scores
from hybridret.export.tracking import Tracker, open_tracker
from hybridret.files import hash_json
from hybridret.runs import RunDirectory
from hybridret.settings import Settings


def tracker_of(run: RunDirectory, digest: str, settings: Settings, strategy: str, config: Mapping[str, Any]) -> Tracker:
    """Group = sweep, name = run, job type = strategy. An evaluation added later has the id of its run."""
    return open_tracker(
        run.path,
        settings.logger,
        group=run.sweep,
        name=run.name,
        job_type=strategy,
        run_id=hash_json([run.sweep, run.name, digest]),
        config=config,
        tags=[strategy, str(settings.model.size)],
    )


def show(tracker: Tracker, scores: Scores, more: Mapping[str, float] | None = None) -> None:
    """Macro metrics (and `more`) in the summary, one table per dataset with every language and pair."""
    tables = dict(tuple(scores.evaluation.metrics.groupby("dataset", sort=True)))
    metrics = {**scores.evaluation.macro(), **(more or {})}
    tracker.results(metrics, {str(name): table for name, table in tables.items()})
