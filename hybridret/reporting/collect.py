"""Read the files of all runs of a sweep into tables. Reports read these files and nothing else (never W&B).

A run is finished if it has a `result.json`, which is written last. Everything else is listed with its state and reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.base.errors import UserError, nearest
from hybridret.base.files import read_json
from hybridret.reporting.configurations import with_configurations
from hybridret.reporting.evaluation_protocols import Protocol, protocol
from hybridret.reporting.points import (
    DAMAGED,
    FAILURE_COLUMNS,
    failure_row,
    nothing_finished,
    run_folders,
    unfinished,
)
from hybridret.reporting.read import (
    TOKEN_SHARES,
    flatten,
    history_rows,
    metric_rows,
    note_rows,
    settings_of,
    token_rows,
)
from hybridret.reporting.recipes import recipes
from hybridret.reporting.results import report_result
from hybridret.reporting.texts import text_words
from hybridret.reporting.training_cost import training_cost
from hybridret.runs.look import look
from hybridret.runs.sums import check_sum

UNTRAINED = "not trained"
MERGED = "no training: merged"  # what ended the training of a merge
_NO_SIZE = "none"  # of a retriever that has no model
_HOW = ("eval", "evaluation")  # sections that a later evaluation may record in its result.json


@dataclass(frozen=True)
class Sweep:
    """A sweep as tables; `run` is the name of the run directory everywhere.

    `runs`: one row per finished run: run, configuration (label: all but the seed), family (label: all but seed and
    size), strategy, alpha, backbone, size, what varies besides (`extra`: config keys, `evaluated`), seed,
    parameters_total/_body/_trainable, trained, steps, best_step, best_validation_loss, monitor, best_value,
    pairs_per_second, padding_share, seconds, stopped, data, fingerprint, licence, finished, pairs (trained up to the
    evaluated step) and flops (of these pairs, NaN where not known: `training_cost`), text (how texts were cut and
    prefixed, in words). A merge of two runs is `trained`, since its weights are, and has no steps of its own.
    `metrics`: the rows of all metrics.csv, evaluations included, with run and configuration. `history`: the rows of all
    history.jsonl with run and configuration. `tokens`: run, evaluation ("": the run itself, else the name of one that
    was added), language and the four shares. `notes`: run, dataset ("": the run as a whole), key, text.
    `failures`: run, state, phase, done, total (None: not known), reason of all that is not finished. By run: `mixes`,
    `environments`, `summaries`, what the reader made of the training data, `cards`, what it holds, `leaks`, which texts
    of the test sets were found in it, by the run itself and by evaluations that were added, `merges`, of which runs
    it is a merge, and `evaluated_in`, the folder with the `queries.parquet` of each dataset. `recipes`: by config key
    and run, values of a training in which runs differ although no configuration is named by them.
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
    cards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    leaks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    merges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evaluated_in: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

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
    """Read all runs of the sweep `folder`. A run with a damaged file is listed among `failures` as `damaged`.

    Raises UserError when no run is finished and whole; the message lists what there is.
    """
    folder = Path(folder)
    paths = run_folders(folder)
    for path in paths:
        look(path)  # a status.json that a kill left wrong is mended
    failures, remarks = unfinished(folder, paths)
    runs = []
    for path in paths:
        if not (path / "result.json").is_file():
            continue
        try:
            runs.append(_read(path))
        except UserError as error:
            failures.append(failure_row(path.name, {"state": DAMAGED, "reason": str(error)}))
    if not runs:
        raise nothing_finished(folder, failures)
    notes = [{"run": "", "dataset": "", "key": "left out", "text": text} for text in remarks]
    return _assemble(folder, runs, failures, notes)


@dataclass(frozen=True)
class _Run:
    """What the files of one finished run hold. `evaluations`: its folder first, then those added, by time."""

    path: Path
    result: dict[str, Any]
    settings: dict[str, Any]
    identity: dict[str, Any]
    evaluations: list[tuple[Path, dict[str, Any], pd.DataFrame]]
    history: list[dict[str, Any]]
    environment: dict[str, Any]
    notes: list[dict[str, str]]


def _read(path: Path) -> _Run:
    """Raises UserError where a value of the run itself is damaged; what is beside them is left out with a note."""
    result = report_result(path / "result.json")
    settings = settings_of(path / "config.yaml")
    notes: list[dict[str, str]] = []

    def beside(read: Callable[[], Any], instead: Any) -> Any:
        try:
            return read()
        except UserError as error:
            notes.append({"dataset": "", "key": "left out", "text": str(error)})
            return instead

    evaluations = [(path, result, metric_rows(path / "metrics.csv"))]
    for file in sorted((path / "evaluations").glob("*/result.json")):
        evaluations += beside(partial(_added, file), [])
    # An evaluation of the same dataset that was added later replaces the earlier one.
    evaluations.sort(key=lambda one: str(one[1].get("finished") or ""))
    text = text_words(result, settings)
    cost = training_cost(result, settings)
    identity = {"run": path.name, **_identity(path / "result.json", result), **cost, "text": text}
    history = beside(lambda: history_rows(path), [])
    environment = beside(lambda: _environment(path / "environment.json"), {})
    return _Run(path, result, settings, identity, evaluations, history, environment, notes)


def _added(file: Path) -> list[tuple[Path, dict[str, Any], pd.DataFrame]]:
    return [(file.parent, report_result(file), metric_rows(file.parent / "metrics.csv"))]


def _environment(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    check_sum(file)
    found = read_json(file)
    if not isinstance(found, dict):
        raise UserError(f"{file}: expected a JSON object. Copy the file again, or delete it.")
    return found


def _assemble(folder: Path, runs: list[_Run], failures: list[dict[str, Any]], remarks: list[dict[str, str]]) -> Sweep:
    metrics: list[pd.DataFrame] = []
    history: list[dict[str, Any]] = []
    tokens: list[dict[str, Any]] = []
    notes: list[dict[str, str]] = list(remarks)
    protocols: dict[str, Protocol] = {}
    evaluated_in: dict[str, dict[str, Path]] = {}
    for run in runs:
        name = run.path.name
        for i, (where, one, part) in enumerate(run.evaluations):
            newer = {dataset for _, _, other in run.evaluations[i + 1 :] for dataset in other["dataset"].unique()}
            valid = part[~part["dataset"].isin(newer)]
            metrics.append(valid.assign(run=name))
            evaluated_in.setdefault(name, {}).update(dict.fromkeys(map(str, valid["dataset"].unique()), where))
            options = run.settings if where == run.path else flatten({key: one.get(key) for key in _HOW})
            protocols.setdefault(name, {}).update(protocol(valid, options, run.identity["text"]))
            notes.extend({"run": name, **row} for row in note_rows(one) if row["dataset"] not in newer)
            # An evaluation whose values are all replaced is gone; older ones repeat the shares of their run.
            own = where == run.path
            if own or (len(valid) and one.get("tokens") != run.result.get("tokens")):
                tokens.extend({"run": name, **row} for row in token_rows(one, "" if own else where.name))
        notes.extend({"run": name, **row} for row in run.notes)
        history.extend({"run": name, **row} for row in run.history)
    identities = pd.DataFrame([run.identity for run in runs])
    settings = {run.path.name: run.settings for run in runs}
    frame, extra = with_configurations(identities, settings, protocols)
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
        mixes={run.path.name: (run.result.get("training") or {}).get("mix") or {} for run in runs},
        environments={run.path.name: run.environment for run in runs},
        merges={run.path.name: run.result["merge"] for run in runs if run.result.get("merge")},
        leaks={run.path.name: _leaks(run) for run in runs},
        evaluated_in=evaluated_in,
        recipes=recipes(frame, settings, extra),
        cards={run.path.name: (run.result.get("data") or {}).get("card") or {} for run in runs},
        summaries={run.path.name: (run.result.get("data") or {}).get("summary") or {} for run in runs},
    )


def _leaks(run: _Run) -> dict[str, Any]:
    """The leak tables of a run and of the evaluations added to it as one: of each test set the latest."""
    found: dict[str, Any] = {}
    for _, one, _ in run.evaluations:
        if record := one.get("leaks"):
            own = record.get("compared") or {}
            rows = [row for row in found.get("rows") or [] if row["benchmark"] not in own]
            compared = {**(found.get("compared") or {}), **own}
            found = {**found, **record, "rows": [*rows, *(record.get("rows") or [])], "compared": compared}
    return found


def _identity(file: Path, result: dict[str, Any]) -> dict[str, Any]:
    for key in ("backbone", "seed"):
        if key not in result:
            raise UserError(f"{file}: the key {key!r} is missing; delete the run directory and run the point again.")
    merged = bool(result.get("merge"))
    made = merged or result.get("training") is not None
    trained: dict[str, Any] = result.get("training") or ({"stopped": MERGED} if merged else {})
    parameters = result.get("parameters") or {}
    data = result.get("data") or {}
    alpha = result.get("alpha")
    speed = ("pairs_per_second", "padding_share", "seconds")
    columns = ("steps", "best_step", "best_validation_loss", "monitor", "best_value", *speed, "stopped")
    return {
        "strategy": str(result.get("strategy") or UNTRAINED) if made else UNTRAINED,
        "alpha": float(alpha) if alpha is not None and made else float("nan"),
        "backbone": str(result["backbone"]),
        "size": "" if result.get("size") in (None, _NO_SIZE) else str(result["size"]),
        "seed": result["seed"],
        **{f"parameters_{key}": float(parameters.get(key) or "nan") for key in ("total", "body", "trainable")},
        "trained": made,
        **{key: trained.get(key) for key in columns},
        **{
            key: data.get(old)
            for key, old in (("data", "name"), ("fingerprint", "fingerprint"), ("licence", "licence"))
        },
        "finished": result.get("finished"),
    }
