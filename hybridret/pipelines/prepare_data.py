"""`python -m hybridret.prepare`: prepare the data of a config, and show what it holds."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import StoppingProgress, graceful_stop
from hybridret.base.markup import printable
from hybridret.base.records import ParallelPairs
from hybridret.components.checks import check_config
from hybridret.components.components import Components
from hybridret.config.compose import points
from hybridret.config.validate import read_settings, resolved
from hybridret.data.prepared.source import PreparedSource


def prepare_data(overrides: Sequence[str]) -> int:
    """Prepare the data that `overrides` name and print a table of it. Raises UserError for bad input."""
    (point,) = points(overrides, multirun=False)
    assert point.config is not None
    check_config(point.config)
    config = OmegaConf.masked_copy(point.config, [str(key) for key in point.config if key != "hydra"])
    source = Components(read_settings(resolved(config))).source
    if source is None:
        raise UserError("data has no value: choose what to prepare, data=cldr or data=jsonl data.path=FOLDER.")
    there, start = source.is_prepared(), time.monotonic()
    with graceful_stop() as stop:
        source.prepare(StoppingProgress(stop, Bars()))
    show(source)
    took = "was prepared before" if there else f"prepared in {time.monotonic() - start:.1f} s"
    print(f"{printable(source.name)} {took}: {source.path}")
    return DONE


def show(source: PreparedSource) -> None:
    """Print a row for each dataset: its languages, questions, pairs and passages, and how parallel it is."""
    table = Table(title="Prepared data", title_justify="left")
    for name in ("part", "dataset", "languages", "questions", "pairs", "passages", "in all languages"):
        table.add_column(name, justify="left" if name in ("part", "dataset", "languages") else "right")
    parts = [("training", pairs) for pairs in source.training()] + [("validation", source.validation())]
    for part, pairs in parts:
        table.add_row(part, *_row(pairs))
    for one in source.test():
        counts = (len(np.unique(one.questions)), len(one.queries), len(one.passages))
        named = (printable(one.name), " ".join(one.languages))
        table.add_row("test", *named, *(f"{count:,}" for count in counts), "")
    Console().print(table)


def _row(pairs: ParallelPairs) -> list[str]:
    present = pairs.present
    whole = int(present.all(axis=1).sum()) if len(pairs) else 0
    counts = (len(pairs), int(present.sum()), len(np.unique(pairs.passage_groups)), whole)
    return [printable(pairs.name), " ".join(pairs.languages), *(f"{count:,}" for count in counts)]
