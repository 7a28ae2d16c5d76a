"""`python -m hybridret.evaluate`: benchmarks on a trained run, on an encoder without training, or on BM25."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line
from hybridret.base.progress import Progress, Quiet
from hybridret.components.evaluate_components import EvaluateComponents
from hybridret.components.open_run import check_heldout, read_config
from hybridret.config.instantiate import plugin_name
from hybridret.config.run_identity import evaluation_directory
from hybridret.config.trust import REMOTE_CODE
from hybridret.config.validate import plain_without_hydra, read_evaluate_settings, read_settings, resolved
from hybridret.distributed.rendezvous import join
from hybridret.encoders.backbone import Backbone, EncoderFamily
from hybridret.evaluation.check import check_settings
from hybridret.export.tracking import check_tracker
from hybridret.pipelines.added_leaks import NOTE, added_leaks
from hybridret.pipelines.result_record import head, outcome
from hybridret.pipelines.run_claim import claimed
from hybridret.pipelines.score_files import write_scores
from hybridret.pipelines.scoring import Scores, follow, score
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.pipelines.token_shares import collection_shares
from hybridret.pipelines.tracked_results import shown
from hybridret.runs import Decision, RunDirectory, config_hash
from hybridret.runs.identity import RunIdentity
from hybridret.runs.leftovers import remove_leftovers
from hybridret.runs.naming import folder_name
from hybridret.runs.sums import read_result, write_result

if TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder

FROM_RUN = (
    "model",
    "text",
    "training",
    "schedule",
    "backbone",
    "adapter",
    "batching",
    "data",
    "loss",
    "optim",
    "seed",
    "sweep",
)
NOT_SETTINGS = ("checkpoint", "name", "trust")  # of this command, not of what it evaluates


def evaluate_run(config: DictConfig, overrides: Sequence[str]) -> int:
    """Evaluate and return the exit code. A finished evaluation of the same config is left unchanged."""
    checkpoint = config.get("checkpoint")
    with graceful_stop() as stop:
        try:
            progress = StoppingProgress(stop, Bars())
            return (
                _evaluate_checkpoint(config, Path(str(checkpoint)), overrides, progress)
                if checkpoint
                else _evaluate_untrained(config, overrides, progress)
            )
        except StopRequested as request:
            again = command_line(sys.argv)
            print(f"Stopped; passages that are encoded are kept in the cache. Go on with: {again}", file=sys.stderr)
            return request.exit_code


def _evaluate_checkpoint(config: DictConfig, path: Path, overrides: Sequence[str], progress: Progress) -> int:
    """A trained run: its own data, text settings and weights; benchmarks and evaluation from the command line."""
    run = RunDirectory(path)
    for override in overrides:
        if override.lstrip("+~").partition("=")[0].partition(".")[0].partition("@")[0] in FROM_RUN:
            raise UserError(
                f"{override}: a checkpoint brings its own {', '.join(FROM_RUN)}; evaluated with others its numbers "
                f"would be another model's. Leave it out, or train a run with it."
            )
    if not path.is_dir():
        raise UserError(f"checkpoint={path}: there is no such folder. Give a run directory, multirun/SWEEP/RUN.")
    run.look()
    trained = run.read_result()
    if trained is None:
        raise UserError(f"checkpoint={path} is not a finished run: it has no result.json. Train it to the end first.")
    if "config_hash" not in trained:
        raise UserError(f"{run.result} does not say of which config it is: it was not written by hybridret.run.")
    asked = [str(key) for key in config if key not in ("hydra", *FROM_RUN)]
    plain = resolved(OmegaConf.masked_copy(config, asked))
    own = read_config(run, plain["trust"])
    merged = {key: value for key, value in plain.items() if key not in NOT_SETTINGS}
    if missing := [key for key in FROM_RUN if key not in own]:
        raise UserError(f"{run.config} is not whole: it lacks {', '.join(missing)}. Copy the run directory again.")
    merged |= {key: own[key] for key in FROM_RUN}
    settings = read_settings(merged)
    name = folder_name(plain["name"] or "-".join(settings.eval), "name")
    folder = run.evaluation(name)
    asked_for = {key: merged[key] for key in ("eval", "evaluation", "index")}
    digest = config_hash({"run": trained["config_hash"], **asked_for})
    if (folder / "result.json").is_file():
        held = read_result(folder / "result.json")
        if held.get("config_hash") != digest:
            raise UserError(
                f"{folder} holds an evaluation with other settings. Choose another name for this one, name=NAME, or "
                f"delete the folder."
            )
        print(f"{folder} is finished; nothing to do.")
        return DONE
    check_tracker(settings.logger)
    components = EvaluateComponents(settings, shared=True)
    check_settings(settings.evaluation, components.device)
    check_heldout(components, trained, path)
    encoder = components.load(run, REMOTE_CODE in plain["trust"]).to(components.device)
    join(progress, digest)
    if components.processes.rank > 0:
        return _follow(components, encoder)
    with RunDirectory(folder).lock():  # not the run's lock: several evaluations may be added to a run at once
        remove_leftovers(folder)
        collections = components.collections(progress)
        templated = components.source is not None and components.source.templated
        leaks, unchecked = added_leaks(trained, templated, collections, settings.leaks, progress)
        scores = _score(components, encoder, folder, progress)
        identity = RunIdentity(run, str(trained["config_hash"]), str(trained["strategy"]))
        write_scores(folder, scores, settings.evaluation, identity, encoder)
        replaced = ("metrics", "notes", "leaks", "finished", "config_hash")
        kept = {key: value for key, value in trained.items() if key not in replaced}
        tokens = collection_shares(encoder.tokenization, scores.collections)
        result = {**kept, "config_hash": digest, "tokens": tokens, "leaks": leaks, **outcome(scores, settings, encoder)}
        if unchecked:
            result["notes"] = {one.name: {**scores.notes.get(one.name, {}), NOTE: unchecked} for one in collections}
        with shown(identity, settings, own, scores, progress):
            write_result(folder / "result.json", result)
    print_summary(scores.evaluation.macro())
    print(f"Finished: {folder}")
    return DONE


def _evaluate_untrained(config: DictConfig, overrides: Sequence[str], progress: Progress) -> int:
    """A backbone without training, in a run directory of its own, so that it appears in a sweep's report."""
    if config.get("name"):
        raise UserError(
            f"name={config.name} names an evaluation that is added to a run, checkpoint=RUN. Leave it out: one of a "
            f"backbone is named after it and its benchmarks; the folder above it is sweep=NAME."
        )
    if not config.get("backbone"):
        raise UserError("Say what to evaluate: checkpoint=multirun/SWEEP/RUN, or backbone=NAME (minilm, bm25, ...).")
    plain = plain_without_hydra(resolved(config))
    plain = {key: value for key, value in plain.items() if key not in NOT_SETTINGS}
    settings = read_evaluate_settings(plain)
    components = EvaluateComponents(settings, shared=True)
    _ = components.benchmarks, components.index, components.backbone  # bad input ends here, before anything is written
    _check_text(components, overrides)
    check_settings(settings.evaluation, components.device)
    check_tracker(settings.logger)
    run, digest = evaluation_directory(config, overrides), config_hash(plain)
    if run.decide(digest) is Decision.FINISHED:
        run.look()
        print(f"{run.path} is finished; nothing to do.")
        return DONE
    join(progress, digest)
    components.collections(progress if components.processes.rank == 0 else Quiet())
    if components.processes.rank > 0:
        return _follow(components, _encoder(components))
    strategy = "untrained" if isinstance(components.backbone, EncoderFamily) else plugin_name(settings.backbone)
    identity = RunIdentity(run, digest, strategy)
    with claimed(identity, plain, progress) as claim:
        with claim.progress.task("build the encoder", None):
            encoder = _encoder(components)
        scores = _score(components, encoder, run.path, claim.progress)
        write_scores(run.path, scores, settings.evaluation, identity, encoder)
        result = {
            **head(identity, settings),
            "parameters": encoder.parameters_counted() if encoder is not None else None,
            "training": None,
            "tokens": collection_shares(encoder.tokenization, scores.collections) if encoder else {},
            "data": None,
            **outcome(scores, settings, encoder),
        }
        with shown(identity, settings, plain, scores, claim.progress):
            run.write_result(result)
    print_summary(scores.evaluation.macro())
    print(f"Finished: {run.path}")
    return DONE


def _check_text(components: EvaluateComponents, overrides: Sequence[str]) -> None:
    """Raise UserError for text settings that the backbone does not read: its results would have a wrong name."""
    if isinstance(components.backbone, Backbone):
        return
    for override in overrides:
        if override.lstrip("+~").startswith("text."):
            own = (
                "it reads whole texts"
                if not isinstance(components.backbone, EncoderFamily)
                else "it has its own lengths, and prompts in its section"
            )
            raise UserError(
                f"{override}: backbone={components.settings.backbone.get('name')} does not read text settings, {own}. "
                f"Leave it out."
            )


def _encoder(components: EvaluateComponents) -> DualEncoder | None:
    """The backbone without training, on its device; None where it is itself a retriever."""
    family = isinstance(components.backbone, EncoderFamily)
    return components.encoder().to(components.device) if family else None


def _score(components: EvaluateComponents, encoder: DualEncoder | None, folder: Path, progress: Progress) -> Scores:
    settings = components.settings.evaluation
    trec = folder / "trec" if settings.trec else None
    return score(components.retriever(encoder), components.collections(progress), settings, progress, trec)


def _follow(components: EvaluateComponents, encoder: DualEncoder | None) -> int:
    """The part of a further process under torchrun: the first one keeps the records."""
    settings = components.settings.evaluation
    follow(components.retriever(encoder), components.collections(Quiet()), settings, settings.trec)
    return DONE
