"""`python -m hybridret.translate`: the data of a config in further languages, by every process that was started."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.files import hash_json
from hybridret.base.graceful_stop import StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line
from hybridret.base.languages import among
from hybridret.base.markup import printable
from hybridret.base.progress import Progress, Quiet
from hybridret.components.checks import check_config
from hybridret.components.components import Components
from hybridret.config.compose import points
from hybridret.config.validate import read_settings, resolved
from hybridret.data.prepared.source import PreparedSource
from hybridret.distributed.process_group import GlooGroup
from hybridret.distributed.rendezvous import join
from hybridret.distributed.world import ProcessInfo, process_info
from hybridret.encoders.attention import check_kernels_of, kernels_in
from hybridret.translation.engines.engine import ModelSource
from hybridret.translation.language_check import knows
from hybridret.translation.model_files import FoundModel, find_model
from hybridret.translation.output_folder import check_output, claim_output, locked_output
from hybridret.translation.request import TranslationRequest, read_request
from hybridret.translation.shards import TranslationShards
from hybridret.translation.source_texts import SourceTexts, languages_of
from hybridret.translation.text_translation import translate_texts
from hybridret.translation.translated_folder import Translated, write_folder

VERSION = 1  # of pieces and batches: raise it when the same texts and model would give other translations


def translate_data(overrides: Sequence[str], options: Mapping[str, Any]) -> int:
    """Translate the data that `overrides` name as `options` say, and print what was made. Returns the exit code.

    Raises UserError for bad input, before anything is translated.
    """
    request = read_request(options)
    if "language" in request.filters:
        knows(request.source)  # raises where its package is missing
    with graceful_stop() as stop:
        progress: Progress = StoppingProgress(stop, Bars() if process_info().first else Quiet())
        try:
            return _translate(_source(overrides), request, progress)
        except StopRequested as stopped:
            again = command_line(sys.argv)
            print(f"Stopped; finished files of translations are kept. Go on with: {again}", file=sys.stderr)
            return stopped.exit_code


def _source(overrides: Sequence[str]) -> PreparedSource:
    (point,) = points(overrides, multirun=False)
    assert point.config is not None
    check_config(point.config)
    config = OmegaConf.masked_copy(point.config, [str(key) for key in point.config if key != "hydra"])
    source = Components(read_settings(resolved(config))).source
    if source is None:
        raise UserError("data has no value: choose what to translate, for example data=jsonl data.path=FOLDER.")
    return source


def _translate(source: PreparedSource, request: TranslationRequest, progress: Progress) -> int:
    here = process_info()
    check_output(request.output)
    models = {target: _model(request, target) for target in request.targets}
    folder = source.prepare(progress)
    known = languages_of(folder)
    if there := [target for target in request.targets if among(target, known)]:
        raise UserError(
            f"--to {there[0]}: the data has texts in it already. Leave it out, or choose the languages of the source "
            f"with data.languages."
        )
    origin = among(request.source, known) or request.source  # as the data writes it
    texts = SourceTexts(folder, origin)
    made = {target: _made(texts, request, models[target]) for target in request.targets}
    with ExitStack() as stack:
        if here.first:
            stack.enter_context(locked_output(request.output))
            claim_output(request.output, made)
        join(progress, hash_json(made))
        group = GlooGroup.from_environment()
        done = [
            Translated(target, _translated(texts, request, target, models[target], here, progress), made[target])
            for target in request.targets
        ]
        group.barrier()
        if here.first:
            written = write_folder(request.output, texts, origin, done, request.filters, progress, source.templated)
            _show(written)
            print(f"Train on it: python -m hybridret.run data=translated data.path={request.output}")
        group.barrier()
    return DONE


def _model(request: TranslationRequest, target: str) -> ModelSource:
    model = find_model(request.model, request.source, target, request.revision, request.engine)
    if isinstance(model, FoundModel):
        check_kernels_of(kernels_in(model.config), model.name, "")
    model.check(request.source, target)
    return model


def _made(texts: SourceTexts, request: TranslationRequest, model: ModelSource) -> dict[str, Any]:
    """What the translations into a language depend on, as JSON."""
    return {
        "from": request.source,
        "texts": texts.fingerprint,
        **model.identity,
        **asdict(request.decoding),
        "shard": request.shard,
        "rules": VERSION,
    }


def _translated(
    texts: SourceTexts,
    request: TranslationRequest,
    target: str,
    model: ModelSource,
    here: ProcessInfo,
    progress: Progress,
) -> TranslationShards:
    """The files of a language, with those that are missing translated by this process or another one."""
    shards = TranslationShards(request.output / "shards" / target, len(texts), request.shard)
    if missing := shards.missing(here.rank, here.world):
        engine = model.engine(request.source, target, request.decoding, _device(request.device, here))
        left = sum(stop - start for start, stop in missing)
        with progress.task(f"translate into {target}", left) as advance:
            for span in missing:
                found = translate_texts(
                    texts.take(*span), request.source, target, engine, request.decoding.batch_tokens, advance
                )
                shards.write(span, found)
    return shards


def _device(asked: str, here: ProcessInfo) -> str:
    if asked == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return f"cuda:{here.local_rank % torch.cuda.device_count()}"  # srun may show each process only its own
    if asked == "cuda":
        raise UserError("--device cuda: torch finds no GPU here. Choose --device cpu, or install a build for GPUs.")
    return "cpu"


def _show(translation: Mapping[str, Any]) -> None:
    """Print a row for each language: texts, those that were kept, and those that each filter refused."""
    table = Table(title="Translations", title_justify="left")
    for name in ("into", "model", "texts", "kept", "refused"):
        table.add_column(name, justify="right" if name in ("texts", "kept") else "left")
    for language, made in translation["into"].items():
        refused = ", ".join(f"{reason} {count:,}" for reason, count in made["filtered"].items()) or "none"
        table.add_row(language, printable(str(made["model"])), f"{made['texts']:,}", f"{made['kept']:,}", refused)
    Console().print(table)
