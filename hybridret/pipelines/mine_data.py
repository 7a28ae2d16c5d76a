"""`python -m hybridret.mine`: open the data and the retriever, mine, and show what was kept and refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import StoppingProgress, StopRequested, graceful_stop
from hybridret.base.interruption import command_line
from hybridret.base.markup import printable
from hybridret.base.ranges import check_section
from hybridret.base.settings import MiningSettings
from hybridret.config.compose import points
from hybridret.config.run_identity import check_seed
from hybridret.config.validate import resolved
from hybridret.data.prepared.mined import MinedSet
from hybridret.mining.asking import check_asking
from hybridret.mining.mine import Mining, mine
from hybridret.mining.shard import Miner, PairScorer
from hybridret.pipelines.opened_retriever import OF_RUN, opened_retriever
from hybridret.runs.naming import folder_name

ROOT = "mine"
COLUMNS = ("asked", "answers", "window", "margin", "judge", "kept", "fewer", "without")


def mine_data(overrides: Sequence[str]) -> int:
    """Mine as `overrides` ask for, and print a table of it. Raises UserError for bad input."""
    config = _composed(overrides)
    plain = resolved(OmegaConf.masked_copy(config, ["name", "mining", "seed"]))
    name, seed = folder_name(plain["name"], "name"), check_seed(plain["seed"])
    settings = mining_settings(plain["mining"])
    opened = opened_retriever(config, overrides)
    judge = opened_retriever(*_of_judge(overrides, settings.judge)) if settings.judge is not None else None
    source = opened.components.source
    if source is None:
        raise UserError("data has no value: choose whose questions get hard negatives, data=jsonl data.path=FOLDER.")
    with graceful_stop() as stop:
        progress = StoppingProgress(stop, Bars())
        try:
            source.prepare(progress)
            check_asking(settings.queries, source.training())
            with progress.task("build the retriever", None):
                retriever, about = opened.retriever()
                described: dict[str, Any] = {"retriever": about, "judge": None}
                judging = None
                if judge is not None:
                    judging, described["judge"] = judge.retriever()
            mining = Mining(cast(Miner, retriever), cast(PairScorer | None, judging), settings, seed, described)
            found = mine(source, name, mining, progress)
        except StopRequested as request:
            again = command_line(sys.argv)
            print(f"Stopped; what is mined is kept. Go on with: {again}", file=sys.stderr)
            return request.exit_code
    show(found)
    print(f"{found.folder}\nTrain with them: training.mined={name} training.hard_negatives=NUMBER")
    return DONE


def mining_settings(section: Any) -> MiningSettings:
    """The section `mining`. Raises UserError for a value out of range and for a window without passages."""
    settings: MiningSettings = check_section(MiningSettings, section, "mining")
    if settings.first > settings.last:
        raise UserError(
            f"mining.first={settings.first} is behind mining.last={settings.last}: they are the first and the last "
            f"position of the window. Exchange them."
        )
    if settings.negatives > settings.last - settings.first + 1:
        raise UserError(
            f"mining.negatives={settings.negatives}: the window from {settings.first} to {settings.last} has fewer "
            f"passages. Raise mining.last, or keep fewer."
        )
    return settings


def show(mined: MinedSet) -> None:
    """Print a table for each dataset, with a row for each language of passages."""
    for one in mined.about["datasets"]:
        columns = [name for name in COLUMNS if name in one["counts"]]
        title = f"Hard negatives {printable(str(mined.about['name']))} of {printable(one['name'])}"
        table = Table(title=title, title_justify="left")
        for name in ("language", *columns):
            table.add_column(name, justify="left" if name == "language" else "right")
        for language, counts in (*one["languages"].items(), ("all", one["counts"])):
            table.add_row(printable(language), *(f"{counts.get(column, 0):,}" for column in columns))
        Console().print(table)


def _composed(overrides: Sequence[str]) -> DictConfig:
    (point,) = points(overrides, multirun=False, root=ROOT)
    assert point.config is not None
    return point.config


def _of_judge(overrides: Sequence[str], judge: str) -> tuple[DictConfig, Sequence[str]]:
    """The config of the judge: that of the command with another retriever."""
    others = [one for one in overrides if one.lstrip("+~").partition("=")[0].partition(".")[0] not in OF_RUN]
    others = [one for one in others if not one.startswith("checkpoint=")]
    if Path(judge).is_dir():
        return _composed([*others, f"checkpoint='{judge}'"]), []
    return _composed([*others, f"backbone={judge}"]), []
