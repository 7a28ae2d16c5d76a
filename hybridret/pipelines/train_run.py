"""`python -m hybridret.run`: one point of a sweep, from its config to `result.json`.

Errors that settings alone can show are raised before the slow imports of torch, transformers and Lightning.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from omegaconf import DictConfig

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, INTERRUPTED
from hybridret.base.graceful_stop import StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line, work_begins
from hybridret.components.checks import check_config, check_family, check_processes
from hybridret.components.components import Components
from hybridret.config.instantiate import plugin_name
from hybridret.config.run_identity import point_directory, point_hash
from hybridret.config.validate import plain_without_hydra, read_settings, resolved
from hybridret.data.prepared.source import PreparedSource
from hybridret.distributed.world import process_info
from hybridret.export.tracking import check_tracker
from hybridret.pipelines.run_claim import claimed
from hybridret.runs import Decision, RunDirectory
from hybridret.runs.identity import RunIdentity
from hybridret.runs.pruning import Pruned
from hybridret.training.check import check_training


def run_point(config: DictConfig, overrides: Sequence[str]) -> int:
    """Run one point and return the exit code. A finished run of the same config is left as it is.

    Raises UserError for bad input, before anything is written where that can be known.
    """
    work_begins()
    check_config(config)
    plain = resolved(config)
    settings = read_settings(plain)
    components = Components(settings)
    check_processes(settings.trainer, process_info())
    identity = RunIdentity(point_directory(config, overrides), point_hash(config), plugin_name(settings.batching))
    run = identity.directory
    check_training(settings.training, settings.schedule, settings.trainer)
    components.check()
    components.adapter.check_precision(settings.trainer.precision)
    check_family(components)
    check_tracker(settings.logger)
    if run.decide(identity.config_hash) is Decision.FINISHED:
        run.look()
        print(f"{run.path} is finished; nothing to do.")
        return DONE
    from hybridret.pipelines.train_worker import Remembered, follow
    from hybridret.preflight.memory_check import check_fits, check_gpu
    from hybridret.preflight.out_of_memory import explain_out_of_memory

    components.check_optimizer()
    check_gpu(components, overrides)  # not before: a finished run needs no GPU
    expected = check_fits(components, overrides)
    if not process_info().first:
        seen = Remembered()
        with explain_out_of_memory(expected, lambda: seen.status):
            return follow(components, identity, seen)
    from hybridret.pipelines.point_work import PointWork

    print(expected.text())
    bars = Bars()
    if components.source is not None and (stopped := _stopped_in_preparation(components.source, bars)) is not None:
        return stopped
    if components.source is not None:
        _ = components.mined
    components.collections(bars)  # a test set that cannot be read is reported before the training, not after it
    with graceful_stop() as stop:
        try:
            with claimed(identity, plain_without_hydra(plain), bars, stop.check) as claim:
                with explain_out_of_memory(expected, lambda: run.read_status() or {}):
                    return PointWork(components, identity, plain, claim.progress, stop).do(claim.resume)
        except Pruned as verdict:
            print(f"Stopped early, {verdict}")
            return DONE
        except StopRequested as request:
            _print_how_to_go_on(run, "Stopped at a safe point")
            return request.exit_code
        except KeyboardInterrupt:
            _print_how_to_go_on(run, "Stopped at once")
            return INTERRUPTED


def _stopped_in_preparation(source: PreparedSource, bars: Bars) -> int | None:
    """Prepare the data of the run; the exit code where a signal stopped it, None where they are there."""
    if not source.streamed or source.is_prepared():
        source.prepare(bars)  # from memory: a signal ends it at once, and nothing is left
        return None
    try:
        with graceful_stop() as stop:
            source.prepare(StoppingProgress(stop, bars))
            stop.check()
    except StopRequested as request:
        what = f"Stopped while {source.name} was prepared; files of the copy that are whole are kept"
        print(f"{what}. To go on, run the same command again: {command_line(sys.argv)}", file=sys.stderr)
        return request.exit_code
    work_begins()
    return None


def _print_how_to_go_on(run: RunDirectory, what: str) -> None:
    saved = f"; {run.last_checkpoint} holds its state" if run.last_checkpoint.exists() else ""
    print(f"{what}{saved}. To go on, run the same command again: {command_line(sys.argv)}", file=sys.stderr)
