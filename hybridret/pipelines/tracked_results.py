"""A run's identity and results in the form that the tracker needs, the same for trained runs and evaluations."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.settings import EvaluateSettings
from hybridret.evaluation.tables import Evaluation
from hybridret.export.tracking import Past, Tracker, open_tracker
from hybridret.pipelines.scoring import Scores
from hybridret.runs import RunDirectory
from hybridret.runs.identity import RunIdentity
from hybridret.runs.lock import enter_when_free, exclusive
from hybridret.runs.sums import read_result


def tracker_of(run: RunIdentity, settings: EvaluateSettings, config: Mapping[str, Any]) -> Tracker:
    """Group = sweep, name = run, job type = strategy. An evaluation added later has the id of its run.

    What the files of `run` hold is shown from the start.
    """
    return open_tracker(
        run.directory.path,
        settings.logger,
        _past(run.directory),
        group=run.directory.sweep,
        name=run.directory.name,
        job_type=run.strategy,
        run_id=run.tracker_id,
        config=config,
        tags=[run.strategy, str(settings.model.size)],
    )


@contextmanager
def shown(
    run: RunIdentity,
    settings: EvaluateSettings,
    config: Mapping[str, Any],
    scores: Scores,
    progress: Progress,
) -> Iterator[None]:
    """Show `scores` of a run that is not in training. The block writes the result.json that makes them valid.

    An existing result must have a complete mirror, so an offline mirror is closed before the block. Evaluations that
    are added at the same time wait for each other: each shows all finished ones, and itself.
    """
    offline = settings.logger.mode == "offline"
    with ExitStack() as stack:
        if offline:
            waiting = "wait for another evaluation that writes W&B's files"
            enter_when_free(stack, lambda: exclusive(run.directory.path / "wandb" / ".lock"), progress, waiting)
        tracker = tracker_of(run, settings, config)
        stack.callback(tracker.close)
        show(tracker, scores)
        if offline:
            tracker.close()
        yield


def _past(run: RunDirectory) -> Past:
    """Added evaluations replace the run's own values of the same dataset, and later ones replace earlier ones."""
    metrics: dict[str, float] = {}
    tables: dict[str, pd.DataFrame] = {}
    for result, folder in _results(run):
        with suppress(UserError):  # damaged: the report shows it
            evaluation = Evaluation.read(folder)
            for name, table in _tables(evaluation).items():
                tables[name] = table
                metrics = {key: value for key, value in metrics.items() if not key.startswith(f"{name}/")}
            metrics.update(evaluation.macro())
            metrics.update(_of_run(result))
    history: Sequence[dict[str, Any]] | None = None
    try:
        history = run.read_history()
    except UserError as error:  # a failed mirror must not end an evaluation
        print(f"W&B gets no training curve: {error}", file=sys.stderr)
    return Past(history, metrics, tables)


def _results(run: RunDirectory) -> list[tuple[dict[str, Any], Path]]:
    """The results of the run and of the evaluations that were added to it, oldest first."""
    found = []
    for file in (run.result, *run.evaluation("x").parent.glob("*/result.json")):
        with suppress(UserError):
            if file.is_file():
                found.append((read_result(file), file.parent))
    return sorted(found, key=lambda pair: str(pair[0].get("finished") or ""))


def _of_run(result: Mapping[str, Any]) -> dict[str, float]:
    """Throughput, mix and parameters, which scatters of W&B are coloured by."""
    trained = result.get("training") or {}
    mix = trained.get("mix") or {}
    counted = result.get("parameters") or {}
    values = {
        **{f"parameters/{name}": counted.get(name) for name in ("total", "body", "trainable")},
        "train/pairs_per_second": trained.get("pairs_per_second"),
        "train/padding_share": trained.get("padding_share"),
        "train/realised_alpha": mix.get("alpha"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    return {str(name): table for name, table in evaluation.metrics.groupby("dataset", sort=True)}


def show(
    tracker: Tracker,
    scores: Scores,
    training: Mapping[str, Any] | None = None,
    parameters: Mapping[str, int] | None = None,
) -> None:
    """Put macro metrics, throughput and mix of a run's `training`, and its `parameters`, in the summary; and one table
    per dataset with every language and pair."""
    metrics = {**scores.evaluation.macro(), **_of_run({"training": training, "parameters": parameters})}
    tracker.results(metrics, _tables(scores.evaluation))
