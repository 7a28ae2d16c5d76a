"""`python -m hybridret.merge`: each ratio of two runs becomes a run directory, evaluated as the mono run was."""

from __future__ import annotations

import sys
from typing import Any

from omegaconf import DictConfig

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import Stop, StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line
from hybridret.base.ranges import check_section
from hybridret.base.settings import MergeSettings, Settings
from hybridret.components.components import Components
from hybridret.components.open_run import check_heldout
from hybridret.config.trust import REMOTE_CODE
from hybridret.config.validate import plain_without_hydra, read_settings, resolved
from hybridret.distributed.world import process_info
from hybridret.encoders.merging import merge_encoders
from hybridret.evaluation.check import check_settings
from hybridret.export.tracking import check_tracker
from hybridret.pipelines.merge_parents import Parents, read_parents
from hybridret.pipelines.result_record import head, outcome
from hybridret.pipelines.run_claim import claimed
from hybridret.pipelines.score_files import write_scores
from hybridret.pipelines.scoring import score
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.pipelines.tracked_results import shown
from hybridret.runs import Decision, RunDirectory, config_hash
from hybridret.runs.identity import RunIdentity
from hybridret.runs.naming import merge_name

STRATEGY = "merge"


def merge_runs(config: DictConfig) -> int:
    """Merge and evaluate at every ratio, and return the exit code. Ratios that are finished are left as they are.

    Raises UserError for bad input, before anything is written where that can be known.
    """
    groups = {"trainer": None, "logger": None}  # a group that is not named is no key
    asked: MergeSettings = check_section(MergeSettings, groups | plain_without_hydra(resolved(config)))
    if not process_info().first:
        return DONE  # one process does it all
    ratios = list(dict.fromkeys(asked.ratios))
    parents = read_parents(asked.mono, asked.cross, asked.trust)
    for warning in parents.warnings():
        print(f"Warning: {warning}", file=sys.stderr)
    with graceful_stop() as stop:
        try:
            work = _MergeWork(parents, asked, stop)
            for ratio in ratios:
                work.do(ratio)
        except StopRequested as request:
            again = command_line(sys.argv)
            print(f"Stopped; ratios that are finished are kept. Go on with: {again}", file=sys.stderr)
            return request.exit_code
    return DONE


class _MergeWork:
    """What is the same for every ratio: settings, test sets, and where the runs go."""

    def __init__(self, parents: Parents, asked: MergeSettings, stop: Stop) -> None:
        self._parents, self._stop = parents, stop
        self._trusted = REMOTE_CODE in asked.trust
        self._plain = _plain(parents, asked)
        self._components = Components(self._settings(1.0)[1])
        evaluation = self._components.settings.evaluation
        check_settings(evaluation, _device(self._components))
        check_tracker(self._components.settings.logger)

    def do(self, ratio: float) -> None:
        """Merge, evaluate, write the result; raises StopRequested at a safe point after a signal."""
        plain, settings = self._settings(ratio)
        mono = self._parents.mono
        name = merge_name(self._parents.identity, ratio, settings.seed)
        run = RunDirectory(mono.run.path.parent / name)
        identity = RunIdentity(run, config_hash(plain), STRATEGY)
        if run.decide(identity.config_hash) is Decision.FINISHED:
            run.look()
            print(f"{run.path} is finished; nothing to do.")
            return
        check_heldout(self._components, mono.result, mono.run.path)
        self._components.collections(StoppingProgress(self._stop, Bars()))  # before a directory is written
        with claimed(identity, plain, Bars(), self._stop.check) as claim:
            progress = StoppingProgress(self._stop, claim.progress)
            self._work(ratio, identity, plain, settings, progress)
        print(f"Finished: {run.path}")

    def _work(
        self,
        ratio: float,
        identity: RunIdentity,
        plain: dict[str, Any],
        settings: Settings,
        progress: StoppingProgress,
    ) -> None:
        run, mono, cross = identity.directory, self._parents.mono, self._parents.cross
        merge_encoders(mono.run.best_checkpoint, cross.run.best_checkpoint, ratio, run.best_checkpoint, progress)
        encoder = self._components.load(run, self._trusted).to(self._components.device)
        retriever, collections = self._components.retriever(encoder), self._components.collections(progress)
        trec = run.path / "trec" if settings.evaluation.trec else None
        scores = score(retriever, collections, settings.evaluation, progress, trec)
        write_scores(run.path, scores, settings.evaluation, identity, encoder)
        same = self._parents.same_data
        result = {
            **head(identity, settings),
            "parameters": {**encoder.parameters_counted(), "trainable": 0},
            "training": None,
            "merge": {"ratio": ratio, "mono": mono.record(), "cross": cross.record()},
            "tokens": mono.result.get("tokens") or {},
            "data": mono.result.get("data"),
            "leaks": mono.result.get("leaks") if same else None,
            **outcome(scores, settings, encoder),
        }
        with shown(identity, settings, plain, scores, progress):
            run.write_result(result)
        print_summary(scores.evaluation.macro())

    def _settings(self, ratio: float) -> tuple[dict[str, Any], Settings]:
        plain = {**self._plain, "batching": self._parents.batching(ratio)}
        return plain, read_settings(plain)


def _plain(parents: Parents, asked: MergeSettings) -> dict[str, Any]:
    """The config of the mono run; `trainer` but its precision, and `logger`, may come from the command line."""
    plain = dict(parents.mono.config)
    if asked.logger is not None:
        plain["logger"] = asked.logger
    if asked.trainer is not None:
        plain["trainer"] = {**asked.trainer, "precision": plain["trainer"]["precision"]}
    return plain


def _device(components: Components) -> str:
    import torch

    device = components.device
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            "The mono run was evaluated on a GPU, and torch sees none on this machine. Start it where there is one, or "
            "with trainer=cpu."
        )
    return device
