"""The objects of one evaluation, built from its settings; those of a training are in `components.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluateSettings
from hybridret.components.collections import read_collections
from hybridret.config.instantiate import make
from hybridret.config.validate import BACKBONE_EXTRAS
from hybridret.data.benchmarks import Benchmark
from hybridret.data.prepared.source import PreparedSource
from hybridret.distributed.process_group import GlooGroup, ProcessGroup, SingleProcess
from hybridret.distributed.world import process_info
from hybridret.encoders.backbone import EncoderFamily
from hybridret.retrieval.protocols import Index, Retriever
from hybridret.runs import RunDirectory

if TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder


@dataclass(frozen=True)
class EvaluateComponents:
    """Plug-ins of an evaluation. The data source is read when first asked for.

    `shared`: all processes that torchrun or srun started take part (those of a training have left before).
    """

    settings: EvaluateSettings
    shared: bool = False
    _read: tuple[Collection, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @cached_property
    def source(self) -> PreparedSource | None:
        """Where training pairs and held-out tests come from, prepared once; None where the config names no data."""
        return PreparedSource(make(self.settings.data, "data")) if self.settings.data else None

    @cached_property
    def benchmarks(self) -> dict[str, Benchmark]:
        """The benchmarks by the name of their yaml."""
        return {name: make(section, f"eval.{name}") for name, section in self.settings.eval.items()}

    def collections(self, progress: Progress) -> tuple[Collection, ...]:
        """The test sets, read when first asked for: before a training, so that no missing file can end it later."""
        if self._read is None:
            object.__setattr__(self, "_read", read_collections(self.benchmarks, self.source, progress))
        assert self._read is not None
        return self._read

    @cached_property
    def backbone(self) -> EncoderFamily | Retriever:
        """An encoder family, or a retriever that needs no training (BM25)."""
        section = {key: value for key, value in self.settings.backbone.items() if key not in BACKBONE_EXTRAS}
        backbone: EncoderFamily | Retriever = make(section, "backbone")
        return backbone

    @cached_property
    def index(self) -> Index:
        """How large pools are searched."""
        index: Index = make({key: value for key, value in self.settings.index.items() if key != "name"}, "index")
        return index

    @cached_property
    def processes(self) -> ProcessGroup:
        """The processes that share the evaluation: those that torchrun or srun started, or this one alone."""
        return GlooGroup.from_environment() if self.shared else SingleProcess()

    @property
    def device(self) -> str:
        """Where encoders are evaluated: `trainer.accelerator` as torch names it."""
        accelerator = self.settings.trainer.accelerator
        if accelerator == "auto":
            import torch

            accelerator = "gpu" if torch.cuda.is_available() else "cpu"
        found = accelerator in ("gpu", "cuda")
        return f"cuda:{process_info().local_rank}" if found else "cpu"

    def encoder(self) -> DualEncoder:
        """A fresh encoder of the size asked for, without training."""
        if not isinstance(self.backbone, EncoderFamily):
            raise UserError("This backbone has nothing to train: use `python -m hybridret.evaluate` with it.")
        settings = self.settings
        return self.backbone.encoder(settings.model.size, settings.text, self.source, settings.seed)

    def load(self, run: RunDirectory, trusted: bool | None = None) -> DualEncoder:
        """The encoder of the best validation of a run of these settings. `trusted`: whether code in its
        checkpoint may run; None where the settings come from the command line, which states it.
        """
        from hybridret.encoders.folder import load_encoder

        own = bool(self.settings.backbone.get("trust_remote_code", False))
        return load_encoder(run.best_checkpoint, own if trusted is None else trusted)

    def retriever(self, encoder: DualEncoder | None) -> Retriever:
        """Dense retrieval with `encoder`, or the backbone itself where it is a retriever."""
        if encoder is None:
            assert not isinstance(self.backbone, EncoderFamily)
            return self.backbone
        from hybridret.retrieval.dense import Dense

        evaluation = self.settings.evaluation
        return Dense(
            encoder,
            evaluation.batch_size,
            evaluation.precision,
            index=self.index,
            cache=Path(evaluation.cache) if evaluation.cache else None,
            cache_from=evaluation.cache_from,
            stored=evaluation.vectors,
            key=encoder.identity(),
            processes=self.processes,
            cosine=encoder.cosine,
        )
