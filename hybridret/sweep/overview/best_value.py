"""The best value that a run has measured so far: of the quantity that selects its best encoder."""

from __future__ import annotations

import json
import mmap
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON
from hybridret.runs.sums import read_result
from hybridret.sweep.overview.fields import number, text, whole
from hybridret.training.monitor import is_better

_VALIDATION = b'"split": "validation"'
_MONITOR = re.compile(r"^training:\n(?:  .*\n)*?  monitor: ['\"]?(\w+)", re.MULTILINE)  # as a run writes its config


@dataclass(frozen=True)
class BestValue:
    """`metric` as in `training.monitor` or, of a run that was not trained, `DATASET/SETTING/METRIC@K`."""

    metric: str
    value: float
    step: int | None


def best_value(folder: Path) -> BestValue | None:
    """From `result.json` of the run directory `folder` where there is one, else from the validations in its
    `history.jsonl`. None where nothing was measured. Raises UserError for a damaged file."""
    if (folder / "result.json").is_file():
        return of_result(read_result(folder / "result.json"))
    return of_history(folder / "history.jsonl", monitor_of(folder / "config.yaml"))


def of_result(result: Mapping[str, Any]) -> BestValue | None:
    """What selected the best encoder; of a run without training the first mAP of its metrics, else the first one."""
    training = result.get("training")
    if isinstance(training, Mapping) and (value := number(training, "best_value")) is not None:
        return BestValue(text(training, "monitor") or "loss", value, whole(training, "best_step"))
    metrics = result.get("metrics")
    if not isinstance(metrics, Mapping):
        return None
    names = [name for name in metrics if number(metrics, name) is not None]
    name = next((name for name in names if "/map" in name), names[0] if names else None)
    return None if name is None else BestValue(name, float(metrics[name]), None)


def of_history(path: Path, metric: str) -> BestValue | None:
    """The best validation of a training curve; only its rows are decoded, since a curve has a hundred times as many."""
    best: BestValue | None = None
    for row in _validations(path):
        value = number(row, metric)
        if value is not None and is_better(metric, value, None if best is None else best.value):
            best = BestValue(metric, value, whole(row, "step"))
    return best


def monitor_of(config: Path) -> str:
    """`training.monitor` of a run's `config.yaml`, found without reading it as YAML, which takes 20 ms."""
    try:
        found = _MONITOR.search(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return "loss"
    return found[1] if found else "loss"


def _validations(path: Path) -> Iterator[dict[str, Any]]:
    """The validation rows that are whole. Raises UserError for one that was changed."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            found = raw.find(_VALIDATION)
            while found >= 0:
                start, end = raw.rfind(b"\n", 0, found) + 1, raw.find(b"\n", found)
                if end < 0:
                    return  # cut short by a kill, or being written
                yield _row(raw[start:end], path)
                found = raw.find(_VALIDATION, end)
    except FileNotFoundError:
        return
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        return  # an empty file cannot be mapped
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _row(line: bytes, path: Path) -> dict[str, Any]:
    own, mark, crc = line.partition(b', "crc32": "')
    try:
        row = json.loads(line)
    except NOT_JSON:
        row = None
    if not isinstance(row, dict) or (mark and b"%08x" % zlib.crc32(own + b"}") != crc[:8]):
        raise UserError(f"{path}: the row of a validation is damaged or was changed. Copy the file again.")
    return row
