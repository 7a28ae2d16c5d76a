"""The two runs that are merged: what they must have in common, and what is only worth a warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import hash_json
from hybridret.components.open_run import read_config
from hybridret.config.trust import REMOTE_CODE
from hybridret.encoders.sizes import resolve_size
from hybridret.runs import NOT_HASHED, RunDirectory

_SHOWN = 5  # keys in one warning


@dataclass(frozen=True)
class Parent:
    """A finished training. `weights`: the SHA-256 of its best encoder's."""

    run: RunDirectory
    config: dict[str, Any]
    result: dict[str, Any]
    weights: str

    @property
    def start(self) -> str:
        """What its training started from, in words."""
        backbone, settings = self.config["backbone"], self.config["model"]
        sizes = backbone.get("sizes") or {}
        entry = sizes.get(resolve_size(sizes, str(settings["size"])), {})
        if backbone.get("init") != "random" and (checkpoint := entry.get("checkpoint")):
            revision = entry.get("revision")
            return f"{checkpoint} at {revision}" if revision else str(checkpoint)
        return f"random weights of seed {self.config['seed']}"

    @property
    def fingerprint(self) -> Any:
        """The hash of its training data."""
        return (self.result.get("data") or {}).get("fingerprint")

    def record(self) -> dict[str, Any]:
        """What a merged run's result.json says of it."""
        training = self.result["training"]
        return {
            "run": self.run.name,
            "config_hash": self.result.get("config_hash"),
            "weights": self.weights,
            "strategy": self.result.get("strategy"),
            "start": self.start,
            "fingerprint": self.fingerprint,
            "steps": training.get("steps"),
            "seconds": training.get("seconds"),
        }


@dataclass(frozen=True)
class Parents:
    """Both runs. Their encoders fit together."""

    mono: Parent
    cross: Parent

    @property
    def identity(self) -> str:
        """8 hex digits: which configs were trained."""
        return hash_json([one.result.get("config_hash") for one in (self.mono, self.cross)], 8)

    @property
    def same_data(self) -> bool:
        """Whether both were trained on the same data."""
        return bool(self.mono.fingerprint == self.cross.fingerprint)

    def differing(self) -> dict[str, Any]:
        """Keys that change a result, dotted, with the value of the cross run where it is not that of the mono run.
        Batches and names of runs are left out."""
        ours, theirs = (dict(_flat(one.config)) for one in (self.mono, self.cross))
        return {key: theirs.get(key) for key in sorted({**ours, **theirs}) if ours.get(key) != theirs.get(key)}

    def batching(self, ratio: float) -> dict[str, Any]:
        """The section `batching` of the config of a merged run."""
        mono, cross = (
            {
                "run": one.run.name,
                "config_hash": one.result.get("config_hash"),
                "weights": one.weights,
                "batching": one.config["batching"],
            }
            for one in (self.mono, self.cross)
        )
        return {"ratio": ratio, "mono": mono, "cross": {**cross, "differs": self.differing()}}

    def warnings(self) -> list[str]:
        """Sentences on what makes the result worth less."""
        found = []
        if self.mono.start != self.cross.start:
            found.append(
                f"The runs did not start from the same weights ({self.mono.start}; {self.cross.start}). Weights "
                "between two unrelated networks are seldom a good network."
            )
        if not self.same_data:
            found.append(
                f"The runs were trained on different data (fingerprint {self.mono.fingerprint}; "
                f"{self.cross.fingerprint}). Held-out questions are those of the mono run, and the cross run may have "
                "been trained on them."
            )
        if differing := [key for key in self.differing() if key != "seed"]:
            more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
            found.append(f"The runs also differ in {', '.join(differing[:_SHOWN])}{more}.")
        return found


def read_parents(mono: str, cross: str, trust: Sequence[str]) -> Parents:
    """Both runs, which fit together. Raises UserError where one is missing, damaged, not finished or not trained, where
    they are one run or exchanged, and naming what differs between their encoders.
    """
    from hybridret.encoders.merging import check_mergeable  # torch

    found = Parents(*(_read(key, Path(path), trust) for key, path in (("mono", mono), ("cross", cross))))
    ours, theirs = found.mono, found.cross
    if ours.run.path.resolve() == theirs.run.path.resolve():
        raise UserError(f"mono={mono} and cross={cross} are one run. Name two.")
    if (ours.result.get("strategy"), theirs.result.get("strategy")) == ("cross", "mono"):
        raise UserError(
            f"mono={mono} was trained with cross batches, and cross={cross} with mono batches. Exchange them: the "
            "ratio is the share of the mono run."
        )
    named = [f"{one.result.get('backbone')} {one.result.get('size')}" for one in (ours, theirs)]
    if named[0] != named[1]:
        raise UserError(
            f"{mono} and {cross} cannot be merged, their backbones differ: {named[0]} against {named[1]}. Merge runs "
            "of one backbone, size, tokenizer and text settings."
        )
    check_mergeable(ours.run.best_checkpoint, theirs.run.best_checkpoint, REMOTE_CODE in trust)
    return found


def _read(key: str, path: Path, trust: Sequence[str]) -> Parent:
    from hybridret.encoders.folder import weights_sum

    if not path.is_dir():
        raise UserError(f"{key}={path}: there is no such folder. Give a run directory, multirun/SWEEP/RUN.")
    run = RunDirectory(path if path.name not in ("", "..") else path.resolve())  # its name is needed
    run.look()
    result = run.read_result()
    if result is None:
        raise UserError(f"{key}={path} is not a finished run: it has no result.json. Train it to the end first.")
    if result.get("merge"):
        raise UserError(f"{key}={path} is itself a merge of two runs. Name a run that was trained.")
    if not result.get("training") or not result.get("config_hash"):
        raise UserError(f"{key}={path} was not trained, so it has no weights of its own. Name a run of hybridret.run.")
    config = read_config(run, trust)
    needed = ("backbone", "model", "batching", "seed")
    if missing := [one for one in needed if one not in config]:
        raise UserError(f"{run.config} is not whole: it lacks {', '.join(missing)}. Copy the run directory again.")
    return Parent(run, config, result, weights_sum(run.best_checkpoint))


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The keys of a config that change a result, but for batches."""
    rows: list[tuple[str, Any]] = []
    for key, one in value.items():
        name = f"{prefix}{key}"
        if name == "batching" or name in NOT_HASHED:
            continue
        rows += _flat(one, f"{name}.") if isinstance(one, Mapping) else [(name, one)]
    return rows
