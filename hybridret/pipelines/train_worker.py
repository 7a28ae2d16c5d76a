"""The training of a point, on each of its processes: they meet, train together, and part."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import Stop, StoppingProgress, StopRequested, graceful_stop
from hybridret.base.progress import Advance, Progress, Quiet
from hybridret.components.components import Components
from hybridret.distributed.rendezvous import explain_lost_processes, join, leave
from hybridret.encoders.dual import DualEncoder
from hybridret.pipelines.retrieval_probe import retrieval_probe
from hybridret.runs.identity import RunIdentity
from hybridret.training.train import TrainingResult, train


class StoppedTogether(StopRequested):
    """All processes stopped after the same step, with the state saved: at least one of them received a signal."""


def train_components(
    components: Components,
    encoder: DualEncoder,
    run: RunIdentity,
    progress: Progress,
    on_history: Any,
    stop: Stop,
    should_stop: Callable[[], bool] | None = None,
) -> TrainingResult:
    """`should_stop`: what a training asks after each step; None: `stop`. Raises StopRequested where training was
    stopped, on every process."""
    settings, source = components.settings, components.source
    if source is None:
        raise UserError("data has no value: choose where training pairs come from, data=cldr or data=jsonl.")
    datasets = components.datasets
    probe = retrieval_probe(components, source)
    join(StoppingProgress(stop, progress), run.config_hash)
    with explain_lost_processes():
        result = train(
            encoder,
            components.strategy.schedule(datasets, settings.training.batch_size),
            datasets,
            source.validation(),
            components.loss,
            components.make_optimizer,
            settings.training,
            settings.schedule,
            settings.trainer,
            settings.seed,
            run.directory.path,
            progress,
            on_history,
            should_stop or stop,
            probe=probe,
        )
    leave()
    if result.stopped == "interrupted":
        raise StoppedTogether(stop.signal_number or signal.SIGTERM)
    return result


class Remembered:
    """Progress of a process without a status.json: `status` holds the phase that would be written there. Only the first
    process counts steps.
    """

    def __init__(self) -> None:
        self.status: dict[str, str] = {}

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        self.status = {"phase": description}
        with Quiet().task(description, total) as advance:
            yield advance


def follow(components: Components, run: RunIdentity, progress: Progress) -> int:
    """The part of a further process: train, and leave records and evaluation to the first."""
    with graceful_stop() as stop:
        encoder = components.trained_encoder()
        stop.check()
        # After a stop in training this process has done its part. The first one reports the stop, and must not be
        # ended because of the exit code of this one.
        with suppress(StoppedTogether):
            train_components(components, encoder, run, progress, lambda row: None, stop)
    return DONE
