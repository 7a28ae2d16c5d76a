"""The work of one point in its claimed run directory: train, evaluate, record."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import DONE, UserError
from hybridret.base.files import hash_json
from hybridret.base.graceful_stop import Stop, StoppingProgress
from hybridret.base.progress import Progress
from hybridret.base.settings import Settings
from hybridret.components.components import Components
from hybridret.config.validate import plain_without_hydra
from hybridret.data.leaks.kept import kept_leak_table
from hybridret.data.leaks.table import LeakTable
from hybridret.encoders.dual import DualEncoder
from hybridret.export.tracking import Tracker
from hybridret.pipelines.result_record import data, head, outcome
from hybridret.pipelines.score_files import write_scores
from hybridret.pipelines.scoring import Scores, score
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.pipelines.token_shares import training_lengths, training_shares
from hybridret.pipelines.tracked_results import show, tracker_of
from hybridret.pipelines.train_worker import StoppedTogether, train_components
from hybridret.preflight.out_of_memory import START
from hybridret.runs.identity import RunIdentity
from hybridret.runs.pruning import Pruned, read_rule
from hybridret.training.checkpoints import saved_rows, saved_step
from hybridret.training.train import TrainingResult


class PointWork:
    """The work in a claimed run directory: train, evaluate the best encoder, record. One method for each step."""

    def __init__(
        self,
        components: Components,
        run: RunIdentity,
        plain: dict[str, Any],
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.components, self.plain, self.stop = components, plain, stop
        self.identity, self.run = run, run.directory
        self.settings: Settings = components.settings
        self.progress = progress

    def do(self, resume: bool) -> int:
        """Train, evaluate, write the result; raises StopRequested at a safe point after a signal, and Pruned where the
        training gives up by the rule of a search."""
        if resume:
            self._forget_later_rows()
        safe = StoppingProgress(self.stop, self.progress)
        with safe.task(START, None):
            self._check_data(resume)
        leaks = self._check_leaks(safe)
        with safe.task(START, None):
            encoder = self.components.trained_encoder()
        self.stop.check()
        config = plain_without_hydra(self.plain)
        tracker = tracker_of(self.identity, self.settings, config)
        try:
            trained = self._fit(encoder, tracker)
            scores = self._evaluate(self.components.load(self.run), safe)
            self._record(encoder, trained, scores, leaks, tracker)
        except Pruned:
            tracker.close()
            raise
        except BaseException:
            tracker.close(exit_code=1)
            raise
        tracker.close()
        return DONE

    def _fit(self, encoder: DualEncoder, tracker: Tracker) -> TrainingResult:
        rule, rows = read_rule(self.run.path), self.run.read_history()
        steps, pruned = self.settings.training.steps, ""

        def look(row: dict[str, Any] | None) -> None:
            nonlocal pruned
            rows.extend([row] if row is not None else [])
            if rule is not None and not pruned:
                pruned = rule.verdict(rows, steps) or ""

        def on_history(row: dict[str, Any]) -> None:
            self.run.append_history(row)
            tracker.history(row)
            if row["split"] == "validation":
                look(row)

        def should_stop() -> bool:
            return self.stop() or bool(pruned)

        look(None)  # stopped between the validation and the end of its step: it gives up after one more
        components, run = self.components, self.identity
        try:
            return train_components(components, encoder, run, self.progress, on_history, self.stop, should_stop)
        except StoppedTogether:
            if pruned and not self.stop.requested:
                raise Pruned(pruned) from None
            raise

    def _evaluate(self, best: DualEncoder, progress: Progress) -> Scores:
        best.to(self.components.device)
        retriever = self.components.retriever(best)
        settings = self.settings.evaluation
        trec = self.run.path / "trec" if settings.trec else None
        return score(retriever, self.components.collections(progress), settings, progress, trec)

    def _record(
        self,
        encoder: DualEncoder,
        trained: TrainingResult,
        scores: Scores,
        leaks: LeakTable | None,
        tracker: Tracker,
    ) -> None:
        write_scores(self.run.path, scores, self.settings.evaluation, self.identity, encoder)
        source = self.components.source
        assert source is not None
        show(tracker, scores, asdict(trained), encoder.parameters_counted())
        if self.settings.logger.mode == "offline":
            tracker.close()  # the mirror of a finished run must be complete; an upload may take long
        self.run.write_result(
            {
                **head(self.identity, self.settings),
                "parameters": encoder.parameters_counted(),
                "training": asdict(trained),
                "tokens": training_shares(encoder.tokenization, source),
                "data": data(source, training_lengths(encoder.tokenization, source), self.components.mined),
                "leaks": leaks.record() if leaks is not None else None,
                **outcome(scores, self.settings, encoder),
            }
        )
        print_summary(scores.evaluation.macro())
        print(f"Finished: {self.run.path}")

    def _check_data(self, resume: bool) -> None:
        """The config names the data but does not hold it: a checkpoint must not be continued with other texts."""
        path = self.run.checkpoints / "data.json"
        source = self.components.source
        found = source.fingerprint() if source is not None else None
        if self.components.mined is not None:  # its content is part of the data
            found = hash_json([found, self.components.mined.about["hash"]], 16)
        known = resume and path.is_file()
        held = read_sealed(path, "the fingerprint of training data").get("fingerprint") if known else found
        if held != found:
            raise UserError(
                f"The training data changed since {self.run.last_checkpoint} was written (fingerprint {held}, now "
                f"{found}). Restore the data, choose another sweep=NAME, or delete {self.run.path} to start anew."
            )
        write_sealed(path, {"fingerprint": found})

    def _check_leaks(self, progress: Progress) -> LeakTable | None:
        """What the benchmarks share with the training data, None where nobody asks for it. Raises UserError where it is
        more than is allowed."""
        settings, source = self.settings.leaks, self.components.source
        if not settings.check or source is None:
            return None
        table = kept_leak_table(source, self.components.collections(progress), settings, progress)
        table.check(settings.allowed)
        if warning := table.warning():
            print(warning)
        return table

    def _forget_later_rows(self) -> None:
        """Drop the rows after the checkpoint, which will be written again."""
        step, rows = saved_step(self.run.last_checkpoint), saved_rows(self.run.last_checkpoint)
        kept = self.run.truncate_history(step)
        if kept < rows:  # after a crash of the machine: the checkpoint was on its disk, the latest rows were not
            warning = f"{self.run.history} has lost {rows - kept} of its {rows} rows: the curve has a gap."
            print(warning, file=sys.stderr)
        print(f"Resuming {self.run.path} at step {step}.")
