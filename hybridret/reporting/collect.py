"""Read the files of all runs of a sweep into tables. Reports read these files and nothing else (never W&B).

A run is finished if it has a `result.json`, which is written last. Everything else is listed with its state and reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.errors import UserError, nearest
from hybridret.files import read_json
from hybridret.reporting.configurations import with_configurations
from hybridret.reporting.points import FAILURE_COLUMNS, nothing_finished, run_folders, unfinished
from hybridret.reporting.protocols import Protocol, protocol
from hybridret.reporting.read import (
    TOKEN_SHARES,
    flatten,
    history_rows,
    metric_rows,
    note_rows,
    settings_of,
    token_rows,
)
from hybridret.reporting.texts import text_words
from hybridret.runs.look import look

UNTRAINED = "not trained"
_NO_SIZE = "none"  # of a retriever that has no model
_HOW = ("eval", "evaluation")  # sections that a later evaluation may record in its result.json


@dataclass(frozen=True)
class Sweep:
    """A sweep as tables; `run` is the name of the run directory everywhere.

    `runs`: one row per finished run: run, configuration (label: all but the seed), family (label: all but seed and
    size), strategy, alpha, backbone, size, what varies besides (`extra`: config keys, `evaluated`), seed,
    parameters_total/_body/_trainable, trained, steps, best_step, best_validation_loss, pairs_per_second, padding_share,
    seconds, stopped, data, fingerprint, licence, finished, text (how texts were cut and prefixed, in words).
    `metrics`: the rows of all metrics.csv, evaluations included, with run and configuration. `history`: the rows of all
    history.jsonl with run and configuration. `tokens`: run, evaluation ("": the run itself, else the name of one that
    was added), language and the four shares. `notes`: run, dataset ("": the run as a whole), key, text.
    `failures`: run, state, phase, done, total (None: not known), reason of all that is not finished. By run: `mixes`,
    `environments`, and `summaries`, what the reader made of the training data.
    """

    name: str
    folder: Path
    runs: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame
    tokens: pd.DataFrame
    notes: pd.DataFrame
    failures: pd.DataFrame
    extra: tuple[str, ...] = ()
    mixes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summaries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets, in order of first appearance."""
        return [str(name) for name in self.metrics["dataset"].unique()]

    def only(self, datasets: list[str]) -> Sweep:
        """The sweep with the metrics of these datasets. Raises UserError on a dataset that no run was evaluated on."""
        for name in datasets:
            if name not in self.datasets:
                raise UserError(f"No run of {self.folder} was evaluated on {name!r}. {nearest(name, self.datasets)}")
        return Sweep(**{**self.__dict__, "metrics": self.metrics[self.metrics["dataset"].isin(datasets)]})


def collect(folder: Path) -> Sweep:
    """Read all runs of the sweep `folder`. Raises UserError naming a broken file, or when no run is finished."""
    folder = Path(folder)
    runs = run_folders(folder)
    for path in runs:
        look(path)  # a status.json that a kill left wrong is mended
    failures = unfinished(folder, runs)
    finished = [path for path in runs if (path / "result.json").is_file()]
    if not finished:
        raise nothing_finished(folder, failures)
    return _assemble(folder, finished, failures)


def _assemble(folder: Path, finished: list[Path], failures: list[dict[str, Any]]) -> Sweep:
    rows, settings, mixes, environments, summaries = [], {}, {}, {}, {}
    metrics: list[pd.DataFrame] = []
    history: list[dict[str, Any]] = []
    tokens: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    protocols: dict[str, Protocol] = {}
    for path in finished:
        result = _result(path / "result.json")
        settings[path.name] = settings_of(path / "config.yaml")
        text = text_words(result, settings[path.name])
        rows.append({"run": path.name, **_identity(path / "result.json", result), "text": text})
        mixes[path.name] = (result.get("training") or {}).get("mix") or {}
        summaries[path.name] = (result.get("data") or {}).get("summary") or {}
        environment = path / "environment.json"
        environments[path.name] = read_json(environment) if environment.is_file() else {}
        later = sorted((path / "evaluations").glob("*/result.json"))
        results = [(path, result)] + [(file.parent, _result(file)) for file in later]
        # An evaluation of the same dataset that was added later replaces the earlier one.
        results.sort(key=lambda pair: str(pair[1].get("finished") or ""))
        parts = [metric_rows(where / "metrics.csv") for where, _ in results]
        for i, (part, (where, one)) in enumerate(zip(parts, results, strict=True)):
            newer = {name for other in parts[i + 1 :] for name in other["dataset"].unique()}
            valid = part[~part["dataset"].isin(newer)]
            metrics.append(valid.assign(run=path.name))
            options = settings[path.name] if where == path else flatten({key: one.get(key) for key in _HOW})
            protocols.setdefault(path.name, {}).update(protocol(valid, options, text))
            notes.extend({"run": path.name, **row} for row in note_rows(one) if row["dataset"] not in newer)
            # An evaluation whose values are all replaced is gone; older ones repeat the shares of their run.
            if where == path or (len(valid) and one.get("tokens") != result.get("tokens")):
                tokens.extend({"run": path.name, **row} for row in token_rows(one, "" if where == path else where.name))
        history.extend({"run": path.name, **row} for row in history_rows(path))
    frame, extra = with_configurations(pd.DataFrame(rows), settings, protocols)
    labels = frame[["run", "configuration"]]
    order = {name: i for i, name in enumerate(frame["run"])}
    values = pd.concat(metrics, ignore_index=True)
    values = values.sort_values("run", key=lambda column: column.map(order), kind="stable").reset_index(drop=True)
    curve = pd.DataFrame(history, columns=None if history else ["run", "step", "split", "loss"])
    return Sweep(
        name=folder.resolve().name,
        folder=folder,
        runs=frame,
        metrics=values.merge(labels, on="run"),
        history=curve.merge(labels, on="run"),
        tokens=pd.DataFrame(tokens, columns=["run", "evaluation", "language", *TOKEN_SHARES]),
        notes=pd.DataFrame(notes, columns=["run", "dataset", "key", "text"]),
        # As objects: counts stay whole numbers, and a total that is not known stays None.
        failures=pd.DataFrame(failures, columns=list(FAILURE_COLUMNS), dtype=object),
        extra=extra,
        mixes=mixes,
        environments=environments,
        summaries=summaries,
    )


def _result(file: Path) -> dict[str, Any]:
    result = read_json(file)
    if not isinstance(result, dict):
        raise UserError(f"{file}: expected a JSON object with the summary of a run.")
    if result.get("version", 1) != 1:
        raise UserError(f"{file}: written in version {result['version']} of the format, this program reads version 1.")
    return result


def _identity(file: Path, result: dict[str, Any]) -> dict[str, Any]:
    for key in ("backbone", "seed"):
        if key not in result:
            raise UserError(f"{file}: the key {key!r} is missing; delete the run directory and run the point again.")
    training = result.get("training")
    trained: dict[str, Any] = training or {}
    parameters = result.get("parameters") or {}
    data = result.get("data") or {}
    alpha = result.get("alpha")
    columns = ("steps", "best_step", "best_validation_loss", "pairs_per_second", "padding_share", "seconds", "stopped")
    return {
        "strategy": str(result.get("strategy") or UNTRAINED) if training is not None else UNTRAINED,
        "alpha": float(alpha) if alpha is not None and training is not None else float("nan"),
        "backbone": str(result["backbone"]),
        "size": "" if result.get("size") in (None, _NO_SIZE) else str(result["size"]),
        "seed": result["seed"],
        **{f"parameters_{key}": float(parameters.get(key) or "nan") for key in ("total", "body", "trainable")},
        "trained": training is not None,
        **{key: trained.get(key) for key in columns},
        **{
            key: data.get(old)
            for key, old in (("data", "name"), ("fingerprint", "fingerprint"), ("licence", "licence"))
        },
        "finished": result.get("finished"),
    }
