"""The retriever that a config names without benchmarks: a backbone as it comes, or the encoder of a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import UserError
from hybridret.components.evaluate_components import EvaluateComponents
from hybridret.components.open_run import read_config
from hybridret.config.trust import REMOTE_CODE
from hybridret.config.validate import read_evaluate_settings, resolved
from hybridret.encoders.backbone import EncoderFamily
from hybridret.evaluation.check import check_settings
from hybridret.pipelines.evaluate_run import FROM_RUN
from hybridret.retrieval.protocols import Retriever
from hybridret.runs import RunDirectory
from hybridret.runs.hashing import config_hash

OF_RUN = ("backbone", "model", "text")  # keys that a run brings itself
NOT_SETTINGS = ("hydra", "name", "checkpoint", "trust", "mining")


@dataclass(frozen=True)
class OpenedRetriever:
    """The components of the config, made for `data` of the command line or of the run. The retriever is built when
    asked for; `about` names it.
    """

    components: EvaluateComponents
    run: RunDirectory | None
    trusted: bool

    def retriever(self) -> tuple[Retriever, dict[str, Any]]:
        """The retriever on its device, and what its scores depend on, as JSON."""
        components = self.components
        check_settings(components.settings.evaluation, components.device)
        encoder = None
        if self.run is not None:
            encoder = components.load(self.run, self.trusted).to(components.device)
        elif isinstance(components.backbone, EncoderFamily):
            encoder = components.encoder().to(components.device)
        settings = components.settings
        named: dict[str, Any] = {"backbone": str(settings.backbone.get("name", "custom"))}
        if encoder is None:
            section = {key: value for key, value in settings.backbone.items() if key != "text"}
            return components.retriever(None), {**named, "hash": config_hash(section)}
        named |= {"run": self.run.name} if self.run is not None else {"model": settings.model.size}
        precision = settings.evaluation.precision
        whole = {**encoder.identity(), "precision": precision, "index": settings.index}
        return components.retriever(encoder), {**named, "hash": config_hash(whole)}


def opened_retriever(config: DictConfig, overrides: Sequence[str]) -> OpenedRetriever:
    """The retriever of a config of `conf/mine.yaml`. Raises UserError where it names none, or a run that is not
    finished or is given other settings.
    """
    if not config.get("checkpoint"):
        if not config.get("backbone"):
            raise UserError(
                "Choose what to search with: backbone=NAME (bm25, minilm, ...), or checkpoint=multirun/SWEEP/RUN."
            )
        plain = resolved(OmegaConf.masked_copy(config, [str(key) for key in config if key not in NOT_SETTINGS]))
        return _opened(EvaluateComponents(read_evaluate_settings(plain)), None, False)
    run = RunDirectory(Path(str(config.checkpoint)))
    for override in overrides:
        if override.lstrip("+~").partition("=")[0].partition(".")[0].partition("@")[0] in OF_RUN:
            raise UserError(f"{override}: a checkpoint brings its own {', '.join(OF_RUN)}. Leave it out.")
    if not run.path.is_dir():
        raise UserError(f"checkpoint={run.path}: there is no such folder. Give a run directory, multirun/SWEEP/RUN.")
    if run.read_result() is None:
        raise UserError(
            f"checkpoint={run.path} is not a finished run: it has no result.json. Train it to the end first."
        )
    trust = [str(one) for one in config.trust]
    own = read_config(run, trust)
    kept = [str(key) for key in config if key not in (*NOT_SETTINGS, *FROM_RUN)] + (
        ["data"] if config.get("data") else []
    )
    plain = resolved(OmegaConf.masked_copy(config, kept))
    merged = {key: own[key] for key in FROM_RUN if key in own} | plain
    return _opened(EvaluateComponents(read_evaluate_settings(merged)), run, REMOTE_CODE in trust)


def _opened(components: EvaluateComponents, run: RunDirectory | None, trusted: bool) -> OpenedRetriever:
    _ = components.backbone, components.index  # bad input ends here
    return OpenedRetriever(components, run, trusted)
