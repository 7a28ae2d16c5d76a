"""A workspace of W&B for one sweep, built from code: what stands in it is written here, and saved anew at will.

For each dataset: both scatters of the trade-off, quality against size, bars of language bias, and the tables of values
by language that runs log; above them the tables of the report. A scatter of W&B has a colour and no size, so that alpha
and parameters are the colours of two of them (docs/wandb.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import file_name
from hybridret.export.wandb_report import ANSWERS, TRADE_OFF

ALPHA, PARAMETERS = "train/realised_alpha", "parameters/body"  # in the summary of each run
BIAS = ("rank_distance", "rank_distance_median", "awrf", "peer")
SETTINGS = {"monolingual": "Mo.", "cross-lingual": "Cr.", "multilingual": "Mul."}
COLOURS = ("#3b0f70", "#de4968", "#fecf92")  # dark to light: also told apart in grey
HOW = (
    "Each point is a run. Right is better within a language, up is better across languages. The first scatter is "
    "coloured by the share of monolingual batches (alpha), the second by body parameters. Sentences with their "
    "intervals are in the table of answers; a point alone says nothing about uncertainty."
)
IDENTIFIERS = ("id", "__id__")  # drawn at random by W&B


def workspace(entity: str, project: str, group: str, metrics: Mapping[str, Sequence[str]]) -> Any:
    """The `wandb_workspaces.workspaces.Workspace` of the runs in `group`; nothing is sent.

    metrics: the names of macro averages in the summaries of runs (`dataset/setting/metric@cutoff`), by dataset.
    Raises UserError where the package is missing.
    """
    spaces, panels = _packages()
    first = spaces.Section(
        name="Answers",
        is_open=True,
        panels=[
            panels.MarkdownPanel(markdown=HOW),
            panels.WeavePanelSummaryTable(table_name=f"tables/{ANSWERS}"),
            panels.WeavePanelSummaryTable(table_name=f"tables/{TRADE_OFF}"),
        ],
    )
    sections = [
        spaces.Section(name=dataset, is_open=True, panels=_panels(panels, dataset, names))
        for dataset, names in metrics.items()
    ]
    return spaces.Workspace(
        entity=entity,
        project=project,
        name=f"{group}: trade-off",
        sections=[first, *sections],
        runset_settings=spaces.RunsetSettings(filters=spaces.And(spaces.Metric("Group") == group)),
    )


def definition(made: Any) -> dict[str, Any]:
    """What a workspace shows, as a dictionary that is the same for the same workspace: without ids, and without what is
    not set."""
    dumped = made._to_model().spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    found: dict[str, Any] = _without_ids(dumped)
    return found


def save_workspace(made: Any) -> str:
    """Send a workspace to W&B as a new view and return its address. Raises UserError where W&B refuses."""
    try:
        made.save_as_new_view()
        return str(made.url)
    except Exception as error:  # W&B raises errors of many types
        raise UserError(
            f"W&B did not save the workspace ({error}). Check the entity and project of logger, and `wandb login`."
        ) from error


def _panels(panels: ModuleType, dataset: str, names: Sequence[str]) -> list[Any]:
    quality = {title: _best(names, f"{dataset}/{setting}/") for setting, title in SETTINGS.items()}
    here = {title: name for title, name in quality.items() if name}
    found: list[Any] = []
    if "Mo." in here and "Cr." in here:
        found += [_scatter(panels, here, colour, title) for colour, title in ((ALPHA, "alpha"), (PARAMETERS, "size"))]
    found += [
        panels.ScatterPlot(
            title=f"{title} by size: {name.rpartition('/')[2]}",
            x=panels.SummaryMetric(PARAMETERS),
            y=panels.SummaryMetric(name),
            z=panels.SummaryMetric(ALPHA),
            log_x=True,
            gradient=_gradient(panels),
        )
        for title, name in here.items()
    ]
    found += [
        panels.BarPlot(
            title=f"Language bias: {name.rpartition('/')[2]}",
            metrics=[name],
            groupby="JobType",
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
        )
        for name in (f"{dataset}/multilingual/{metric}" for metric in BIAS)
        if name in names
    ]
    return [*found, panels.WeavePanelSummaryTable(table_name=f"tables/{file_name(dataset)}")]


def _scatter(panels: ModuleType, quality: Mapping[str, str], colour: str, title: str) -> Any:
    return panels.ScatterPlot(
        title=f"Trade-off, coloured by {title}",
        x=panels.SummaryMetric(quality["Mo."]),
        y=panels.SummaryMetric(quality["Cr."]),
        z=panels.SummaryMetric(colour),
        log_z=colour == PARAMETERS,
        gradient=_gradient(panels),
        legend_template="${run:displayName}",
    )


def _gradient(panels: ModuleType) -> list[Any]:
    last = len(COLOURS) - 1
    return [panels.GradientPoint(color=colour, offset=100 * i / last) for i, colour in enumerate(COLOURS)]


def _best(names: Sequence[str], start: str) -> str | None:
    """The mAP with the lowest cutoff (none first), as tables show it; else the first metric of the setting."""
    own = [name for name in names if name.startswith(start)]
    of_map = [name for name in own if name.removeprefix(start).partition("@")[0] == "map"]
    return min(of_map, key=lambda name: int(name.partition("@")[2] or 0)) if of_map else next(iter(own), None)


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ids(one) for key, one in value.items() if key not in IDENTIFIERS}
    return [_without_ids(one) for one in value] if isinstance(value, list) else value


def _packages() -> tuple[ModuleType, ModuleType]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning)  # its own use of pydantic
            import wandb_workspaces.reports.v2 as panels
            import wandb_workspaces.workspaces as spaces
    except ImportError as error:
        raise UserError(
            "--wandb-workspace needs a package that is not installed: pip install 'hybridret[wandb-workspaces]'."
        ) from error
    return spaces, panels
