"""One point of a sweep, from its config to `result.json`: claim the run directory, train, evaluate, record."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hybridret.build.admission import admit, check_gpu
from hybridret.build.config import read_settings, resolved
from hybridret.build.exhausted import memory_told
from hybridret.build.parts import Parts
from hybridret.build.record import data, file_name, identity, outcome
from hybridret.build.score import Scores, score
from hybridret.build.shares import training_shares
from hybridret.build.summary import print_summary
from hybridret.build.tracked import show, tracker_of
from hybridret.build.trainable import check_config, check_family
from hybridret.build.written import write_scores
from hybridret.cluster.plan import point_directory, point_hash
from hybridret.cluster.signals import Stop, StoppingProgress, StopRequested, graceful_stop
from hybridret.cluster.summary import command_line
from hybridret.encoders.dual import DualEncoder
from hybridret.errors import DONE, INTERRUPTED, REQUEUE, UserError
from hybridret.export.tracking import Tracker, check_tracker
from hybridret.files import read_json, write_json, write_text
from hybridret.meeting import lost_processes_told, meet, part
from hybridret.processes import Place, place
from hybridret.progress import Bars, Both, Progress, Quiet
from hybridret.runs import Decision, RunDirectory, State, StatusProgress, StatusWriter, environment
from hybridret.settings import Settings, TrainerSettings
from hybridret.training.checkpoints import saved_step
from hybridret.training.optimisation import check_optimizer
from hybridret.training.train import TrainingResult, check_training, train


def run_point(config: DictConfig, overrides: Sequence[str]) -> int:
    """Run one point and return the exit code. A finished run of the same config is left as it is.

    Raises UserError for bad input, before anything is written where that can be known.
    """
    check_config(config)
    plain = resolved(config)
    settings = read_settings(plain)
    parts = Parts(settings)
    check_gpu(parts, overrides)
    check_processes(settings.trainer, place())
    run, digest = point_directory(config, overrides), point_hash(config)
    parts.check()
    check_training(settings.training, settings.schedule, settings.trainer)
    check_optimizer(parts.make_optimizer)
    parts.adapter.check_precision(settings.trainer.precision)
    check_family(parts)
    check_tracker(settings.logger)
    if run.decide(digest) is Decision.FINISHED:
        print(f"{run.path} is finished; nothing to do.")
        return DONE
    expected = admit(parts, overrides)
    if not place().first:
        with memory_told(expected, dict):
            return _follow(parts, run, digest)
    print(expected.told())
    parts.collections(Bars())  # a test set that cannot be read is said before the training, not behind it
    with graceful_stop() as stop, run.lock():
        status = StatusWriter(run.status, digest)
        try:
            decision = run.claim(digest)
            status.set(State.RUNNING)
            write_text(run.config, OmegaConf.to_yaml(OmegaConf.create(plain_without_hydra(plain))))
            write_json(run.environment, environment())
            with memory_told(expected, lambda: run.read_status() or {}):
                code = _Work(parts, run, digest, plain, status, stop).do(resume=decision is Decision.RESUME)
        except StopRequested as request:
            status.give_up(State.INTERRUPTED, str(request))
            _tell_how_to_go_on(run, "Stopped at a safe point")
            return request.exit_code
        except KeyboardInterrupt:
            status.give_up(State.INTERRUPTED, "stopped by a second Ctrl-C")
            _tell_how_to_go_on(run, "Stopped at once")
            return INTERRUPTED
        except UserError as error:
            stopped = error.exit_code in (REQUEUE, INTERRUPTED)  # another process of this run had a signal
            status.give_up(State.INTERRUPTED if stopped else State.FAILED, str(error))
            raise
        except BaseException as error:
            status.give_up(State.FAILED, f"{type(error).__name__}: {error}")
            raise
        status.set(State.FINISHED)
        return code


def check_processes(trainer: TrainerSettings, here: Place) -> None:
    """Raise UserError where other processes are asked for than were started.

    Lightning would start missing ones itself by running sys.argv again, and each would take itself for the first
    (traps 20).
    """
    wanted = trainer.devices * trainer.nodes
    asked = f"trainer.devices={trainer.devices} trainer.nodes={trainer.nodes}"
    if here.world == 1 and wanted > 1:
        raise UserError(
            f"{asked} needs {wanted} processes: start them with `torchrun --nproc-per-node={trainer.devices} -m "
            f"hybridret.run ...`, with `srun --ntasks-per-node={trainer.devices} python -m hybridret.run ...` (in a "
            f"job that is not called bash or interactive), or, on one machine, sweep with -m, which does that for each "
            f"point."
        )
    if here.world != wanted or here.local_world not in (None, trainer.devices):
        there = f", {here.local_world} of them on this machine" if here.local_world is not None else ""
        raise UserError(
            f"{asked} needs {wanted} processes, but {here.world} were started{there}. Set trainer.devices to the "
            f"processes of each machine and trainer.nodes to the number of machines."
        )


def _tell_how_to_go_on(run: RunDirectory, what: str) -> None:
    saved = f"; {run.last_checkpoint} holds its state" if run.last_checkpoint.exists() else ""
    print(f"{what}{saved}. To go on, run the same command again: {command_line(sys.argv)}", file=sys.stderr)


def plain_without_hydra(plain: dict[str, Any]) -> dict[str, Any]:
    """The resolved config as a run directory keeps it."""
    return {key: value for key, value in plain.items() if key != "hydra"}


def _follow(parts: Parts, run: RunDirectory, digest: str) -> int:
    """The part of a further rank: train, and leave records and evaluation to the first."""
    with graceful_stop() as stop:
        encoder = parts.trained_encoder()
        stop.check()
        # Stopped in training, it has done its part: the first says so, and is not ended for the code of this one.
        with suppress(_StoppedTogether):
            _train(parts, encoder, run, digest, Quiet(), lambda row: None, stop)
    return DONE


class _StoppedTogether(StopRequested):
    """All ranks stopped after the same step, with the state saved: at least one of them had a signal."""


def _train(
    parts: Parts,
    encoder: DualEncoder,
    run: RunDirectory,
    digest: str,
    progress: Progress,
    on_history: Any,
    stop: Stop,
) -> TrainingResult:
    """Raises StopRequested where training was stopped, on every rank."""
    settings, source = parts.settings, parts.source
    if source is None:
        raise UserError("data has no value: choose where training pairs come from, data=cldr or data=jsonl.")
    datasets = source.training()
    meet(StoppingProgress(stop, progress), digest)
    with lost_processes_told():
        result = train(
            encoder,
            parts.strategy.schedule(datasets, settings.training.batch_size),
            datasets,
            source.validation(),
            parts.loss,
            parts.make_optimizer,
            settings.training,
            settings.schedule,
            settings.trainer,
            settings.seed,
            run.path,
            progress,
            on_history,
            stop,
        )
    part()
    if result.stopped == "interrupted":
        raise _StoppedTogether(stop.signal_number or signal.SIGTERM)
    return result


class _Work:
    """The work in a claimed run directory."""

    def __init__(
        self, parts: Parts, run: RunDirectory, digest: str, plain: dict[str, Any], status: StatusWriter, stop: Stop
    ) -> None:
        self.parts, self.run, self.digest, self.plain, self.stop = parts, run, digest, plain, stop
        self.settings: Settings = parts.settings
        self.progress: Progress = Both(StatusProgress(status), Bars())

    def do(self, resume: bool) -> int:
        """Train, evaluate, write the result; raises StopRequested at a safe point after a signal."""
        if resume:
            self._forget_later_rows()
        safe = StoppingProgress(self.stop, self.progress)
        with safe.task("read data and build the encoder", None):
            self._check_data(resume)
            encoder = self.parts.trained_encoder()
        self.stop.check()
        config = plain_without_hydra(self.plain)
        tracker = tracker_of(self.run, self.digest, self.settings, self._strategy_name(), config)
        try:
            trained = self._fit(encoder, tracker)
            scores = self._evaluate(self.parts.load(self.run), safe)
            self._record(encoder, trained, scores, tracker)
        except BaseException:
            tracker.close(exit_code=1)
            raise
        tracker.close()
        return DONE

    def _fit(self, encoder: DualEncoder, tracker: Tracker) -> TrainingResult:
        def on_history(row: dict[str, Any]) -> None:
            self.run.append_history(row)
            tracker.history(row)

        return _train(self.parts, encoder, self.run, self.digest, self.progress, on_history, self.stop)

    def _evaluate(self, best: DualEncoder, progress: Progress) -> Scores:
        best.to(self.parts.device)
        retriever = self.parts.retriever(best)
        settings = self.settings.evaluation
        trec = self.run.path / "trec" if settings.trec else None
        return score(retriever, self.parts.collections(progress), settings, progress, trec)

    def _record(self, encoder: DualEncoder, trained: TrainingResult, scores: Scores, tracker: Tracker) -> None:
        write_scores(self.run.path, scores, self.settings.evaluation, self.run.name, self.digest, encoder)
        source = self.parts.source
        assert source is not None
        mix = {"train/pairs_per_second": trained.pairs_per_second, "train/padding_share": trained.padding_share}
        if trained.mix.get("alpha") is not None:
            mix["train/realised_alpha"] = trained.mix["alpha"]
        show(tracker, scores, mix)
        self.run.write_result(
            {
                **identity(self.run, self.digest, self.settings, self._strategy_name()),
                "parameters": encoder.parameters_counted(),
                "training": asdict(trained),
                "tokens": training_shares(encoder.tokenization, source),
                "data": data(source),
                **outcome(scores, self.settings),
            }
        )
        print_summary(scores.evaluation.macro())
        print(f"Finished: {self.run.path}")

    def _check_data(self, resume: bool) -> None:
        """The config names the data but does not hold it: a checkpoint must not go on with other texts under it."""
        path = self.run.checkpoints / "data.json"
        source = self.parts.source
        found = source.fingerprint() if source is not None else None
        held = read_json(path)["fingerprint"] if resume and path.is_file() else found
        if held != found:
            raise UserError(
                f"The training data changed since {self.run.last_checkpoint} was written (fingerprint {held}, now "
                f"{found}). Restore the data, choose another sweep=NAME, or delete {self.run.path} to start anew."
            )
        write_json(path, {"fingerprint": found})

    def _forget_later_rows(self) -> None:
        """Rows behind the checkpoint will be written again."""
        step = saved_step(self.run.last_checkpoint)
        self.run.truncate_history(step)
        print(f"Resuming {self.run.path} at step {step}.")

    def _strategy_name(self) -> str:
        return file_name(self.settings.batching)
