"""One point of a sweep, from its config to `result.json`: claim the run directory, train, evaluate, record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hybridret.base.bars import Bars
from hybridret.base.checksums import read_sealed, write_sealed, write_sealed_text
from hybridret.base.errors import DONE, INTERRUPTED, REQUEUE, UserError
from hybridret.base.files import write_json
from hybridret.base.graceful_stop import Stop, StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line, work_begins
from hybridret.base.progress import Both, Progress
from hybridret.base.settings import Settings
from hybridret.components.checks import check_config, check_family, check_processes
from hybridret.components.components import Components
from hybridret.config.instantiate import plugin_name
from hybridret.config.run_identity import point_directory, point_hash
from hybridret.config.validate import read_settings, resolved
from hybridret.distributed.world import process_info
from hybridret.encoders.dual import DualEncoder
from hybridret.export.tracking import Tracker, check_tracker
from hybridret.pipelines.result_record import data, identity, outcome
from hybridret.pipelines.score_files import write_scores
from hybridret.pipelines.scoring import Scores, score
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.pipelines.token_shares import training_shares
from hybridret.pipelines.tracked_results import show, tracker_of
from hybridret.pipelines.train_worker import Remembered, follow, train_components
from hybridret.preflight.memory_check import check_fits, check_gpu
from hybridret.preflight.out_of_memory import explain_out_of_memory
from hybridret.runs import Decision, RunDirectory, State, StatusProgress, StatusWriter, environment
from hybridret.training.checkpoints import saved_rows, saved_step
from hybridret.training.optimisation import check_optimizer
from hybridret.training.train import TrainingResult, check_training


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
    run, digest = point_directory(config, overrides), point_hash(config)
    components.check()
    check_training(settings.training, settings.schedule, settings.trainer)
    check_optimizer(components.make_optimizer)
    components.adapter.check_precision(settings.trainer.precision)
    check_family(components)
    check_tracker(settings.logger)
    if run.decide(digest) is Decision.FINISHED:
        run.look()
        print(f"{run.path} is finished; nothing to do.")
        return DONE
    check_gpu(components, overrides)  # a finished run is finished on a machine without one, too
    expected = check_fits(components, overrides)
    if not process_info().first:
        seen = Remembered()
        with explain_out_of_memory(expected, lambda: seen.status):
            return follow(components, run, digest, seen)
    print(expected.told())
    bars = Bars()
    components.collections(bars)  # a test set that cannot be read is said before the training, not behind it
    with graceful_stop() as stop, run.lock(stop.check):
        status = StatusWriter(run.status, digest)
        try:
            decision = run.claim(digest)
            status.set(State.RUNNING)
            write_sealed_text(run.config, OmegaConf.to_yaml(OmegaConf.create(plain_without_hydra(plain))))
            write_json(run.environment, environment())
            with explain_out_of_memory(expected, lambda: run.read_status() or {}):
                work = _Work(components, run, digest, plain, Both(StatusProgress(status), bars), stop)
                code = work.do(resume=decision is Decision.RESUME)
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


def _tell_how_to_go_on(run: RunDirectory, what: str) -> None:
    saved = f"; {run.last_checkpoint} holds its state" if run.last_checkpoint.exists() else ""
    print(f"{what}{saved}. To go on, run the same command again: {command_line(sys.argv)}", file=sys.stderr)


def plain_without_hydra(plain: dict[str, Any]) -> dict[str, Any]:
    """The resolved config as a run directory keeps it."""
    return {key: value for key, value in plain.items() if key != "hydra"}


class _Work:
    """The work in a claimed run directory."""

    def __init__(
        self,
        components: Components,
        run: RunDirectory,
        digest: str,
        plain: dict[str, Any],
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.components, self.run, self.digest, self.plain, self.stop = components, run, digest, plain, stop
        self.settings: Settings = components.settings
        self.progress = progress

    def do(self, resume: bool) -> int:
        """Train, evaluate, write the result; raises StopRequested at a safe point after a signal."""
        if resume:
            self._forget_later_rows()
        safe = StoppingProgress(self.stop, self.progress)
        with safe.task("read data and build the encoder", None):
            self._check_data(resume)
            encoder = self.components.trained_encoder()
        self.stop.check()
        config = plain_without_hydra(self.plain)
        tracker = tracker_of(self.run, self.digest, self.settings, self._strategy_name(), config)
        try:
            trained = self._fit(encoder, tracker)
            scores = self._evaluate(self.components.load(self.run), safe)
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

        return train_components(self.components, encoder, self.run, self.digest, self.progress, on_history, self.stop)

    def _evaluate(self, best: DualEncoder, progress: Progress) -> Scores:
        best.to(self.components.device)
        retriever = self.components.retriever(best)
        settings = self.settings.evaluation
        trec = self.run.path / "trec" if settings.trec else None
        return score(retriever, self.components.collections(progress), settings, progress, trec)

    def _record(self, encoder: DualEncoder, trained: TrainingResult, scores: Scores, tracker: Tracker) -> None:
        write_scores(self.run.path, scores, self.settings.evaluation, self.run.name, self.digest, encoder)
        source = self.components.source
        assert source is not None
        show(tracker, scores, asdict(trained))
        if self.settings.logger.mode == "offline":
            tracker.close()  # a run that says that it is finished has its whole mirror; an upload may take long
        self.run.write_result(
            {
                **identity(self.run, self.digest, self.settings, self._strategy_name()),
                "parameters": encoder.parameters_counted(),
                "training": asdict(trained),
                "tokens": training_shares(encoder.tokenization, source),
                "data": data(source),
                **outcome(scores, self.settings, encoder),
            }
        )
        print_summary(scores.evaluation.macro())
        print(f"Finished: {self.run.path}")

    def _check_data(self, resume: bool) -> None:
        """The config names the data but does not hold it: a checkpoint must not go on with other texts under it."""
        path = self.run.checkpoints / "data.json"
        source = self.components.source
        found = source.fingerprint() if source is not None else None
        known = resume and path.is_file()
        held = read_sealed(path, "the fingerprint of training data").get("fingerprint") if known else found
        if held != found:
            raise UserError(
                f"The training data changed since {self.run.last_checkpoint} was written (fingerprint {held}, now "
                f"{found}). Restore the data, choose another sweep=NAME, or delete {self.run.path} to start anew."
            )
        write_sealed(path, {"fingerprint": found})

    def _forget_later_rows(self) -> None:
        """Rows behind the checkpoint will be written again."""
        step, rows = saved_step(self.run.last_checkpoint), saved_rows(self.run.last_checkpoint)
        kept = self.run.truncate_history(step)
        if kept < rows:  # a machine that crashed: the checkpoint was on its disk, the latest rows were not
            told = f"{self.run.history} has lost {rows - kept} of its {rows} rows: the curve has a gap."
            print(told, file=sys.stderr)
        print(f"Resuming {self.run.path} at step {step}.")

    def _strategy_name(self) -> str:
        return plugin_name(self.settings.batching)
