"""`python -m hybridret.plan`: the points of a command line, their estimates, and the printed output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import DONE, POINT_FAILED, SizeMissing, UserError
from hybridret.base.files import hash_json
from hybridret.base.settings import Settings
from hybridret.components.checks import check_config, check_family
from hybridret.components.components import Components
from hybridret.config.compose import points
from hybridret.config.run_identity import check_size
from hybridret.config.validate import read_settings, resolved
from hybridret.preflight.estimate import Estimate, PointEstimate, check_assumptions, estimate, in_a_line
from hybridret.preflight.plan_csv import write_csv
from hybridret.preflight.plan_inputs import PlanInputs, plan_inputs
from hybridret.preflight.plan_table import print_plan
from hybridret.training.check import check_training


def plan_points(overrides: Sequence[str], multirun: bool, csv: Path | None) -> int:
    """Print the plan of a command line and return the exit code. Raises UserError for bad input."""
    estimates = Estimates()
    made = [
        PointEstimate(point.label, point.overrides, None, point.reason)
        if point.config is None
        else estimates.of(point.label, point.overrides, point.config)
        for point in points(overrides, multirun)
    ]
    if len(made) == 1 and made[0].estimate is None:
        raise UserError(made[0].reason)
    print_plan(made)
    if csv is not None:
        write_csv(csv, made)
    return DONE if all(point.estimate or point.skipped for point in made) else POINT_FAILED


class Estimates:
    """Makes estimates; points that differ in nothing that a plan depends on (seeds, strategies, rates) share one."""

    def __init__(self) -> None:
        self._made: dict[str, Estimate] = {}
        self._inputs: dict[str, PlanInputs] = {}

    def inputs(self, components: Components) -> PlanInputs:
        """`plan_inputs`, made once for points that share an estimate: their body is built once."""
        key = _key(components.settings)
        if key not in self._inputs:
            self._inputs[key] = plan_inputs(components)
        return self._inputs[key]

    def of(self, label: str, overrides: Sequence[str], config: DictConfig) -> PointEstimate:
        """Raises UserError where `plan.*` is wrong, since this is not an error of one point."""
        try:
            check_config(config)
            check_size(config)
            settings = read_settings(resolved(filled(config)))
        except UserError as error:
            return PointEstimate(label, tuple(overrides), None, str(error), isinstance(error, SizeMissing))
        check_assumptions(settings.plan)
        label = label or f"{settings.backbone.get('name', 'custom')} {settings.model.size}"
        try:
            components = Components(settings)
            components.check()
            check_family(components)
            check_training(settings.training, settings.schedule, settings.trainer)
            if (key := _key(settings)) not in self._made:
                self._made[key] = estimate(self.inputs(components))
        except UserError as error:
            return PointEstimate(label, tuple(overrides), None, str(error), isinstance(error, SizeMissing))
        except Exception as error:  # code that came with a checkpoint may do what fake tensors cannot follow
            return PointEstimate(label, tuple(overrides), None, in_a_line(error))
        return PointEstimate(label, tuple(overrides), self._made[key])


def filled(config: DictConfig) -> DictConfig:
    """A copy without Hydra's part. Missing paths get a value, since no plan reads the files there."""
    config = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        missing = OmegaConf.missing_keys(config)
    except OmegaConfBaseException:
        return config  # other keys refer to a missing value: the error comes when the config is resolved
    for key in missing:
        if key.rpartition(".")[2] == "path":
            OmegaConf.update(config, key, "FOLDER")
    return config


def _key(settings: Settings) -> str:
    """All that an estimate depends on. Not the hash of a run: that leaves out `plan` and where a training runs."""
    plain = asdict(settings)
    sections = ("model", "backbone", "adapter", "text", "training", "trainer", "eval", "plan")
    kept = {section: plain[section] for section in sections}
    # A temperature scales scores and holds nothing.
    kept["loss"] = {key: value for key, value in plain["loss"].items() if key != "temperature"}
    kept["optim"] = {key: value for key, value in plain["optim"].items() if key != "lr"}
    kept["evaluation"] = {key: plain["evaluation"][key] for key in ("precision", "vectors")}
    return hash_json(kept)
